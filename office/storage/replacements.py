"""Certificates that show what is no longer so, and that the new contract's replace (T14-2)."""

from datetime import datetime
from uuid import UUID

from office.storage.revocations import Live
from sql import Conn, statements

SQL = statements("office/replacements")


async def replaced(conn: Conn, now: datetime, most: int) -> dict[UUID, list[Live]]:
    """Those that still live, by the open case that covers them."""
    found: dict[UUID, list[Live]] = {}
    for row in await conn.fetch(SQL["replaced"], now, most):
        case_id, *live = row.values()
        found.setdefault(case_id, []).append(Live(*live))
    return found


async def left(conn: Conn, case_id: UUID, now: datetime) -> bool:
    """Whether a certificate of the case's contracts still shows what is no longer so."""
    found: bool = await conn.fetchval(SQL["left"], case_id, now)
    return found
