"""The list of logs: read where it is published, kept in the database, followed by every process. C-130."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from acme_server import tally
from ca import ct_storage
from ca.ct_logs import ListRefused, Log, LogList, enough, needed
from sql import Pool
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
LOOK, LOOK_FIRST = timedelta(seconds=10), timedelta(seconds=1)  # how late another list, or the first, may be seen
GATHER_SECONDS = 8.0  # within the lease of who does it
LIST_MAX, LIST_SECONDS = 8 * 2**20, 30.0


@dataclass
class Transparency:
    """How this process asks logs, and the list of them that counts. `source`: where that list comes from."""

    session: ClientSession
    source: Path | str
    log_seconds: float
    patience: float
    gather_seconds: float = GATHER_SECONDS
    digest: bytes | None = None
    logs: LogList | None = None

    def candidates(self, not_after: datetime, now: datetime) -> list[Log]:
        """Logs that take a certificate with this end, in an order of chance, so that no log bears all. C-130."""
        found = [log for log in self.logs.logs if log.takes(not_after, now)] if self.logs else []
        random.shuffle(found)
        return found

    def can_serve(self, not_before: datetime, not_after: datetime, now: datetime) -> bool:
        """Whether logs that take such a certificate could give SCTs that are enough."""
        return enough(self.candidates(not_after, now), needed(not_before, not_after))

    async def refresh(self, pool: Pool) -> None:
        """The list is the one that counts now."""
        if newest := await ct_storage.newest_log_list(pool, self.digest):
            self.digest, self.logs = newest.sha256, newest.logs


async def follow(transparency: Transparency, pool: Pool, stop: asyncio.Event) -> None:
    """The list is the one that counts, until `stop`; while the database is away, the last known."""
    while not stop.is_set():
        try:
            await transparency.refresh(pool)
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", sweep="log list", reason=type(fault).__name__)
        try:
            async with asyncio.timeout((LOOK if transparency.logs else LOOK_FIRST).total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


async def read_list(transparency: Transparency, pool: Pool, actor: str, now: datetime) -> None:
    """The list of logs is read where it is published, and counts from now on if it is newer. C-130."""
    try:
        content = await published(transparency)
        added = await ct_storage.insert_log_list(pool, content, str(transparency.source), actor, now)
    except (ListRefused, ClientError, OSError, TimeoutError) as fault:
        tally.count("log_list", "failed")
        LOG.error("log_list_not_read", source=str(transparency.source), reason=str(fault) or type(fault).__name__)
        return
    tally.count("log_list", "newer" if added else "same")
    await transparency.refresh(pool)


async def published(transparency: Transparency) -> bytes:
    """What stands at the source. Raises OSError, ClientError, TimeoutError, ListRefused."""
    if isinstance(transparency.source, Path):
        return transparency.source.read_bytes()
    async with transparency.session.get(
        transparency.source, timeout=ClientTimeout(total=LIST_SECONDS), raise_for_status=True
    ) as answer:
        content = b""
        async for chunk in answer.content.iter_chunked(2**16):
            content += chunk
            if len(content) > LIST_MAX:
                raise ListRefused("longer than any list of logs")
    return content
