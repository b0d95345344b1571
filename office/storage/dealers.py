"""Names under which dealers pay (T8-16)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/dealers")


class DealerAlias(msgspec.Struct, frozen=True):
    """A name under which a dealer pays; `dealer` as the applications name it."""

    id: UUID
    dealer: str
    name: str
    key: str
    added_at: datetime


async def insert(conn: Conn, dealer: str, name: str, key: str, by: UUID, now: datetime) -> UUID | None:
    """The id of the new alias; None: no application names the dealer, or it is there."""
    made: UUID | None = await conn.fetchval(SQL["insert"], uuid7(now), dealer, name, key, by, now)
    return made


async def end(conn: Conn, alias_id: UUID, now: datetime) -> bool:
    """Whether the alias counted until now."""
    return await conn.fetchval(SQL["end"], alias_id, now) is not None


async def aliases(conn: Conn, most: int, after: UUID | None) -> list[DealerAlias]:
    """Aliases of all dealers; those behind one."""
    return many(DealerAlias, await conn.fetch(SQL["aliases"], most, after))
