"""Incidents: the frozen list of each, how far it is, and drills, which touch their own list alone (C-166)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from sql import Conn, Pool, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/incidents")
LONGEST_LIFE = timedelta(days=400)  # of a certificate: older ones have expired


class Query(msgspec.Struct, frozen=True):
    """Which certificates: those that fit every part that is not None. `since` and `until` are of issuance.

    `contract` only says how people name the contract of `contract_id`.
    """

    profile: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    key: bytes | None = None
    method: str | None = None
    contract_id: UUID | None = None
    serials: list[bytes] | None = None
    contract: str | None = None


class NewIncident(msgspec.Struct, frozen=True):
    """An incident to store. `query`: what was asked for, in words."""

    drill: bool
    title: str
    ground: str
    query: str
    explanation_url: str | None
    known_at: datetime
    deadline_at: datetime


class Incident(msgspec.Struct, frozen=True):
    """An incident as it stands. No revocation before `next_at`; a drill has no case."""

    id: UUID
    title: str
    drill: bool
    ground: str
    query: str
    explanation_url: str | None
    known_at: datetime
    deadline_at: datetime
    planned_at: datetime
    planned_by: str
    per_second: int | None
    wait: timedelta | None
    begun_at: datetime | None
    windows_at: datetime | None
    next_at: datetime | None
    paused_at: datetime | None
    finished_at: datetime | None
    case_id: UUID | None
    case_state: str | None
    published_at: datetime | None
    certificates: int


class Count(msgspec.Struct, frozen=True):
    """Of one contract's certificates in the list: windows pulled, revoked, on a CRL, and replaced by a valid order."""

    contract: str | None
    certificates: int
    first_expiry: datetime
    windows: int
    revoked: int
    published: int
    replaced: int


class Listed(msgspec.Struct, frozen=True):
    """How many certificates a list holds, and SHA-256 of their serials in order."""

    certificates: int
    sha256: bytes


class Span(msgspec.Struct, frozen=True):
    """When the first and the last were revoked, and since when CRLs show those that they show."""

    first_at: datetime | None
    last_at: datetime | None
    published_at: datetime | None
    unpublished: int


async def insert(conn: Conn, new: NewIncident, person: UUID, now: datetime) -> UUID:
    """The id of the new incident."""
    incident_id = uuid7(now)
    values = new.drill, new.title, new.ground, new.query, new.explanation_url, new.known_at, new.deadline_at
    await conn.execute(SQL["insert"], incident_id, *values, person, now)
    return incident_id


async def insert_list(conn: Conn, incident_id: UUID, query: Query, code: int | None, now: datetime) -> Listed:
    """The list, which nobody adds to later. With `code` revoked ones too whose code is another."""
    await conn.execute(
        SQL["insert_list"], incident_id, now, now - LONGEST_LIFE, query.profile, query.since, query.until, query.key,
        query.method, query.contract_id, query.serials, code,
    )  # fmt: skip
    if code is not None:
        await conn.execute(SQL["widen"], incident_id, now, code)
    return await listed(conn, incident_id)


async def listed(conn: Conn, incident_id: UUID) -> Listed:
    """What the list holds."""
    row = await conn.fetchrow(SQL["digest"], incident_id)
    assert row is not None  # an aggregate
    return Listed(**row)


async def incident_of(conn: Conn, incident_id: UUID) -> Incident | None:
    """The incident of that id."""
    return one(Incident, await conn.fetchrow(SQL["incidents"], incident_id, True, 1, None))


async def incidents(conn: Conn, finished: bool, most: int, before: UUID | None = None) -> list[Incident]:
    """Those under way, or all; the newest first."""
    return many(Incident, await conn.fetch(SQL["incidents"], None, finished, most, before))


async def under_way(pool: Conn | Pool, most: int) -> list[UUID]:
    """Those that a worker goes on with, the nearest deadline first."""
    return [row["id"] for row in await pool.fetch(SQL["under_way"], most)]


async def lock(conn: Conn, incident_id: UUID) -> None:
    """Nobody else goes on with it until this transaction ends."""
    await conn.execute(SQL["lock"], incident_id)


async def begin(
    conn: Conn, incident_id: UUID, per_second: int, wait: timedelta, people: tuple[UUID, UUID] | None, now: datetime
) -> bool:
    """Whether it begins now. `people`: of a drill."""
    values = per_second, wait, now, *(people or (None, None))
    return await conn.fetchval(SQL["begin"], incident_id, *values) is not None


async def set_pace(conn: Conn, incident_id: UUID, per_second: int) -> None:
    """So many a second from now on."""
    await conn.execute(SQL["set_pace"], incident_id, per_second)


async def set_paused(conn: Conn, incident_id: UUID, since: datetime | None) -> bool:
    """Whether it is paused now and was not, or the other way round with None."""
    return await conn.fetchval(SQL["set_paused"], incident_id, since) is not None


async def pull_windows(
    conn: Conn, incident_id: UUID, window: tuple[datetime, datetime], most: int, now: datetime
) -> int:
    """How many more clients are told to renew at once, or would be."""
    return int(await conn.fetchval(SQL["pull_windows"], incident_id, now, *window, most))


async def set_windows(conn: Conn, incident_id: UUID, next_at: datetime, now: datetime) -> None:
    """All windows lie in the past; nothing is revoked before `next_at`."""
    await conn.execute(SQL["set_windows"], incident_id, now, next_at)


async def set_next(conn: Conn, incident_id: UUID, next_at: datetime) -> None:
    """Nothing more is revoked before that instant."""
    await conn.execute(SQL["set_next"], incident_id, next_at)


async def rehearse(conn: Conn, incident_id: UUID, most: int, now: datetime) -> int:
    """How many of a drill's list are marked now."""
    return int(await conn.fetchval(SQL["rehearse"], incident_id, now, most))


async def mark(conn: Conn, incident_id: UUID, serials: Sequence[bytes], now: datetime) -> None:
    """The list says that these are revoked."""
    await conn.execute(SQL["mark"], incident_id, list(serials), now)


async def finish(conn: Conn, incident_id: UUID, now: datetime) -> bool:
    """Whether nothing is left to do from now on."""
    return await conn.fetchval(SQL["finish"], incident_id, now) is not None


async def done(conn: Conn, incident_id: UUID) -> int:
    """How many it has revoked, or marked."""
    return int(await conn.fetchval(SQL["done"], incident_id))


async def counts(conn: Conn, incident_id: UUID) -> list[Count]:
    """By contract, the one with most certificates first."""
    return many(Count, await conn.fetch(SQL["counts"], incident_id))


async def span(conn: Conn, incident_id: UUID) -> Span:
    """When its certificates were revoked; of a drill: never."""
    row = await conn.fetchrow(SQL["revocation_span"], incident_id)
    assert row is not None  # an aggregate
    return Span(**row)
