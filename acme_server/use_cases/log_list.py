"""The list of logs: read where it is published, kept in the database, followed by every process. C-130."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from acme_server import tally
from acme_server.config import Settings
from acme_server.validation.bounded import whole
from ca import log_lists
from ca.ct_logs import ListRefused, Log, LogList, enough, needed
from ca.ct_publisher import Publisher, PublisherUnfit, publisher
from ca.log_lists import UNSIGNED, LogLists, Published
from sql import Pool
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
LOOK, LOOK_FIRST = (
    timedelta(seconds=10),
    timedelta(milliseconds=250),
)  # how late another list, or the first, may be seen
FIRST_SECONDS = 2.0  # how long an order waits for the first one, which `work` is reading when all begins at once
GATHER_SECONDS = 8.0  # within the lease of who does it
LIST_MAX, SIGNATURE_MAX, LIST_SECONDS = 8 * 2**20, 4096, 30.0
Place = Path | str  # a file or an address


@dataclass(frozen=True)
class Source:
    """Where the list of logs comes from, and its signature; None: nobody signs it."""

    content: Place
    signature: Place | None = None


@dataclass
class Transparency:
    """How this process asks logs, and the list of them that counts."""

    session: ClientSession
    source: Source
    lists: LogLists
    log_seconds: float
    patience: float
    gather_seconds: float = GATHER_SECONDS
    known: asyncio.Event = field(default_factory=asyncio.Event)  # there is a list

    @property
    def logs(self) -> LogList | None:
        """The logs of the list that counts; None: there is no such list yet."""
        return self.lists.newest.logs if self.lists.newest else None

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
        if await self.lists.refresh(pool):
            self.known.set()

    async def first_list(self) -> None:
        """A list is known, or none came soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await self.known.wait()


def source_of(settings: Settings) -> Source:
    """Where the settings say that the list is: a file counts before an address."""
    ct = settings.ct
    if ct.log_list is not None:
        signature = settings.data / ct.log_list_signature if ct.log_list_signature else None
        return Source(settings.data / ct.log_list, signature if ct.log_list_key else None)
    return Source(str(ct.log_list_url), str(ct.log_list_signature_url) if ct.log_list_key else None)


def publisher_of(settings: Settings) -> Publisher | None:
    """Whose signature the list must have; None: nobody's. Raises PublisherUnfit."""
    if settings.ct.log_list_key is None:
        return None
    path = settings.data / settings.ct.log_list_key
    try:
        return publisher(path.read_bytes())
    except OSError as fault:
        raise PublisherUnfit(f"{path}: {fault.strerror}") from None
    except PublisherUnfit as fault:
        raise PublisherUnfit(f"{path}: {fault}") from None


def lists_here(settings: Settings) -> LogLists:
    """For who only looks: signatures are asked for if the key's folder is on this machine. Raises PublisherUnfit."""
    return LogLists(publisher_of(settings) if unseen_key(settings) is None else None)


def unseen_key(settings: Settings) -> Path | None:
    """Where the publisher's key would be, if its folder is not on this machine: then no signature is asked for."""
    named = settings.ct.log_list_key
    return None if named is None or (settings.data / named).parent.is_dir() else settings.data / named


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
    source, session = transparency.source, transparency.session
    try:
        signature = UNSIGNED if source.signature is None else await read(session, source.signature, SIGNATURE_MAX)
        found = Published(await read(session, source.content, LIST_MAX), signature)
        added = await log_lists.insert(pool, transparency.lists, found, str(source.content), actor, now)
    except (ListRefused, ClientError, OSError, TimeoutError) as fault:
        tally.count("log_list", "failed")
        LOG.error("log_list_not_read", source=str(source.content), reason=str(fault) or type(fault).__name__)
        return
    tally.count("log_list", "newer" if added else "same")
    await transparency.refresh(pool)


async def read(session: ClientSession, place: Place, most: int) -> bytes:
    """What stands there. Raises OSError, ClientError, TimeoutError, ListRefused."""
    if isinstance(place, Path):
        return place.read_bytes()
    async with session.get(place, timeout=ClientTimeout(total=LIST_SECONDS), raise_for_status=True) as answer:
        content = await whole(answer, most)
    if content is None:
        raise ListRefused(f"{place} is longer than {most} octets")
    return content
