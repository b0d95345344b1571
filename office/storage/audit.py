"""What auditors read: who may do what, what changed, whole populations, and whether deadlines were met."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/audit")
AHEAD = 1000  # rows that a stream holds at a time
NOBODY = ("", "", "", "")  # the place before all who may do something


class Access(msgspec.Struct, frozen=True):
    """Something that somebody may do."""

    kind: str
    holder: str
    may: str
    since: datetime | None
    until: datetime | None
    last_used_on: date | None


class Review(msgspec.Struct, frozen=True):
    """A review of who may do what, by two people."""

    id: UUID
    reviewed_at: datetime
    first: str
    second: str
    entries: int
    list_sha256: bytes
    findings: str


class Leaver(msgspec.Struct, frozen=True):
    """Somebody who left. `in_time`: unknown while the 24 hours run and their access is not gone."""

    person: str
    left_at: datetime
    recorded_at: datetime
    recorded_by: str
    removed_at: datetime | None
    removed_by: str | None
    in_time: bool | None


class ReadingChange(msgspec.Struct, frozen=True):
    """A dated value of a reading, and the two people who set it."""

    key: str
    value: str
    effective_at: datetime
    first: str
    second: str


async def access(
    conn: Conn, now: datetime, most: int | None = None, behind: Sequence[str] = NOBODY
) -> AsyncIterator[tuple[Access, str]]:  # fmt: skip
    """Who may do what, behind a place, within the caller's transaction; with each what tells it from others like it."""
    async for row in conn.cursor(SQL["access"], now, most, *behind, prefetch=AHEAD):
        found = dict(row)
        key = found.pop("key")
        yield Access(**found), key


async def insert_review(
    conn: Conn, first: UUID, second: UUID, entries: int, list_sha256: bytes, findings: str, now: datetime
) -> UUID:
    """The id of the new review."""
    made = uuid7(now)
    await conn.execute(SQL["insert_review"], made, first, second, entries, list_sha256, findings, now)
    return made


async def reviews(conn: Conn, most: int, before: UUID | None) -> list[Review]:
    """Reviews, newest first, older than that one."""
    return many(Review, await conn.fetch(SQL["reviews"], most, before))


async def leavers(conn: Conn, most: int, behind: tuple[datetime, str] | None, now: datetime) -> list[Leaver]:
    """People who left, the last first, behind who left at that instant, by their handle."""
    return many(Leaver, await conn.fetch(SQL["leavers"], most, *(behind or (None, None)), now))


async def readings(conn: Conn, most: int, behind: tuple[datetime, str] | None) -> list[ReadingChange]:
    """Changes of readings, newest first, behind the one of that instant and key."""
    return many(ReadingChange, await conn.fetch(SQL["readings"], most, *(behind or (None, None))))


async def titles(conn: Conn, statement: str) -> list[str]:
    """The names of what the statement returns."""
    return [field.name for field in (await conn.prepare(SQL[statement])).get_attributes()]


async def certificates(conn: Conn, since: datetime, until: datetime) -> AsyncIterator[dict[str, object]]:
    """Every certificate signed in the period, within the caller's transaction."""
    async for row in conn.cursor(SQL["certificates"], since, until, prefetch=AHEAD):
        yield dict(row)


async def contracts(conn: Conn, since: datetime, until: datetime) -> AsyncIterator[dict[str, object]]:
    """Every contract of the period, within the caller's transaction."""
    async for row in conn.cursor(SQL["contracts"], since, until, prefetch=AHEAD):
        yield dict(row)


async def deadlines(conn: Conn, since: datetime, until: datetime, now: datetime) -> AsyncIterator[dict[str, object]]:
    """Everything of the period that had a deadline, within the caller's transaction."""
    async for row in conn.cursor(SQL["deadlines"], since, until, now, prefetch=AHEAD):
        yield dict(row)
