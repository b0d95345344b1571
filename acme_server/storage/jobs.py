"""The job table: leases, fences, retries, dead jobs (design §7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, Pool, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("acme_server/jobs")


ISSUE_LEASE_SECONDS = 20.0  # of the 60 that an order may be in processing


class Job(msgspec.Struct, frozen=True):
    """A job that this worker holds until its lease ends or someone with a higher fence takes it."""

    id: UUID
    kind: str
    subject: str
    attempts: int
    max_attempts: int
    fence: int
    deadline_at: datetime | None


class Depth(msgspec.Struct, frozen=True):
    """How many jobs of a kind wait or are dead, and for how many seconds the oldest due one waits."""

    kind: str
    waiting: int
    dead: int
    oldest: float


async def claim(pool: Pool, limit: int, worker: str, lease_seconds: float, kinds: Sequence[str]) -> list[Job]:
    """Due jobs of these kinds that nobody holds, now held by `worker`."""
    rows = await pool.fetch(SQL["claim"], limit, worker, lease_seconds, ISSUE_LEASE_SECONDS, kinds)
    return many(Job, rows)


async def enqueue(conn: Conn | Pool, kind: str, subject: str, attempts: int, now: datetime) -> None:
    """There is a live job of this kind and subject."""
    await conn.execute(SQL["enqueue"], uuid7(now), kind, subject, attempts)


async def finish(pool: Pool, job: Job) -> None:
    """The job is gone, unless another worker holds it by now."""
    await pool.execute(SQL["finish"], job.id, job.fence)


async def fail(pool: Pool, job: Job, error: str, longest_wait: float) -> None:
    """The job waits for its retry, or is dead after its last attempt."""
    await pool.execute(SQL["fail"], job.id, job.fence, error[:1000], longest_wait)


async def bury(pool: Pool) -> None:
    """Jobs with no attempt left, whose last worker died, are dead."""
    await pool.execute(SQL["bury"])


async def dead(pool: Pool, kind: str) -> list[Job]:
    """Dead jobs of the kind, for whoever ends what they were about."""
    return many(Job, await pool.fetch(SQL["dead"], kind))


async def overdue(pool: Pool, now: datetime) -> Sequence[UUID]:
    """Orders whose issuance is past its deadline."""
    return [UUID(row["subject"]) for row in await pool.fetch(SQL["overdue"], now)]


async def depth(pool: Conn | Pool) -> Mapping[str, Depth]:
    """Jobs by kind."""
    return {row.kind: row for row in many(Depth, await pool.fetch(SQL["depth"]))}
