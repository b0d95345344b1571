"""The end of the service and whom its notice reached (A23.1)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/service_end")


class Told(msgspec.Struct, frozen=True):
    """A customer of a live contract."""

    customer: str
    delivered_at: datetime | None


async def insert(
    conn: Conn, cause: str, ends_on: date, certificates: str, notice_id: UUID, first: UUID, second: UUID, now: datetime
) -> bool:
    """Whether it was not decided before."""
    values = (cause, ends_on, certificates, notice_id, first, second, now)
    return await conn.fetchval(SQL["insert"], *values) is not None


async def ends_on(conn: Conn) -> date | None:
    """The day, where one is decided."""
    day: date | None = await conn.fetchval(SQL["ends_on"])
    return day


async def told(conn: Conn) -> list[Told]:
    """By handle."""
    return many(Told, await conn.fetch(SQL["told"]))
