"""Deadlines of revocations that run: of cases, and of what those who asked are to be told (T11-6, T11-9)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/case_deadlines")


class Clock(msgspec.Struct, frozen=True):
    """A case whose deadline runs."""

    id: UUID
    ground: str
    underlying: str | None
    deadline_at: datetime


class Awaited(msgspec.Struct, frozen=True):
    """A case of whose result somebody has yet to be told."""

    id: UUID
    since: datetime
    due_at: datetime


async def clocks(conn: Conn, most: int) -> list[Clock]:
    """Cases whose deadline for published revocation runs, the nearest first (T11-9)."""
    return many(Clock, await conn.fetch(SQL["clocks"], most))


async def results_due(conn: Conn, most: int) -> list[Awaited]:
    """Cases of whose result somebody has yet to be told, the nearest deadline first (T11-6)."""
    return many(Awaited, await conn.fetch(SQL["results_due"], most))


async def warn(conn: Conn, subject: UUID, kind: str, threshold: int, now: datetime) -> bool:
    """Whether the officers were not told of this threshold before."""
    return await conn.fetchval(SQL["warn"], subject, kind, threshold, now) is not None
