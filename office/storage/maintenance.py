"""Windows of planned maintenance (A22.2)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/maintenance")


class Window(msgspec.Struct, frozen=True):
    """A window and its notice; `suspension_id`: it was opened."""

    id: UUID
    reason: str
    starts_at: datetime
    ends_at: datetime
    notice_id: UUID | None
    told_at: datetime | None
    emergency: str | None
    suspension_id: UUID | None


async def insert(
    conn: Conn, reason: str, starts_at: datetime, ends_at: datetime, notice_id: UUID, emergency: str | None,
    planned_by: UUID, now: datetime,
) -> UUID:  # fmt: skip
    """The id of the new window."""
    new = uuid7(now)
    values = (new, reason, starts_at, ends_at, notice_id, emergency, planned_by, now)
    await conn.execute(SQL["insert"], *values)
    return new


async def locked(conn: Conn, window_id: UUID) -> Window | None:
    """The window, nobody else's until the transaction ends."""
    return one(Window, await conn.fetchrow(SQL["locked"], window_id))


async def opened(conn: Conn, window_id: UUID, suspension_id: UUID) -> None:
    """It was opened."""
    await conn.execute(SQL["opened"], window_id, suspension_id)


async def windows(conn: Conn, most: int, before: UUID | None = None) -> list[Window]:
    """Newest first."""
    return many(Window, await conn.fetch(SQL["windows"], most, before))
