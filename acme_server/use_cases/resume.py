"""An order in processing, taken up by a worker: CAA again if it is old, the gate, the record, the signature (T0-5)."""

import asyncio
from datetime import datetime

from acme_server.clock import utc_now
from acme_server.protocol.csr import parse_csr
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.identifiers import base_of, is_ip
from acme_server.protocol.objects import Order
from acme_server.protocol.subdomains import covering
from acme_server.storage import authorizations, jobs, orders
from acme_server.storage.jobs import Job
from acme_server.storage.orders import InProcessing
from acme_server.use_cases import ca_now, issue
from acme_server.use_cases.admission import CONTRACT_LOCK, Begun, pass_gate, passing_of, unmet_recorded
from acme_server.use_cases.context import Context
from acme_server.use_cases.finalize import cause_of
from acme_server.use_cases.orders import RefusedByGate
from acme_server.use_cases.problem import stored_problem
from acme_server.use_cases.validate import record_uncorroborated
from acme_server.validation.outcome import NotProven, Proven
from sql import evidence
from sql.transactions import shared, under_locks

LOOKS_AT_ONCE = 20


async def resume(context: Context, job: Job) -> None:
    """The order is valid, or has ended with a cause, or its job waits."""
    now = utc_now()
    found = await orders.order_in_processing(context.pool, orders.id_of(job.subject))
    if found is None:
        await jobs.finish(context.pool, job)
    elif found.deadline_at <= now:
        await issue.end_overdue(context, now)
    elif found.to_be_signed_id is not None:
        await issue.sign(context, job, found.to_be_signed_id, found.id)
    else:
        await go_on(context, job, found, now)


async def go_on(context: Context, job: Job, found: InProcessing, now: datetime) -> None:
    """What finalize put off: CAA, then the transaction that records what will be signed, then the signature."""
    try:
        if refused := await check_caa(context, found, now):
            await refused_by_caa(context, job, found, refused, now)
            return
        begun = await admit(context, found, utc_now())
    except AcmeError as error:
        if error.retry_after is not None:
            await jobs.fail(context.pool, job, error.detail, issue.LONGEST_WAIT)
            return
        await issue.end_with(context, found.id, stored_problem(error.type, error.detail), error.type.value, now)
        return
    if isinstance(begun, RefusedByGate):
        await issue.end_with(context, found.id, cause_of(begun), "refused by the gate", now)
    else:
        await issue.sign(context, job, begun.to_be_signed_id, found.id)


async def refused_by_caa(context: Context, job: Job, found: InProcessing, refused: NotProven, now: datetime) -> None:
    """The order has ended; or its job waits, up to the deadline, when the look failed and CAA said nothing."""
    await record_uncorroborated(context, refused, f"order:{found.id}")
    if refused.temporary:
        await jobs.fail(context.pool, job, refused.detail, issue.LONGEST_WAIT)
    else:
        error, cause = stored_problem(refused.type, refused.detail), f"caa: {refused.detail}"
        told = (found.account_id, refused) if context.caa_reports else None
        await issue.end_with(context, found.id, error, cause, now, told)


async def check_caa(context: Context, found: InProcessing, now: datetime) -> NotProven | None:
    """CAA permits every name now (RFC 8659), which is recorded with what was seen; else the first refusal."""
    held = await authorizations.authorizations_of_order(context.pool, found.authorization_ids)
    looked = [name for name in found.names if not is_ip(name)]
    at_once, account_url = asyncio.Semaphore(LOOKS_AT_ONCE), context.account_url(found.account_id)

    async def look(name: str) -> Proven | NotProven:
        proven, (base, wildcard) = covering(name, held), base_of(name)
        method = (proven and proven.challenge_type) or ""
        async with at_once:
            return await context.looks.caa(base, wildcard, account_url, method)

    outcomes = await asyncio.gather(*map(look, looked))
    if refused := next((each for each in outcomes if isinstance(each, NotProven)), None):
        return refused
    proof = evidence.entry(
        "caa.checked", f"process:{context.worker}", now, contract_id=found.contract_id, order=str(found.id),
        seen=dict(zip(looked, outcomes, strict=True)),
    )  # fmt: skip
    async with context.pool.acquire() as conn, conn.transaction():
        await authorizations.caa_checked(conn, found.authorization_ids, now)
        await evidence.append(conn, proof)
    return None


async def admit(context: Context, found: InProcessing, now: datetime) -> Begun | RefusedByGate:
    """The gate's answer in the transaction that records what will be signed, under the contract's lock."""
    if found.csr is None:
        raise AcmeError(ErrorType.SERVER_INTERNAL, "The CSR of this order is missing. Place a new order.")
    await ca_now.refresh(context, now)
    order = Order(
        id=found.id, account_id=found.account_id, contract_id=found.contract_id, status="processing",
        names=found.names, authorization_ids=found.authorization_ids, profile=found.profile,
        not_before=found.not_before, not_after=found.not_after, replaces=None, error=None, certificate_id=None,
        expires_at=found.deadline_at, created_at=now,
    )  # fmt: skip
    passing = passing_of(
        context, order, found.binding_key_id, found.contract_number, parse_csr(found.csr), "before_signing",
        "processing", f"process:{context.worker}", found.deadline_at, now,
    )  # fmt: skip
    lock = shared(CONTRACT_LOCK, found.contract_number)
    async with unmet_recorded(passing), context.pool.acquire() as conn, under_locks(conn, lock):
        passed = await pass_gate(conn, passing)
    if not isinstance(passed, Begun | RefusedByGate):
        raise TypeError("a CSR was given, so an admission has a record")
    return passed
