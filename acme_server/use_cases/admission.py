"""The gate's last word and the record of what will be signed, under the contract's lock (T0-5)."""

from collections.abc import AsyncIterator, Collection, Sequence
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
from acme_server.use_cases.orders import EndNotMet, RefusedByGate, check_issuer_lasts, is_met
from ca import issuance
from ca.certificate import Subject
from ca.issuance import ToBeSigned
from ca.profiles import Profile, lifetime
from contract_gate.billing import drafts
from contract_gate.decision import Admitted, Refused, Request, Stage
from contract_gate.facts import Facts
from contract_gate.gate import decide
from contract_gate.record import DecisionRow
from contract_gate.storage import (
    decision_row,
    draft_bills,
    evidence_of,
    facts_at,
    facts_of,
    record_admission,
    record_refusal,
)
from sql import Conn
from sql.ids import uuid7

CONTRACT_LOCK = 7001
LEASE = timedelta(seconds=10)
NEAR = timedelta(hours=24)
ATTEMPTS = 2  # with facts read anew: six statements a request at most, its nonce included (design §4)


class Begun(msgspec.Struct, frozen=True):
    """What will be signed is recorded; the job that signs it is this process's."""

    to_be_signed_id: UUID
    job_id: UUID
    deadline_at: datetime


class Passing(msgspec.Struct, frozen=True):
    """An order on its way through the gate, and what it becomes when admitted; without a CSR nothing is recorded."""

    context: Context
    order: Order
    binding_key_id: UUID
    contract_number: int
    profile: Profile
    csr: Csr | None
    stage: Stage
    from_status: str
    actor: str
    deadline_at: datetime
    now: datetime

    @property
    def request(self) -> Request:
        """What the gate is asked."""
        order = self.order
        span = lifetime(self.profile, order.not_before or self.now)
        return Request(tuple(order.names), order.not_before, order.not_after, span)


def passing_of(
    context: Context, order: Order, binding_key_id: UUID, contract_number: int, csr: Csr | None, stage: Stage,
    from_status: str, actor: str, deadline_at: datetime, now: datetime,
) -> Passing:  # fmt: skip
    """The order before the gate: its profile is still offered, its notBefore still near, and the issuing CA lasts."""
    profile = profile_in_force(context, order)
    check_start_again(order, now)
    check_issuer_lasts(context.issuer, order.not_before or now, order.not_after)
    return Passing(
        context, order, binding_key_id, contract_number, profile, csr, stage, from_status, actor, deadline_at, now
    )


async def pass_gate(conn: Conn, passing: Passing) -> Begun | Admitted | RefusedByGate:
    """Decide with the facts of this moment; when admitted and a CSR is given, record what will be signed.

    Runs in the caller's transaction, whose first statement took the contract's lock. Raises EndNotMet, whose
    admission is not recorded: the transaction is undone.
    """
    order, now, kept = passing.order, passing.now, passing.context.kept
    loaded = await facts_of(conn, passing.binding_key_id, order.names, now, order.contract_id, kept)
    match counted.decision(passing.stage, decide(loaded, passing.request, now)):
        case Refused() as refused:
            return await refusal_of(conn, passing, refused)
        case Admitted() as admitted if passing.csr is None:
            return admitted
        case Admitted() as admitted:
            if not is_met(order.not_after, admitted):
                raise EndNotMet(admitted)
            if bills := drafts(loaded.facts, now):  # the first certificate: its store bills the fee (T8-3)
                await draft_bills(conn, admitted.contract_id, bills)
            begun = await begin(conn, passing, admitted, loaded.facts, None)
            assert begun is not None  # its facts were read under the lock
            return begun


@asynccontextmanager
async def unmet_recorded(passing: Passing) -> AsyncIterator[None]:
    """The gate's answer is recorded also when what asked it ended with EndNotMet (articles.md §0.4)."""
    try:
        yield
    except EndNotMet as unmet:
        await record_admission(passing.context.pool, unmet.admitted, passing.stage, passing.actor, passing.now)
        raise


async def pass_at_once(conn: Conn, passing: Passing, revisions: Collection[UUID]) -> Begun | RefusedByGate:
    """The same without a transaction of ours: the statement that records what will be signed takes the lock, and
    writes only if the facts are current then. Facts kept here are asked first, if `revisions` are theirs.

    Only for a contract that has a certificate. A refusal is as old as the facts, a moment.
    """
    if begun := await begin_by_kept(conn, passing, revisions):
        return begun
    order, now, request, kept = passing.order, passing.now, passing.request, passing.context.kept
    for _ in range(ATTEMPTS):
        loaded, read_at = await facts_at(conn, passing.binding_key_id, order.names, now, order.contract_id, kept)
        admitted = decide(loaded, request, now)
        if isinstance(admitted, Refused):
            counted.decision(passing.stage, admitted)
            return await refusal_of(conn, passing, admitted)
        if not is_met(order.not_after, admitted):
            raise EndNotMet(admitted)
        if begun := await begin(conn, passing, admitted, loaded.facts, read_at):
            counted.decision(passing.stage, admitted)
            return begun
    raise AcmeError(ErrorType.SERVER_INTERNAL, "The contract is being changed. Try again.", retry_after=1)


async def begin_by_kept(conn: Conn, passing: Passing, current: Collection[UUID]) -> Begun | None:
    """Begun, when facts kept here admit it and are current, also under the lock; None: read them."""
    order = passing.order
    key = (passing.binding_key_id, order.contract_id)
    if (found := passing.context.kept.facts(key, order.names, passing.now, current)) is None:
        return None
    loaded, revisions = found
    admitted = decide(loaded, passing.request, passing.now)
    if isinstance(admitted, Refused) or not is_met(order.not_after, admitted):
        return None
    begun = await begin(conn, passing, admitted, loaded.facts, revisions)
    if begun is not None:
        counted.decision(passing.stage, admitted)
    return begun


async def refusal_of(conn: Conn, passing: Passing, refused: Refused) -> RefusedByGate:
    """The gate's refusal, recorded."""
    return RefusedByGate(refused, await record_refusal(conn, refused, passing.stage, passing.actor, passing.now))


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
    end = order.not_after or min(
        admitted.not_after_limit, start + lifetime(profile, start), passing.context.issuer.not_after
    )
    check_logs(passing.context, start, end, now)
    return issuance.prepare(
        passing.context.issuer, profile, subject, list(order.names), csr.spki_der, not_before=start, not_after=end,
        admission_id=decision.id, record_id=uuid7(now), deadline_at=passing.deadline_at, now=now,
        precertificate=passing.context.transparency is not None,
    )  # fmt: skip


def check_logs(context: Context, start: datetime, end: datetime, now: datetime) -> None:
    """Enough logs take such a certificate: nothing is precertified that could not be issued (C-124)."""
    if context.transparency is not None and not context.transparency.can_serve(start, end, now):
        raise AcmeError(
            ErrorType.SERVER_INTERNAL, "Too few logs take certificates just now. Try again.", retry_after=60
        )


async def begin(
    conn: Conn, passing: Passing, admitted: Admitted, facts: Facts, revisions: Sequence[UUID] | None
) -> Begun | None:
    """The order is processing with its one record; what permits it is an argument of it.

    None when nothing was written because the facts are not those of `revisions`. Raises AcmeError for what else was not
    as it must be.
    """
    assert passing.csr is not None  # the caller's duty
    order, decision = passing.order, decision_row(admitted, passing.stage)
    record = record_of(passing, passing.csr, admitted, decision, facts)
    begun = await orders.begin_issuance(
        conn, order.id, order.account_id, passing.from_status, decision, evidence_of(decision, passing.actor), record,
        passing.context.worker, LEASE, passing.contract_number, revisions,
    )  # fmt: skip
    if begun.job_id is not None:
        return Begun(record.id, begun.job_id, record.deadline_at)
    return None if begun.why_not == "stale" else raise_why_not(begun.why_not)


def raise_why_not(cause: str | None) -> Never:
    """Raises what a client is told whose order cannot be finalized: its key (A-131), or what it must be ready for."""
    if cause == "account_key":
        raise AcmeError(
            ErrorType.BAD_CSR, "The key of the CSR is an account's key. Make a key for the certificate alone."
        )
    if cause == "blocked_key":
        raise AcmeError(ErrorType.BAD_CSR, "The key of the CSR was reported as compromised. Make a new key.")
    raise AcmeError(
        ErrorType.ORDER_NOT_READY,
        "This order is not ready any more: it is being finalized, or an authorization ended.",
    )
