"""Which version of the Terms the directory names: it changes at its instant, in every process (T20-2)."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from acme_server.storage import terms
from acme_server.storage.terms import Version
from acme_server.use_cases.context import Context
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
LOOK = timedelta(seconds=10)  # how late a version that counts at once may be seen


async def follow(context: Context, base: str, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """`context.terms_url` is that of the version in force, until `stop`; while the database is away, the last known."""
    versions: Sequence[Version] = ()
    while not stop.is_set():
        try:
            versions = await terms.versions(context.pool)
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", sweep="terms", reason=type(fault).__name__)
        now = clock()
        context.terms_url = address_at(base, versions, now)
        try:
            async with asyncio.timeout(pause(versions, now).total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


def address_at(base: str, versions: Sequence[Version], now: datetime) -> str:
    """The address of the version in force at `now`; `base` itself while there is none."""
    in_force = max((each for each in versions if each.effective_at <= now), key=lambda v: v.effective_at, default=None)
    return base if in_force is None else f"{base}/{in_force.version}"


def pause(versions: Sequence[Version], now: datetime) -> timedelta:
    """Until the next version counts, but no longer than LOOK."""
    return min((each.effective_at - now for each in versions if now < each.effective_at < now + LOOK), default=LOOK)
