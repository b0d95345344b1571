"""finalize: check the CSR, pass the gate under the contract's lock, record what will be signed, sign. RFC 8555 §7.4.

The commit of `begin_issuance`, which takes that lock, is the point of no return (design §4.4, T0-5).
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol.csr import Csr, decode_field, matches, parse_csr
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Signed
from acme_server.protocol.nonce import Spendable
from acme_server.protocol.objects import Account, Order
from acme_server.storage import orders
from acme_server.storage.jobs import Job
from acme_server.storage.nonces import Spent
from acme_server.storage.orders import ToFinalize
from acme_server.use_cases import authenticate, ca_now
from acme_server.use_cases.admission import (
    CONTRACT_LOCK,
    Begun,
    Passing,
    pass_at_once,
    pass_gate,
    passing_of,
    raise_why_not,
    unmet_recorded,
)
from acme_server.use_cases.context import Context
from acme_server.use_cases.held import held
from acme_server.use_cases.issue import sign
from acme_server.use_cases.orders import RefusedByGate, actor_of, check_issuer
from acme_server.use_cases.weak_keys import refuse_weak
from contract_gate.decision import Admitted, Gate
from contract_gate.storage import decision_row, evidence_of
from sql import Conn, Pool
from sql.transactions import shared, under_locks

SEAL_LIMIT = timedelta(minutes=1)
CAA_AGE = timedelta(hours=7, minutes=55)  # BR 3.2.2.8: 8 hours
NOT_READY = {
    "pending": "Fulfil its authorizations first.",
    "processing": "Read the order until it is valid.",
    "valid": "Read the order: it names its certificate.",
    "invalid": "Place a new order if you need one.",
}  # what to do, as RFC 8555 §7.4 says; who lost the answer to a finalize finds the certificate
ENDS_ORDER = frozenset({Gate.G1, Gate.G4, Gate.G5, Gate.G7})  # T0-5


class NoSuchOrder(AcmeError):
    """The account has no such order: 404, a stranger's and an absent one alike."""

    def __init__(self) -> None:
        super().__init__(ErrorType.MALFORMED, "This account has no such order.")


class Finalized(msgspec.Struct, frozen=True):
    """The order after finalize: valid, or processing with more to come."""

    order: Order


async def read_own(
    context: Context, signed: Signed, url: str, now: datetime, id: UUID
) -> tuple[Account, ToFinalize | None]:
    """Who signed the request, and what finalize asks first, if the order is that account's."""

    async def read(
        pool: Pool, nonce: Spendable, account_id: UUID | None, order_id: UUID
    ) -> tuple[Spent, ToFinalize | None]:
        return await orders.spend_to_finalize(
            pool, nonce, account_id, order_id, now - SEAL_LIMIT, now - CAA_AGE, context.issuer.id
        )

    return await authenticate.to_read(context, signed, url, now, read, id)


async def finalize(
    context: Context, account: Account, found: ToFinalize | None, csr_field: str, now: datetime
) -> Finalized | RefusedByGate:
    """The order, valid when signing took at most the inline wait, else processing; or the gate's refusal."""
    csr = parse_csr(der := decode_field(csr_field))
    if found is None:
        raise NoSuchOrder
    check_ready(found, now)
    matches(csr, found.state.order.names)
    refuse_weak(context, csr.spki_der, ErrorType.BAD_CSR, "CSR")
    await check_issuance(context, found, now)
    if context.transparency is not None:
        await context.transparency.first_list()
    begun = await begin(context, account, found, csr, der, now)
    if isinstance(begun, RefusedByGate):
        return begun
    order = msgspec.structs.replace(found.state.order, status="processing")
    if begun is None:
        return Finalized(order)
    return Finalized(await signed_inline(context, order, begun))


def check_ready(found: ToFinalize, now: datetime) -> None:
    """The order is ready (A-127)."""
    if (status := found.state.status(now)) != "ready":
        raise AcmeError(ErrorType.ORDER_NOT_READY, f"This order is {status}, not ready. {NOT_READY[status]}")


async def check_key(context: Context, csr: Csr) -> None:
    """The CSR's key is no account's and not blocked (A-131), as `acme.may_begin` finds when nothing is put off."""
    uses = await orders.uses_of_key(context.pool, csr.spki_sha256)
    if uses.is_account_key:
        raise_why_not("account_key")
    if uses.is_blocked_key:
        raise_why_not("blocked_key")


async def check_issuance(context: Context, found: ToFinalize, now: datetime) -> None:
    """An issuing CA is not revoked (C-160), and evidence is sealed up to a minute ago; else nothing is issued."""
    if found.issuer_revoked:
        await ca_now.refresh(context, now)
        check_issuer(context.issuer_revoked, " The order stays as it is.")
    if not found.is_sealed:
        raise AcmeError(
            ErrorType.SERVER_INTERNAL, "Issuance is paused until the evidence log is sealed. Try again.", retry_after=60
        )


async def begin(
    context: Context, account: Account, found: ToFinalize, csr: Csr, der: bytes, now: datetime
) -> Begun | RefusedByGate | None:
    """Decide and record, under the contract's lock. None: CAA must be checked first, a worker goes on.

    The first certificate of a contract takes a transaction, for its fee is drafted in it (T8-3).
    """
    if not found.caa_is_fresh:
        await check_key(context, csr)
    order, deadline = found.state.order, now + context.limits.processing_deadline
    passing = passing_of(
        context, order, account.binding_key_id, found.contract_number, csr if found.caa_is_fresh else None, "finalize",
        "pending", actor_of(account), deadline, now,
    )  # fmt: skip
    async with unmet_recorded(passing), context.pool.acquire() as conn:
        if not found.caa_is_fresh or not found.is_started:
            return await begin_in_transaction(conn, passing, der)
        passed = await pass_at_once(conn, passing, found.revisions)
        if isinstance(passed, RefusedByGate):
            await end_if_final(conn, order, passed)
        return passed


async def begin_in_transaction(conn: Conn, passing: Passing, der: bytes) -> Begun | RefusedByGate | None:
    """The same in one transaction, whose first statement takes the contract's lock."""
    lock = shared(CONTRACT_LOCK, passing.contract_number)
    async with under_locks(conn, lock):
        passed = await pass_gate(conn, passing)
        if isinstance(passed, RefusedByGate):
            await end_if_final(conn, passing.order, passed)
        if not isinstance(passed, Admitted):
            return passed
        await defer(conn, passing.order, passed, der, passing.deadline_at, passing.actor)
        return None


async def defer(conn: Conn, order: Order, admitted: Admitted, der: bytes, deadline: datetime, actor: str) -> None:
    """The order is processing without to-be-signed bytes, with a job."""
    decision = decision_row(admitted, "finalize")
    proof = evidence_of(decision, actor)
    if not await orders.defer_issuance(conn, order.id, order.account_id, decision, proof, der, deadline):
        raise AcmeError(ErrorType.ORDER_NOT_READY, "This order is being finalized by another request.")


async def end_if_final(conn: Conn, order: Order, refusal: RefusedByGate) -> None:
    """A refusal that no retry can mend ends the order; the others leave it ready until it expires (T0-5)."""
    if refusal.refused.gate in ENDS_ORDER:
        await orders.end_order(conn, order.id, order.account_id, "pending", cause_of(refusal))


def cause_of(refusal: RefusedByGate) -> bytes:
    """The gate and case as stored in an order's error; `edge/problems.py` gives it its sentence (T0-3)."""
    refused = refusal.refused
    return msgspec.json.encode(
        {
            "gate": refused.gate.name,
            "case": refused.case.name,
            "help_token": refusal.help_token,
            "names": refused.names if refused.gate is Gate.G5 else (),
        }
    )


async def signed_inline(context: Context, order: Order, begun: Begun) -> Order:
    """The order after the inline wait: valid, or still processing, while the work goes on."""
    job = Job(begun.job_id, "issue", str(order.id), 1, 1000, 1, begun.deadline_at)
    task = context.start(held(context, job, sign(context, job, begun.to_be_signed_id, order.id)))
    done, _ = await asyncio.wait({task}, timeout=context.limits.inline_wait.total_seconds())
    if not done or not task.result():
        return order
    return msgspec.structs.replace(order, status="valid", certificate_id=begun.to_be_signed_id)
