"""What waits in the database: jobs by kind, and evidence that is not sealed yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from acme_server.storage import evidence, jobs
from acme_server.storage.jobs import Depth
from sql import Pool


class Backlog(msgspec.Struct, frozen=True):
    """Jobs by kind and the age of the seal (timedelta.max before the first)."""

    jobs: Mapping[str, Depth]
    seal_lag: timedelta


async def backlog(pool: Pool, now: datetime) -> Backlog:
    """What waits now. Two statements."""
    async with pool.acquire() as conn:
        return Backlog(await jobs.depth(conn), await evidence.seal_lag(conn, now))
