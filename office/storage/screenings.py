"""Who is screened for a contract, and with what answer (T13-1). Sources and grounds: compliance only (T13-3)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/screenings")


class Screening(msgspec.Struct, frozen=True):
    """A subject as every officer sees it: whether an answer is there, never which."""

    id: UUID
    contract: str
    role: str
    subject: str
    added_at: datetime
    checked_at: datetime | None


class Answered(msgspec.Struct, frozen=True):
    """What a subject's answer belongs to."""

    id: UUID
    contract_id: UUID
    number: int
    verdict: str


class ComplianceFinding(msgspec.Struct, frozen=True):
    """A subject as compliance sees it."""

    id: UUID
    contract: str
    role: str
    subject: str
    verdict: str
    source: str | None
    grounds: str | None
    checked_by: str | None
    checked_at: datetime | None


async def add(conn: Conn, contract_id: UUID, role: str, subject: str, now: datetime) -> UUID | None:
    """The id of the new subject, pending; None when it is known."""
    made: UUID | None = await conn.fetchval(SQL["add"], uuid7(now), contract_id, role, subject, now)
    return made


async def screening_of(conn: Conn, screening_id: UUID) -> Answered | None:
    """The subject of that id."""
    return one(Answered, await conn.fetchrow(SQL["screening"], screening_id))


async def record(
    conn: Conn, ids: Sequence[UUID], verdict: str, source: str, grounds: str | None, by: UUID, now: datetime
) -> None:
    """The subjects have this answer."""
    await conn.execute(SQL["record"], list(ids), verdict, source, grounds, by, now)


async def screenings(
    conn: Conn, contract_id: UUID | None, pending: bool, most: int, after: UUID | None = None
) -> list[Screening]:
    """Subjects of a contract, after one of them, or of all; if so wanted those without an answer. Oldest first."""
    if contract_id is None:
        return many(Screening, await conn.fetch(SQL["screenings"], pending, most))
    return many(Screening, await conn.fetch(SQL["screenings_of"], contract_id, pending, most, after))


async def findings(
    conn: Conn, contract_id: UUID | None, most: int, after: UUID | None = None
) -> list[ComplianceFinding]:
    """The same with verdict, source and grounds, over a connection of keiyaku_compliance."""
    if contract_id is None:
        return many(ComplianceFinding, await conn.fetch(SQL["findings"], most))
    return many(ComplianceFinding, await conn.fetch(SQL["findings_of"], contract_id, most, after))
