"""The end of the service and whom its notice reached (A23.1)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/service_end")


class Decided(msgspec.Struct, frozen=True):
    """The end of the service as two people decided it; `suspension_id` once everybody was told in time."""

    ends_on: date
    certificates: str
    suspension_id: UUID | None
    decided_by_first: UUID
    decided_by_second: UUID


class Told(msgspec.Struct, frozen=True):
    """A customer of a live contract; `announced`: it has none accepted before the end was decided."""

    customer: str
    delivered_at: datetime | None
    announced: bool


async def decide(
    conn: Conn, cause: str, ends_on: date, certificates: str, notice_id: UUID, first: UUID, second: UUID, now: datetime
) -> bool:
    """Whether that is the day now: none was decided, or an earlier one for which not everybody was told in time."""
    values = (cause, ends_on, certificates, notice_id, first, second, now)
    return await conn.fetchval(SQL["decide"], *values) is not None


async def give_up_letters(conn: Conn, notice_id: UUID) -> None:
    """Of the notices of an earlier day nothing goes out any more."""
    await conn.execute(SQL["give_up_letters"], notice_id)


async def ends_on(conn: Conn) -> date | None:
    """The day, where one is decided."""
    day: date | None = await conn.fetchval(SQL["ends_on"])
    return day


async def told(conn: Conn, after: str, most: int | None) -> list[Told]:
    """By handle; those behind one, at most so many or all."""
    return many(Told, await conn.fetch(SQL["told"], after, most))


async def untold(conn: Conn, most: int) -> list[UUID]:
    """Customers to whom no notice of it goes yet."""
    return [row["id"] for row in await conn.fetch(SQL["untold"], most)]


async def decided(conn: Conn) -> Decided | None:
    """What was decided, and stays so until the transaction ends; None when nothing was."""
    return one(Decided, await conn.fetchrow(SQL["decided"]))


async def close(conn: Conn, suspension_id: UUID) -> None:
    """Nothing is issued past the end."""
    await conn.execute(SQL["close"], suspension_id)


async def running(conn: Conn, after: int, most: int) -> list[ContractKey]:
    """Contracts that end with the service, by number."""
    return many(ContractKey, await conn.fetch(SQL["running"], after, most))
