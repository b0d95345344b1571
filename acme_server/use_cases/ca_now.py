"""What the store says of the CA and may say anew while a process runs: its keys, which of its issuing CAs issues, and
that one's chains. C-077, C-160.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from acme_server.use_cases.context import Context
from ca import storage as ca
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
LOOK = timedelta(minutes=1)  # how late it may be seen here; finalize and the signer look each time


async def follow(context: Context, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """The context says of the CA what the database says, until `stop`; while it is away, the last known."""
    while not stop.is_set():
        try:
            await refresh(context, clock())
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", sweep="CA", reason=type(fault).__name__)
        except ca.NoIssuer as fault:  # the clock went back
            LOG.warning("no_issuer", reason=str(fault))
        try:
            async with asyncio.timeout(LOOK.total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue


async def refresh(context: Context, now: datetime) -> None:
    """A request that looks from now on finds every key there is, the issuing CA whose time it is, and its chains."""
    async with context.pool.acquire() as conn:
        own_keys, active = await ca.own_keys(conn), await ca.active_issuer(conn, now)
        chains = await ca.chains_above(conn, active.issuer.id, now)
    context.own_keys, context.issuer, context.chains = own_keys, active.issuer, chains
    context.issuer_revoked = active.revoked_at is not None
