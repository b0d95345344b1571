"""Takes validation, issuance and CRL jobs, calls the same use cases, and keeps the house (design §7)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from acme_server.clock import utc_now
from acme_server.protocol.nonce import expired_slot
from acme_server.storage import authorizations, jobs, limits, nonces
from acme_server.storage.jobs import Job
from acme_server.use_cases import issue, log_list, resume
from acme_server.use_cases.context import Context
from acme_server.use_cases.held import LONGEST_WAIT, held
from acme_server.use_cases.sweep import ensure_partitions, sweep_expired, sweep_missed
from acme_server.use_cases.validate import end_dead, validate
from ca import storage as ca
from ca.signer_lines import CrlMade
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
POLL = timedelta(seconds=1)
LEASE_SECONDS = 60.0
AT_ONCE = (("issue", "crl"), 16), (("validate",), 32)  # no number of slow looks delays a certificate or a CRL
CRL_AGE = timedelta(hours=24)
CRL_TIMEOUT = 60.0


async def run(context: Context, stop: asyncio.Event) -> None:
    """Works until `stop`, then finishes the jobs at hand."""
    sweeps: list[tuple[timedelta, Callable[[Context, datetime], Awaitable[object]]]] = [
        (POLL, issue.end_overdue),
        (timedelta(seconds=10), end_dead),
        (timedelta(seconds=30), enqueue_crls),
        (timedelta(minutes=1), sweep_expired),
        (timedelta(hours=6), sweep_missed),
        (timedelta(minutes=5), truncate_nonces),
        (timedelta(minutes=5), forget_limits),
        (timedelta(hours=6), ensure_partitions),
        (timedelta(minutes=10), read_log_list),
    ]
    await asyncio.gather(
        *(take_jobs(context, stop, kinds, most) for kinds, most in AT_ONCE),
        *(every(span, sweep, context, stop) for span, sweep in sweeps),
    )
    if context.tasks:
        await asyncio.wait(context.tasks)


async def every(
    span: timedelta, sweep: Callable[[Context, datetime], Awaitable[object]], context: Context, stop: asyncio.Event
) -> None:
    """`sweep` runs every `span`; a failure is logged and the next turn tries again."""
    while not stop.is_set():
        try:
            await sweep(context, utc_now())
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("database_away", sweep=sweep.__name__, reason=type(fault).__name__)
        except Exception:
            LOG.exception("sweep_failed", sweep=sweep.__name__)
        await passed(stop, span)


async def passed(stop: asyncio.Event, span: timedelta) -> None:
    """Returns after `span` of our clock, which `dev` may set on or back meanwhile, or when the process is to stop."""
    began = utc_now()
    while not stop.is_set() and (left := span - abs(utc_now() - began)) > timedelta(0):
        await pause(stop, min(left, POLL))


async def pause(stop: asyncio.Event, span: timedelta) -> None:
    """Returns after `span`, or as soon as the process is to stop."""
    try:
        async with asyncio.timeout(span.total_seconds()):
            await stop.wait()
    except TimeoutError:
        return


async def take_jobs(context: Context, stop: asyncio.Event, kinds: Sequence[str], most: int) -> None:
    """Due jobs of these kinds are worked on, up to `most` at once."""
    at_hand: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        free = most - len(at_hand)
        try:
            taken = await jobs.claim(context.pool, free, context.worker, LEASE_SECONDS, kinds) if free else []
        except Exception:
            LOG.exception("claim_failed")
            taken = []
        for job in taken:
            task = context.start(work(context, job))
            at_hand.add(task)
            task.add_done_callback(at_hand.discard)
        if not taken:
            await pause(stop, POLL)


async def work(context: Context, job: Job) -> None:
    """The job is done, or waits for its next try with what went wrong."""
    await held(context, job, HANDLERS[job.kind](context, job))


async def validate_job(context: Context, job: Job) -> None:
    """The challenge is looked at again."""
    found = await authorizations.authorization_by_id(context.pool, UUID(job.subject))
    if found is None or found.challenge_status != "processing":
        await jobs.finish(context.pool, job)
        return
    await validate(context, job, found)


async def crl_job(context: Context, job: Job) -> None:
    """The shard's CRL is made anew by the signer; `enqueue_crls` finds what was revoked meanwhile."""
    issuer_id, shard = map(int, job.subject.split("/"))
    match await context.signer.crl(issuer_id, shard, CRL_TIMEOUT):
        case CrlMade():
            await jobs.finish(context.pool, job)
        case failed:
            await jobs.fail(context.pool, job, failed.reason, LONGEST_WAIT)


async def enqueue_crls(context: Context, now: datetime) -> None:
    """Every shard that lacks a revocation, or whose CRL is a day old, has a job (C-134)."""
    async with context.pool.acquire() as conn:
        for shard in await ca.crls_due(conn, now - CRL_AGE, now):
            await issue.enqueue_crl(conn, shard, now)


async def truncate_nonces(context: Context, now: datetime) -> None:
    """Nonces that cannot be valid any more are forgotten."""
    await nonces.truncate_slot(context.pool, expired_slot(now, context.limits.nonce_lifetime))


async def forget_limits(context: Context, now: datetime) -> None:
    """Limits of which all has come back take no room."""
    await limits.forget(context.pool, now)


async def read_log_list(context: Context, now: datetime) -> None:
    """The list of logs is the one that is published (C-130)."""
    if context.transparency is not None:
        await log_list.read_list(context.transparency, context.pool, f"process:{context.worker}", now)


HANDLERS: dict[str, Callable[[Context, Job], Awaitable[None]]] = {
    "validate": validate_job,
    "issue": resume.resume,
    "crl": crl_job,
}
