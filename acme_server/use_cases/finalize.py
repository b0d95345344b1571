"""finalize: check the CSR, pass the gate under the contract's lock, record what will be signed, sign. RFC 8555 §7.4.

The commit of `under_lock` is the point of no return (design §4.4, T0-5).
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol.csr import Csr, decode_field, matches, parse_csr
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.objects import Account, Order
from acme_server.storage import orders
from acme_server.storage.jobs import Job
from acme_server.storage.orders import ToFinalize
from acme_server.use_cases.admission import CONTRACT_LOCK, Begun, pass_gate, unmet_recorded
from acme_server.use_cases.context import Context
from acme_server.use_cases.held import held
from acme_server.use_cases.issue import sign
from acme_server.use_cases.orders import RefusedByGate, actor_of
from acme_server.use_cases.weak_keys import refuse_weak
from contract_gate.decision import Admitted, Gate
from contract_gate.storage import decision_row, evidence_of
from sql import Conn
from sql.transactions import shared, under_locks

SEAL_LIMIT = timedelta(minutes=1)
CAA_AGE = timedelta(hours=7, minutes=55)  # BR 3.2.2.8: 8 hours
ENDS_ORDER = frozenset({Gate.G1, Gate.G4, Gate.G5, Gate.G7})  # T0-5


class NoSuchOrder(AcmeError):
    """The account has no such order: 404, a stranger's and an absent one alike."""

    def __init__(self) -> None:
        super().__init__(ErrorType.MALFORMED, "This account has no such order.")


class Finalized(msgspec.Struct, frozen=True):
    """The order after finalize: valid, or processing with more to come."""

    order: Order


async def finalize(
    context: Context, account: Account, order_id: UUID, csr_field: str, now: datetime
) -> Finalized | RefusedByGate:
    """The order, valid when signing took at most the inline wait, else processing; or the gate's refusal."""
    csr = parse_csr(der := decode_field(csr_field))
    found = await orders.order_to_finalize(
        context.pool, order_id, account.id, csr.spki_sha256, now - SEAL_LIMIT, now - CAA_AGE
    )
    if found is None:
        raise NoSuchOrder
    check_ready(found, now)
    check_csr(found, csr)
    check_seal(found)
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
        hint = "Fulfil its authorizations first." if status == "pending" else "Place a new order if you need one."
        raise AcmeError(ErrorType.ORDER_NOT_READY, f"This order is {status}, not ready. {hint}")


def check_csr(found: ToFinalize, csr: Csr) -> None:
    """The CSR is for exactly the order's names; its key is not weak, nobody's account's, not blocked (A-128, A-131)."""
    matches(csr, found.state.order.names)
    refuse_weak(csr.spki_der, ErrorType.BAD_CSR, "CSR")
    if found.is_account_key:
        raise AcmeError(
            ErrorType.BAD_CSR, "The key of the CSR is an account's key. Make a key for the certificate alone."
        )
    if found.is_blocked_key:
        raise AcmeError(ErrorType.BAD_CSR, "The key of the CSR was reported as compromised. Make a new key.")


def check_seal(found: ToFinalize) -> None:
    """The evidence is sealed up to a minute ago; else nothing is issued (design §6)."""
    if not found.is_sealed:
        raise AcmeError(
            ErrorType.SERVER_INTERNAL, "Issuance is paused until the evidence log is sealed. Try again.", retry_after=60
        )


async def begin(
    context: Context, account: Account, found: ToFinalize, csr: Csr, der: bytes, now: datetime
) -> Begun | RefusedByGate | None:
    """Decide and record under the contract's lock. None: CAA must be checked first, a worker goes on."""
    lock = shared(CONTRACT_LOCK, found.contract_number)
    order, deadline = found.state.order, now + context.limits.processing_deadline
    recorded = unmet_recorded(context, "finalize", actor_of(account), now)
    async with recorded, context.pool.acquire() as conn, under_locks(conn, lock):
        passed = await pass_gate(
            context, conn, order, account.binding_key_id, csr if found.caa_is_fresh else None, "finalize", "pending",
            actor_of(account), deadline, now,
        )  # fmt: skip
        if isinstance(passed, RefusedByGate):
            await end_if_final(conn, order, passed)
            return passed
        if isinstance(passed, Begun):
            return passed
        await defer(conn, order, passed, der, deadline, actor_of(account))
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
