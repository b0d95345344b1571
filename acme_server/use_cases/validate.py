"""The validation job: look, then write the result, its evidence and the end of the job as one. RFC 8555 §8, T4-4."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec

from acme_server.clock import utc_now
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.objects import SECTIONS, Authorization
from acme_server.protocol.reuse import reuse_of, usable_until
from acme_server.storage import authorizations, jobs
from acme_server.storage.jobs import Job
from acme_server.use_cases import caa_reports
from acme_server.use_cases.context import Context
from acme_server.use_cases.problem import stored_problem
from acme_server.validation.outcome import Asked, NotProven, Proven
from sql import evidence
from sql.evidence import Entry

SPARE = 10  # attempts beyond those of the settings: a process that dies, or loses its database, has not looked
LOST = NotProven(ErrorType.SERVER_INTERNAL, "The server failed to look, again and again. Place a new order.")
WAITS = (timedelta(seconds=3), timedelta(seconds=10), timedelta(seconds=30))


async def validate(context: Context, job: Job, authorization: Authorization) -> Authorization | None:
    """The authorization after this attempt; None when another worker holds the job by now.

    A temporary failure is recorded at once and looked at again later, as often as the settings say (A-151, A-152).
    """
    outcome = await look(context, authorization)
    if isinstance(outcome, NotProven) and outcome.temporary and job.attempts < context.limits.validation_attempts:
        return await try_later(context, job, authorization, outcome)
    return await conclude(context, job, authorization, outcome)


async def conclude(
    context: Context, job: Job, authorization: Authorization, outcome: Proven | NotProven
) -> Authorization | None:
    """The authorization with this outcome, recorded with its evidence; None when another worker holds the job."""
    now = utc_now()
    if isinstance(outcome, Proven):
        status, error = "valid", None
        limits, method = context.limits, authorization.challenge_type or ""
        wanted = reuse_of(method, limits.authorization_lifetime, outcome.ttl, limits.order_lifetime)
        expires_at = usable_until(now, wanted)
    else:
        status, error, expires_at = "invalid", problem_of(outcome), authorization.expires_at
    proof = evidence.entry(
        "authorization.validated", f"process:{context.worker}", now,
        authorization=str(authorization.id), account=str(authorization.account_id), name=authorization.name,
        domain=authorization.identifier_value, subdomains=authorization.subdomains,
        method=authorization.challenge_type, section=section_of(authorization), outcome=status, seen=evident(outcome),
        usable_until=expires_at if status == "valid" else None,
    )  # fmt: skip
    finish = partial(
        authorizations.finish_validation, job_id=job.id, fence=job.fence, authorization_id=authorization.id,
        status=status, error=error, now=now, expires_at=expires_at, proof=proof, rates=context.rates.failures(),
        pause=pause_of(authorization, outcome, proof.actor, now),
    )  # fmt: skip
    if isinstance(outcome, Proven) or outcome.forbidden_by is None or not context.caa_reports:
        return await finish(context.pool)
    async with context.pool.acquire() as conn, conn.transaction():
        if ended := await finish(conn):
            await caa_reports.record(conn, authorization.account_id, outcome, now)
        return ended


def evident(outcome: Proven | NotProven) -> Proven | NotProven:
    """What of it is evidence: nobody's address (T16-3)."""
    return outcome if isinstance(outcome, Proven) else msgspec.structs.replace(outcome, forbidden_by=None)


def section_of(authorization: Authorization) -> str | None:
    """The method in the Baseline Requirements (C-031, C-170)."""
    return SECTIONS.get((authorization.identifier_type, authorization.challenge_type or ""))


def pause_of(authorization: Authorization, outcome: Proven | NotProven, actor: str, now: datetime) -> Entry | None:
    """The evidence if this outcome pauses the account for the name; None when the failure is not the client's."""
    if isinstance(outcome, Proven) or outcome.type is ErrorType.SERVER_INTERNAL:
        return None
    return evidence.entry("account.paused", actor, now, account=str(authorization.account_id), name=authorization.name)


async def look(context: Context, authorization: Authorization) -> Proven | NotProven:
    """The challenge is answered as expected and CAA permits issuance, or what is wrong."""
    method, key_authorization = authorization.challenge_type or "", authorization.key_authorization or ""
    token = key_authorization.partition(".")[0]
    asked = Asked(
        method, authorization.name, token, key_authorization, context.account_url(authorization.account_id),
        authorization.subdomains, utc_now(),
    )  # fmt: skip
    outcome = await context.looks.validate(asked)
    if isinstance(outcome, NotProven) or authorization.identifier_type == "ip":
        return outcome
    permitted = await context.looks.caa(
        authorization.identifier_value, authorization.wildcard, context.account_url(authorization.account_id), method
    )
    return permitted if isinstance(permitted, NotProven) else with_caa(outcome, permitted)


def with_caa(proven: Proven, permitted: Proven) -> Proven:
    """What was seen of the challenge and of CAA, as one."""
    return msgspec.structs.replace(proven, detail={**proven.detail, "caa": permitted.detail})


async def try_later(
    context: Context, job: Job, authorization: Authorization, failed: NotProven
) -> Authorization | None:
    """The failed attempt is in the challenge; the job waits."""
    await record_uncorroborated(context, failed, f"authorization:{authorization.id}")
    wait = WAITS[min(job.attempts, len(WAITS)) - 1]
    error = problem_of(failed)
    held = await authorizations.record_failed_attempt(
        context.pool, job.id, job.fence, authorization.id, error, wait, failed.detail
    )
    return msgspec.structs.replace(authorization, challenge_error=error) if held else None


async def record_uncorroborated(context: Context, failed: NotProven, of: str) -> None:
    """What remote perspectives said in an attempt that will be made again is evidence, too (C-063)."""
    if failed.mpic is not None:
        row = evidence.entry(
            "corroboration.missed", f"process:{context.worker}", utc_now(), of=of, seen=evident(failed)
        )
        async with context.pool.acquire() as conn:
            await evidence.append(conn, row)


def problem_of(failed: NotProven) -> bytes:
    """The problem document of a failed look, as stored and shown."""
    return stored_problem(failed.type, failed.detail)


async def end_dead(context: Context, now: datetime) -> int:
    """Every authorization whose job is dead has ended invalid: no client waits for ever. Returns how many."""
    await jobs.bury(context.pool)
    ended = 0
    for job in await jobs.dead(context.pool, "validate"):
        found = await authorizations.authorization_by_id(context.pool, UUID(job.subject))
        if found is not None:
            ended += await conclude(context, job, found, LOST) is not None
    return ended
