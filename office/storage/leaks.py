"""Leaks of personal data and their reports (T16-2)."""

from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_16_secrecy import LeakDue
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/leaks")


class Leak(msgspec.Struct, frozen=True):
    """A leak, when each report is due and when it was made."""

    id: UUID
    found_at: datetime
    malicious: bool
    affected: str
    preliminary_due_at: datetime
    preliminary_at: datetime | None
    final_due_at: datetime
    final_at: datetime | None


async def record(
    conn: Conn, found_at: datetime, malicious: bool, affected: str, measures: str, person: UUID, due: LeakDue,
    now: datetime,
) -> UUID:  # fmt: skip
    """The id of the recorded leak."""
    made = uuid7(now)
    values = (made, found_at, malicious, affected, measures, person, due.preliminary_at, due.final_at)
    await conn.execute(SQL["record"], *values)
    return made


async def preliminary(conn: Conn, leak_id: UUID, now: datetime) -> bool:
    """Whether the preliminary report was still to come."""
    return await conn.fetchval(SQL["preliminary"], leak_id, now) is not None


async def final(conn: Conn, leak_id: UUID, now: datetime) -> bool:
    """Whether the final report was still to come, the preliminary one made."""
    return await conn.fetchval(SQL["final"], leak_id, now) is not None


async def leaks(conn: Conn, most: int, after: UUID | None = None, after_done: bool = False) -> list[Leak]:
    """Open ones first."""
    return many(Leak, await conn.fetch(SQL["leaks"], most, after, after_done))
