"""What the worker does for relying parties beside CRLs: signs OCSP answers ahead, and publishes. Design §7."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from acme_server.storage.shelves import Shelf
from acme_server.use_cases.publish import publish
from acme_server.worker import passed
from ca import status_storage
from ca.ocsp_client import OcspClient
from ca.signer_lines import SignerAway
from sql import Pool
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
OCSP_EVERY, PUBLISH_EVERY = timedelta(seconds=10), timedelta(seconds=10)
OCSP_SECONDS = 30.0
FORGET_EVERY = timedelta(minutes=10)
CRLS_KEPT = 20  # of each shard; one may have ten million octets
BATCHES = 500  # of one issuer in one turn: a hundred thousand answers


async def run(
    pool: Pool, signer: OcspClient, shelves: Sequence[Shelf], now: Callable[[], datetime], stop: asyncio.Event
) -> None:
    """Works until `stop`. Safe on many nodes: each takes what no other has at hand."""
    try:
        await asyncio.gather(
            every(OCSP_EVERY, lambda: refresh_ocsp(pool, signer, now(), stop), stop),
            every(PUBLISH_EVERY, lambda: publish(pool, shelves, now()), stop),
            every(FORGET_EVERY, lambda: forget_crls(pool), stop),
        )
    finally:
        await signer.close()


async def every(span: timedelta, turn: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """`turn` runs every `span`; a failure is logged and the next turn tries again."""
    while not stop.is_set():
        try:
            await turn()
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", reason=type(fault).__name__)
        except Exception:
            LOG.exception("status_work_failed")
        await passed(stop, span)


async def forget_crls(pool: Pool) -> None:
    """CRLs that many newer ones have replaced take no room."""
    async with pool.acquire() as conn:
        await status_storage.forget_crls(conn, CRLS_KEPT)


async def refresh_ocsp(pool: Pool, signer: OcspClient, now: datetime, stop: asyncio.Event) -> None:
    """Every answer that is due is signed: of what was issued or revoked, and before half time. C-147, C-148."""
    async with pool.acquire() as conn:
        due = await status_storage.ocsp_due(conn, now)
    for issuer_id in due:
        for _ in range(BATCHES):
            done = await signer.due(issuer_id, OCSP_SECONDS)
            if isinstance(done, SignerAway):
                LOG.warning("ocsp_not_signed", issuer=issuer_id, reason=done.reason)
                break
            if done == 0 or stop.is_set():
                break
