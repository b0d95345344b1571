"""What the corporate-number register said last of each customer (T6-5)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_06_changes import Registered
from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/register_states")


class Due(msgspec.Struct, frozen=True):
    """A customer to be looked up; `before` is what the register said last, at `checked_at`."""

    id: UUID
    number: str
    customer_name: str
    before: Registered | None
    checked_at: datetime | None
    contracts: list[int]


class State(msgspec.Struct, frozen=True):
    """What the register said last of a customer."""

    customer: str
    name: str
    prefecture: str
    city: str
    closed_on: date | None
    successor: str | None
    checked_at: datetime


async def due(conn: Conn, before: datetime, but: Sequence[UUID], most: int) -> list[Due]:
    """Customers not looked up since, the longest ago first, but for these."""
    found = []
    for row in await conn.fetch(SQL["due"], before, list(but), most):
        said = None
        if row["checked_at"] is not None:
            fields = ("name", "prefecture", "city", "street", "closed_on", "successor")
            said = Registered(*(row[field] for field in fields))
        found.append(
            Due(row["id"], row["number"], row["customer_name"], said, row["checked_at"], list(row["contracts"]))
        )
    return found


async def keep(conn: Conn, one: Due, found: Registered, now: datetime) -> bool:
    """Whether nobody has looked since `one` was read."""
    values = (one.id, *msgspec.structs.astuple(found), now, one.checked_at)
    return await conn.fetchval(SQL["keep"], *values) is not None


async def running(conn: Conn, customer_id: UUID) -> list[ContractKey]:
    """Contracts of the customer that may ask for certificates."""
    return many(ContractKey, await conn.fetch(SQL["running"], customer_id))


async def states(conn: Conn, most: int, after: str | None = None) -> list[State]:
    """What the register said last, by customer."""
    return many(State, await conn.fetch(SQL["states"], most, after))
