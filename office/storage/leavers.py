"""People who leave, and what ends with that (C-176)."""

from datetime import datetime
from uuid import UUID

from sql import Conn, statements

SQL = statements("office/leavers")


async def leave(conn: Conn, person: UUID, left_at: datetime) -> bool:
    """Whether they leave now: no row of a decision takes them from here on."""
    return await conn.fetchval(SQL["leave"], person, left_at) is not None


async def withdraw_tokens(conn: Conn, person: UUID, now: datetime) -> list[UUID]:
    """Their tokens that lived until now."""
    return [row["id"] for row in await conn.fetch(SQL["withdraw_tokens"], person, now)]


async def insert(conn: Conn, person: UUID, by: UUID, now: datetime) -> None:
    """Somebody recorded it."""
    await conn.execute(SQL["insert"], person, by, now)


async def removed(conn: Conn, person: UUID, by: UUID, now: datetime) -> bool:
    """Whether it is recorded now that their other access is gone."""
    return await conn.fetchval(SQL["removed"], person, by, now) is not None
