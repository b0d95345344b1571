"""Announced versions of the Terms (T20-1)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/terms")


class Change(msgspec.Struct, frozen=True):
    """A version and what became of it. `announced_at`: enacted, its announcement was delivered then."""

    version: str
    sha256: bytes
    url: str
    change: str
    reason: str
    effective_at: datetime
    notice_id: UUID
    delivered_at: datetime | None
    announced_at: datetime | None
    withdrawn_at: datetime | None


async def insert(
    conn: Conn, version: str, sha256: bytes, url: str, change: str, reason: str, effective_at: datetime,
    notice_id: UUID, announced_by: UUID,
) -> bool:  # fmt: skip
    """Whether the version is new, and the only one of its instant."""
    values = (version, sha256, url, change, reason, effective_at, notice_id, announced_by)
    return await conn.fetchval(SQL["insert"], *values) is not None


async def withdraw(conn: Conn, version: str, now: datetime) -> bool:
    """Whether it was announced, not withdrawn and not in force."""
    return await conn.fetchval(SQL["withdraw"], version, now) is not None


async def delivered(conn: Conn) -> list[Change]:
    """Versions whose announcement was delivered and that do not stand among the texts, locked; none another holds."""
    return many(Change, await conn.fetch(SQL["delivered"]))


async def enact(conn: Conn, version: str, announced_at: datetime) -> bool:
    """Whether the version stands among the texts, with its instant; else one of that instant was added meanwhile."""
    return await conn.fetchval(SQL["enact"], version, announced_at) is not None


async def changes(conn: Conn, most: int, after: str | None = None) -> list[Change]:
    """Newest first."""
    return many(Change, await conn.fetch(SQL["changes"], most, after))
