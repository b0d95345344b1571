"""The keys that are the CA's own: a responder's, or a new issuing CA's, is known soon after it was made. C-077."""

import asyncio
from datetime import timedelta

import structlog

from acme_server.use_cases.context import Context
from ca import storage as ca
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
LOOK = timedelta(minutes=1)  # how late one may be seen here; the signer looks at every record


async def follow(context: Context, stop: asyncio.Event) -> None:
    """`context.own_keys` are those of the database, until `stop`; while it is away, the last known."""
    while not stop.is_set():
        try:
            await refresh(context)
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", sweep="own keys", reason=type(fault).__name__)
        try:
            async with asyncio.timeout(LOOK.total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


async def refresh(context: Context) -> None:
    """A request that looks from now on finds every key there is now."""
    async with context.pool.acquire() as conn:
        context.own_keys = await ca.own_keys(conn)
