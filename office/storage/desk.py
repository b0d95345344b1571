"""What waits for people, whose it is, and who stands in for whom."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/desk")


class Place(NamedTuple):
    """Where a page begins: behind this row of the one before."""

    deadline_at: datetime
    kind: str
    subject: str


class Task(msgspec.Struct, frozen=True):
    """Something that waits. `acting`: who does it today, the owner or who stands in for them.

    `issuance_waits`: its contract gives no certificate until it is done (T4-5).
    """

    deadline_at: datetime
    kind: str
    subject: str
    contract: str | None
    since: datetime
    binding: bool
    overdue: bool
    owner: str | None
    acting: str | None
    snoozed_until: datetime | None
    issuance_waits: bool


class Waiting(msgspec.Struct, frozen=True):
    """The deadline of one task."""

    since: datetime
    deadline_at: datetime
    binding: bool
    contract_id: UUID | None


class HandOver(msgspec.Struct, frozen=True):
    """A task that somebody else does from today on; None: nobody."""

    kind: str
    subject: str
    owner_id: UUID
    was_id: UUID | None
    acting_id: UUID | None


class Absence(msgspec.Struct, frozen=True):
    """Who is away, and who stands in."""

    id: UUID
    person: str
    deputy: str
    from_on: date
    until_on: date


async def tasks(
    conn: Conn, now: datetime, today: date, acting: UUID | None, kind: str | None, snoozed: bool, after: Place,
    most: int,
) -> list[Task]:  # fmt: skip
    """A page of what waits, for one person or all, of one kind or all, the nearest deadline first."""
    return many(Task, await conn.fetch(SQL["desk"], now, today, acting, snoozed, kind, *after, most))


async def waiting(conn: Conn, kind: str, subject: str) -> Waiting | None:
    """The task, if it waits: nobody looked at it since."""
    return one(Waiting, await conn.fetchrow(SQL["waiting"], kind, subject))


async def assign(conn: Conn, kind: str, subject: str, owner: UUID, today: date, now: datetime) -> UUID | None:
    """Who does it today; None: neither the owner nor who stands in is there."""
    acting: UUID | None = await conn.fetchval(SQL["assign"], kind, subject, owner, today, now)
    return acting


async def snooze(conn: Conn, kind: str, subject: str, until: datetime, now: datetime) -> None:
    """The task is not shown until then."""
    await conn.execute(SQL["snooze"], kind, subject, until, now)


async def done(conn: Conn, kind: str, subject: str, since: datetime, now: datetime) -> bool:
    """The task, which waits since then, was looked at. False when that was said before."""
    return await conn.fetchval(SQL["done"], kind, subject, now, since) is not None


async def to_hand_over(conn: Conn, today: date, most: int) -> list[HandOver]:
    """Tasks that somebody else does from today on."""
    return many(HandOver, await conn.fetch(SQL["to_hand_over"], today, most))


async def hand_over(conn: Conn, task: HandOver, now: datetime) -> bool:
    """Whether the task changes hands now."""
    values = task.kind, task.subject, task.was_id, task.acting_id
    return await conn.fetchval(SQL["hand_over"], *values, now) is not None


async def insert_absence(
    conn: Conn, person: UUID, deputy: UUID, from_on: date, until_on: date, by: UUID, now: datetime
) -> UUID:
    """The id of the new absence."""
    made = uuid7(now)
    await conn.execute(SQL["insert_absence"], made, person, deputy, from_on, until_on, by, now)
    return made


async def end_absences(conn: Conn, person: UUID, today: date, now: datetime) -> list[UUID]:
    """Those that lasted or were to come."""
    return [row["id"] for row in await conn.fetch(SQL["end_absences"], person, today, now)]


async def absences(conn: Conn, today: date, most: int, after: UUID | None = None) -> list[Absence]:
    """Absences that last or are to come, the earliest first."""
    return many(Absence, await conn.fetch(SQL["absences"], today, most, after))
