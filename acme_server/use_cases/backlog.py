"""What waits in the database: jobs by kind, and evidence that is not sealed yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from acme_server.storage import check, evidence, jobs
from acme_server.storage.jobs import Depth
from sql import Pool


class Backlog(msgspec.Struct, frozen=True):
    """Jobs by kind, the age of the seal (timedelta.max before the first), and deadlines of revocations and reports."""

    jobs: Mapping[str, Depth]
    seal_lag: timedelta
    nearest_deadline: datetime | None
    overdue: int


async def backlog(pool: Pool, now: datetime) -> Backlog:
    """What waits now. Three statements."""
    async with pool.acquire() as conn:
        return Backlog(
            await jobs.depth(conn), await evidence.seal_lag(conn, now), *await check.deadlines(conn, now)
        )  # fmt: skip
