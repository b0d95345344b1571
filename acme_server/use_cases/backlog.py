"""What waits in the database: jobs by kind, and evidence that is not sealed yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from acme_server.storage import check, evidence, jobs
from acme_server.storage.jobs import Depth
from ca import log_lists, status_storage
from sql import Conn, Pool


class Backlog(msgspec.Struct, frozen=True):
    """Jobs by kind, the age of the seal (timedelta.max before the first), how long each shelf has lacked something,
    deadlines of revocations and reports, and the date of the list of CT logs.
    """

    jobs: Mapping[str, Depth]
    seal_lag: timedelta
    publication_lag: Mapping[str, timedelta]
    nearest_deadline: datetime | None
    overdue: int
    log_list_at: datetime | None


async def backlog(pool: Pool, now: datetime) -> Backlog:
    """What waits now."""
    async with pool.acquire() as conn:
        return Backlog(
            await jobs.depth(conn), await evidence.seal_lag(conn, now), await publication_lag(conn, now),
            *await check.deadlines(conn, now), await log_lists.log_list_date(conn),
        )  # fmt: skip


async def publication_lag(conn: Conn, now: datetime) -> Mapping[str, timedelta]:
    """By shelf, how long the oldest thing that it lacks has been there to be put."""
    found = {}
    for shelf in await status_storage.shelves(conn):
        lacking = await status_storage.unpublished(conn, shelf)
        found[shelf] = max((now - each.since for each in lacking), default=timedelta(0))
    return found
