"""The seal: who asked for it, what decides whether it is valid, and its use after the end (Articles 4, 11, 19)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.facts import NameEntry
from sql import Conn, Pool, statements
from sql.evidence import Entry
from sql.rows import many

SQL = statements("office/seals")


class Seal(msgspec.Struct, frozen=True):
    """A seal as it is now. `live`: notAfter of each certificate that is not revoked; `scope`: a reading's row."""

    contract_id: UUID
    ended_at: datetime | None
    active: bool
    live: list[datetime]
    names: list[NameEntry]
    scope: str | None


class Shown(msgspec.Struct, frozen=True):
    """A seal in a listing."""

    contract: str
    token: str
    requested_at: datetime
    withdrawn_at: datetime | None
    state: str
    uses_after_end: int


class Ended(msgspec.Struct, frozen=True):
    """A seal whose contract has ended."""

    contract_id: UUID
    ended_at: datetime


async def request(conn: Conn, contract_id: UUID, token: str, person: UUID, now: datetime) -> str | None:
    """The token of the seal that is on from now; None when it was on."""
    on: str | None = await conn.fetchval(SQL["request"], contract_id, token, person, now)
    return on


async def withdraw(conn: Conn, contract_id: UUID, now: datetime) -> bool:
    """Whether it was on until now."""
    return await conn.fetchval(SQL["withdraw"], contract_id, now) is not None


async def seal_of(pool: Pool | Conn, token: str, now: datetime) -> Seal | None:
    """The seal of that token; None for none."""
    row = await pool.fetchrow(SQL["seal"], token, now)
    if row is None:
        return None
    names = [msgspec.convert(dict(zip(("kind", "value"), each.split(" ", 1), strict=True)), NameEntry)
             for each in row["names"]]  # fmt: skip
    return Seal(row["contract_id"], row["ended_at"], row["active"], list(row["live"]), names, row["scope"])


async def used_after_end(pool: Pool, seal: Seal, host: str, day: date, most: int, row: Entry) -> None:
    """The use is recorded, once a host and day."""
    await pool.execute(
        SQL["used_after_end"], seal.contract_id, host, day, row.recorded_at, most, row.id, row.kind, row.actor,
        row.content, row.place,
    )  # fmt: skip


async def to_delete(conn: Conn, most: int) -> list[Ended]:
    """Seals of ended contracts whose customers are not told yet, locked."""
    return many(Ended, await conn.fetch(SQL["to_delete"], most))


async def told(conn: Conn, contract_id: UUID, notice_id: UUID) -> None:
    """The customer is asked to delete it by that notice."""
    await conn.execute(SQL["told"], contract_id, notice_id)


async def seals(conn: Conn, contract_id: UUID | None, most: int, after: str | None = None) -> list[Shown]:
    """The seal of a contract, or all by their contracts' handles."""
    if contract_id is not None:
        return many(Shown, await conn.fetch(SQL["seal_of"], contract_id))
    return many(Shown, await conn.fetch(SQL["seals"], most, after))
