"""What waits in the database: jobs by kind, and evidence that is not sealed yet."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import msgspec

from acme_server.config import Settings
from acme_server.storage import check, evidence, jobs
from acme_server.storage.jobs import Depth
from acme_server.use_cases.log_list import lists_here
from ca import status_storage
from ca.log_lists import LogLists
from sql import Conn, Pool


class Backlog(msgspec.Struct, frozen=True):
    """Jobs by kind, the age of the seal (timedelta.max before the first), how long each shelf has lacked something,
    deadlines of revocations, results and reports, and the date of the list of CT logs that is in use.
    """

    jobs: Mapping[str, Depth]
    seal_lag: timedelta
    publication_lag: Mapping[str, timedelta]
    nearest_deadline: datetime | None
    overdue: int
    log_list_at: datetime | None


def asker(settings: Settings, pool: Pool) -> Callable[[datetime], Awaitable[Backlog]]:
    """Who says what waits, with the list of logs that these settings believe. Raises PublisherUnfit."""
    return partial(backlog, pool, lists=lists_here(settings) if settings.ct.required else None)


async def backlog(pool: Pool, now: datetime, lists: LogLists | None) -> Backlog:
    """What waits now. `lists` None: no list is in use; of the others, only one that is whole and signed counts."""
    async with pool.acquire() as conn:
        return Backlog(
            await jobs.depth(conn), await evidence.seal_lag(conn, now), await publication_lag(conn, now),
            *await check.deadlines(conn, now), await list_date(conn, lists),
        )  # fmt: skip


async def list_date(conn: Conn, lists: LogLists | None) -> datetime | None:
    """When the list of logs that counts was made; None: there is none. C-130."""
    newest = await lists.refresh(conn) if lists is not None else None
    return newest.logs.listed_at if newest is not None else None


async def publication_lag(conn: Conn, now: datetime) -> Mapping[str, timedelta]:
    """By shelf, how long the oldest thing that it lacks has been there to be put."""
    found = {}
    for shelf in await status_storage.shelves(conn):
        lacking = await status_storage.unpublished(conn, shelf)
        found[shelf] = max((now - each.since for each in lacking), default=timedelta(0))
    return found
