"""The gate's last word and the record of what will be signed: one transaction under the contract's lock (T0-5)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Never
from uuid import UUID

import msgspec

from acme_server.protocol.csr import Csr
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.objects import Order
from acme_server.storage import orders
from acme_server.use_cases import counted
from acme_server.use_cases.context import Context
from acme_server.use_cases.orders import EndNotMet, RefusedByGate, is_met
from ca import issuance
from ca.certificate import Subject
from ca.issuance import ToBeSigned
from ca.profiles import Profile, lifetime
from contract_gate.billing import drafts
from contract_gate.decision import Admitted, Refused, Request, Stage
from contract_gate.facts import Facts
from contract_gate.gate import decide
from contract_gate.kept import Revisions
from contract_gate.record import DecisionRow
from contract_gate.storage import decision_row, draft_bills, evidence_of, facts_of, record_admission, record_refusal
from sql import Conn
from sql.ids import uuid7

CONTRACT_LOCK = 7001
LEASE = timedelta(seconds=10)
NEAR = timedelta(hours=24)


class Begun(msgspec.Struct, frozen=True):
    """What will be signed is recorded; the job that signs it is this process's."""

    to_be_signed_id: UUID
    job_id: UUID
    deadline_at: datetime


class Passing(msgspec.Struct, frozen=True):
    """An order on its way through the gate, and what it becomes when admitted."""

    context: Context
    order: Order
    profile: Profile
    csr: Csr | None
    stage: Stage
    from_status: str
    actor: str
    deadline_at: datetime
    now: datetime


async def pass_gate(
    context: Context, conn: Conn, order: Order, binding_key_id: UUID, csr: Csr | None, stage: Stage, from_status: str,
    actor: str, deadline_at: datetime, now: datetime,
) -> Begun | Admitted | RefusedByGate:  # fmt: skip
    """Decide with the facts of this moment; when admitted and a CSR is given, record what will be signed.

    Runs in the caller's transaction, whose first statement took the contract's lock. Raises EndNotMet, whose
    admission is not recorded: the transaction is undone.
    """
    profile = profile_in_force(context, order)
    check_start_again(order, now)
    request = Request(tuple(order.names), order.not_before, order.not_after, lifetime(profile, order.not_before or now))
    passing = Passing(context, order, profile, csr, stage, from_status, actor, deadline_at, now)
    if csr is not None and (begun := await begin_by_kept(conn, passing, binding_key_id, request)):
        return begun
    loaded = await facts_of(conn, binding_key_id, order.names, now, order.contract_id, context.kept)
    match counted.decision(stage, decide(loaded, request, now)):
        case Refused() as refused:
            return RefusedByGate(refused, await record_refusal(conn, refused, stage, actor, now))
        case Admitted() as admitted if csr is None:
            return admitted
        case Admitted() as admitted:
            if not is_met(order.not_after, admitted):
                raise EndNotMet(admitted)
            if bills := drafts(loaded.facts, now):  # the first certificate: its store bills the fee (T8-3)
                await draft_bills(conn, admitted.contract_id, bills)
            return await begin(conn, passing, admitted, loaded.facts, None) or not_ready()


@asynccontextmanager
async def unmet_recorded(context: Context, stage: Stage, actor: str, now: datetime) -> AsyncIterator[None]:
    """The gate's answer is recorded also when the transaction that asked it ended with EndNotMet (articles.md §0.4)."""
    try:
        yield
    except EndNotMet as unmet:
        await record_admission(context.pool, unmet.admitted, stage, actor, now)
        raise


async def begin_by_kept(conn: Conn, passing: Passing, binding_key_id: UUID, request: Request) -> Begun | None:
    """Begun, when facts kept here admit it and the statement finds them current under the lock; None: read them.

    Those of a contract without a certificate are read: its fee is drafted (T8-3).
    """
    order = passing.order
    found = passing.context.kept.facts((binding_key_id, order.contract_id), order.names, passing.now)
    if found is None or found[0].facts.contract is None or found[0].facts.contract.started_at is None:
        return None
    loaded, revisions = found
    admitted = decide(loaded, request, passing.now)
    if isinstance(admitted, Refused) or not is_met(order.not_after, admitted):
        return None
    begun = await begin(conn, passing, admitted, loaded.facts, revisions)
    if begun is not None:
        counted.decision(passing.stage, admitted)
    return begun


def profile_in_force(context: Context, order: Order) -> Profile:
    """The order's profile, if it is still offered (A-230)."""
    if order.profile not in context.profiles:
        raise AcmeError(ErrorType.INVALID_PROFILE, f"Profile {order.profile!r} is withdrawn. Place a new order.")
    return context.profiles[order.profile]


def check_start_again(order: Order, now: datetime) -> None:
    """A wanted notBefore is still near enough to the signing (C-082)."""
    if order.not_before is not None and not now - NEAR <= order.not_before <= now + NEAR:
        raise AcmeError(
            ErrorType.MALFORMED, f'"notBefore" of this order, {order.not_before:%FT%TZ}, has passed. Place a new order.'
        )


def record_of(passing: Passing, csr: Csr, admitted: Admitted, decision: DecisionRow, facts: Facts) -> ToBeSigned:
    """Serial, validity, subject from the reviewed record, names: what will be signed, linted."""
    reviewed = facts.subject
    assert reviewed is not None  # G3 admits nothing without one
    subject = Subject(reviewed.organization, reviewed.country, reviewed.state_or_province, reviewed.locality)
    order, profile, now = passing.order, passing.profile, passing.now
    start = order.not_before or now
    end = order.not_after or min(admitted.not_after_limit, start + lifetime(profile, start))
    return issuance.prepare(
        passing.context.issuer, profile, subject, list(order.names), csr.spki_der, not_before=start, not_after=end,
        admission_id=decision.id, record_id=uuid7(now), deadline_at=passing.deadline_at, now=now,
    )  # fmt: skip


async def begin(
    conn: Conn, passing: Passing, admitted: Admitted, facts: Facts, revisions: Revisions | None
) -> Begun | None:
    """The order is processing with its one record; what permits it is an argument of it.

    None when nothing was written: it is not ready any more, or the facts are not those of `revisions`.
    """
    assert passing.csr is not None  # the caller's duty
    order, decision = passing.order, decision_row(admitted, passing.stage)
    record = record_of(passing, passing.csr, admitted, decision, facts)
    job_id = await orders.begin_issuance(
        conn, order.id, order.account_id, passing.from_status, decision, evidence_of(decision, passing.actor), record,
        passing.context.worker, LEASE, revisions,
    )  # fmt: skip
    return None if job_id is None else Begun(record.id, job_id, record.deadline_at)


def not_ready() -> Never:
    """Raises what a client is told that finalizes an order which another request was first with."""
    raise AcmeError(
        ErrorType.ORDER_NOT_READY,
        "This order is not ready any more: it is being finalized, an authorization ended, or its key is refused.",
    )
