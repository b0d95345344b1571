"""newAuthz: a name may be proven before an order wants it. RFC 8555 §7.4.1, RFC 9444 §4.2."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.identifiers import is_ip
from acme_server.protocol.objects import Account, Authorization
from acme_server.protocol.requests import NewAuthorization
from acme_server.storage import authorizations
from acme_server.use_cases import counted, limits, served_names
from acme_server.use_cases.context import Context
from acme_server.use_cases.orders import RefusedByGate, actor_of, gate_answer, profile_of
from acme_server.use_cases.wanted import authorization_for, covers_subdomains
from ca.profiles import lifetime
from contract_gate.decision import Admitted, Refused, Request, Stage
from contract_gate.storage import decision_row, evidence_of, record_refusal
from sql import Conn

STAGE: Stage = "new_authorization"


async def authorize(
    context: Context, account: Account, revisions: Collection[UUID], wanted: NewAuthorization, now: datetime
) -> Authorization | RefusedByGate:
    """A pending authorization for a name that the contract lists (A-137), or the gate's refusal (A-138)."""
    name = wanted.name()
    served_names.check([name], context.offers.public_only)
    request = Request((name,), None, None, lifetime(profile_of(context, None), now))
    async with context.pool.acquire() as conn:
        answer = await gate_answer(context, conn, account, revisions, request, now)
        match counted.decision(STAGE, answer):
            case Refused() as refused:
                return RefusedByGate(refused, await record_refusal(conn, refused, STAGE, actor_of(account), now))
            case Admitted() as admitted:
                broad = wanted.identifier.subdomain_auth_allowed and not is_ip(name)
                subdomains = broad and covers_subdomains(name, context.offers)
                return await insert(context, conn, account, admitted, name, subdomains, now)


async def insert(
    context: Context, conn: Conn, account: Account, admitted: Admitted, name: str, subdomains: bool, now: datetime
) -> Authorization:
    """Decision, evidence and authorization: one statement. Counts as an order of the account and the contract."""
    decision = decision_row(admitted, STAGE)
    wanted = authorization_for(name, subdomains, context.offers, now)
    taken = limits.of_new_authorization(context.rates, account, admitted.contract_id)
    made = await authorizations.insert_authorization(
        conn, wanted, account.id, (now + context.limits.order_lifetime).replace(microsecond=0), decision,
        evidence_of(decision, actor_of(account)), taken, context.rates.failed_validations,
    )  # fmt: skip
    if made is None:
        raise await why_not(context, conn, account, admitted.contract_id, name, taken, now)
    return made


async def why_not(
    context: Context, conn: Conn, account: Account, contract_id: UUID, name: str, taken: Sequence[limits.Wanted],
    now: datetime,
) -> AcmeError:  # fmt: skip
    """Which limit was reached (A-057)."""
    stopped = await limits.failing(conn, context.rates, account, contract_id, [name], now)
    stopped = stopped or await limits.refusal(conn, context.rates, contract_id, taken, now)
    return stopped or AcmeError(ErrorType.RATE_LIMITED, "Too many authorizations at once. Try again.", retry_after=1)
