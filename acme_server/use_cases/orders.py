"""newOrder and the orders list: load, decide, write. RFC 8555 §7.4, §7.1.2.1; RFC 9773 §5; T1-1."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol import certid
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Signed
from acme_server.protocol.objects import Account, Order
from acme_server.protocol.requests import NewOrder
from acme_server.storage import orders
from acme_server.storage.orders import Listed as Listed
from acme_server.storage.orders import OrderState as OrderState
from acme_server.use_cases import authenticate, counted, issue, limits, served_names
from acme_server.use_cases.context import Context
from acme_server.use_cases.problem import ENDED, EXPIRED, stored_problem
from acme_server.use_cases.wanted import authorizations_for
from ca.certificate import Issuer
from ca.profiles import Profile, first_offered, lifetime
from contract_gate.decision import Admitted, Refused, Request
from contract_gate.gate import decide
from contract_gate.storage import decision_row, evidence_of, facts_of, record_admission, record_refusal
from sql import Conn
from sql.ids import uuid7

PAGE = 100
ISSUER_REVOKED = "Issuance is paused: the CA certificate that would sign yours is revoked."
ISSUER_ENDS = "Issuance is paused: the CA certificate that would sign yours ends."
SOONEST, LATEST, SHORTEST = timedelta(hours=-1), timedelta(hours=24), timedelta(days=1)


class RefusedByGate(msgspec.Struct, frozen=True):
    """The gate's refusal, recorded, with the token of the page that explains it (T0-1)."""

    refused: Refused
    help_token: str


class EndNotMet(AcmeError):
    """The gate admits the names, but not for as long as the request says (A-115, T12-5).

    Nothing is recorded yet: whoever evaluated the gate records `admitted` (articles.md §0.4).
    """

    def __init__(self, admitted: Admitted) -> None:
        super().__init__(
            ErrorType.MALFORMED,
            f'"notAfter" is later than this profile and contract allow, {admitted.not_after_limit:%FT%TZ}. '
            "Ask for less, or leave it out.",
        )
        self.admitted = admitted


async def place_order(
    context: Context, account: Account, revisions: Collection[UUID], wanted: NewOrder, now: datetime
) -> OrderState | RefusedByGate:
    """Pass the contract gate, then store the order. A refusal is returned: raising would undo its record.

    `revisions`: at which facts kept here are as good as read now (`authenticate.to_order`).
    """
    names = wanted.names()
    served_names.check(names, context.offers.public_only)
    profile = profile_of(context, wanted.profile)
    check_validity(wanted, profile, now)
    check_issuer(context.issuer_revoked)
    check_issuer_lasts(context.issuer, wanted.not_before or now, wanted.not_after)
    replaced = predecessor(wanted.replaces)
    request = Request(tuple(names), wanted.not_before, wanted.not_after, lifetime(profile, wanted.not_before or now))
    async with context.pool.acquire() as conn:
        answer = await gate_answer(context, conn, account, revisions, request, now)
        match counted.decision("new_order", answer):
            case Refused() as refused:
                token = await record_refusal(conn, refused, "new_order", actor_of(account), now)
                return RefusedByGate(refused, token)
            case Admitted() as admitted:
                if not is_met(wanted.not_after, admitted):
                    await record_admission(conn, admitted, "new_order", actor_of(account), now)
                    raise EndNotMet(admitted)
                return await insert(context, conn, account, admitted, wanted, profile, replaced, now)


async def gate_answer(
    context: Context, conn: Conn, account: Account, revisions: Collection[UUID], request: Request, now: datetime
) -> Admitted | Refused:
    """What the gate says of facts kept here, if it admits; else of facts read now."""
    kept = context.kept.facts((account.binding_key_id, None), request.names, now, revisions)
    answer = decide(kept[0], request, now) if kept else None
    if isinstance(answer, Admitted) and is_met(request.not_after, answer):
        return answer
    facts = await facts_of(conn, account.binding_key_id, request.names, now, None, context.kept)
    return decide(facts, request, now)


async def insert(
    context: Context, conn: Conn, account: Account, admitted: Admitted, wanted: NewOrder, profile: Profile,
    replaced: orders.Predecessor | None, now: datetime,
) -> OrderState:  # fmt: skip
    """Decision, evidence and order: one statement, one commit. What permits it is an argument of it."""
    names = list(admitted.names)
    order = Order(
        id=uuid7(now), account_id=account.id, contract_id=admitted.contract_id, status="pending", names=names,
        authorization_ids=[], profile=profile.name, not_before=wanted.not_before, not_after=wanted.not_after,
        replaces=wanted.replaces, error=None, certificate_id=None,
        expires_at=(now + context.limits.order_lifetime).replace(microsecond=0), created_at=now,
    )  # fmt: skip
    authorizations = authorizations_for(names, wanted.ancestors(), context.offers, now)
    decision = decision_row(admitted, "new_order")
    proof = evidence_of(decision, actor_of(account))
    taken = limits.of_new_order(context.rates, account, admitted.contract_id, names, replaced is not None)
    failed = context.rates.failed_validations
    ids = await orders.insert_order(conn, order, replaced, decision, proof, authorizations, taken, failed)
    if ids is None:
        raise await why_not(context, conn, account, order, [w.name for w in authorizations], replaced, taken, now)
    new = {wanted.id for wanted in authorizations}
    statuses = ["pending" if id in new else "valid" for id in ids]
    placed = msgspec.structs.replace(order, authorization_ids=ids)
    return OrderState(placed, statuses, [order.expires_at] * len(ids), [None] * len(ids))


async def why_not(
    context: Context, conn: Conn, account: Account, order: Order, proven: Sequence[str],
    replaced: orders.Predecessor | None, taken: Sequence[limits.Wanted], now: datetime,
) -> AcmeError:  # fmt: skip
    """Why an order that the gate admits was not stored: a limit (A-057), or what it replaces."""
    stopped = await limits.failing(conn, context.rates, account, order.contract_id, proven, now)
    if stopped is None and replaced is not None:
        return await cannot_replace(conn, replaced, account, order.names)
    stopped = stopped or await limits.refusal(conn, context.rates, order.contract_id, taken, now)
    return stopped or limits.limited("too many orders at once", now, context.rates.help_url, now)


def actor_of(account: Account) -> str:
    """The account as evidence names it."""
    return f"account:{account.id}"


def profile_of(context: Context, wanted: str | None) -> Profile:
    """The profile asked for, or the first on offer (A-226, A-229)."""
    found = first_offered(context.profiles) if wanted is None else context.profiles.get(wanted)
    if found is None:
        offered = ", ".join(context.profiles)
        raise AcmeError(ErrorType.INVALID_PROFILE, f"No profile {str(wanted)[:64]!r} here. On offer: {offered}.")
    return found


def check_validity(wanted: NewOrder, profile: Profile, now: datetime) -> None:
    """The profile meets a wanted notBefore and notAfter to the second: refused rather than altered (A-115, A-227)."""
    start, end = wanted.not_before or now, wanted.not_after
    if any(instant is not None and instant.microsecond for instant in (wanted.not_before, end)):
        raise AcmeError(ErrorType.MALFORMED, '"notBefore" and "notAfter" must be whole seconds.')
    if not now + SOONEST <= start <= now + LATEST:
        raise AcmeError(
            ErrorType.MALFORMED, f'"notBefore" must lie between an hour ago and 24 hours ahead, not at {start:%FT%TZ}.'
        )
    if end is not None and end < start + SHORTEST:
        raise AcmeError(ErrorType.MALFORMED, f'"notAfter" must be a day or more after the start, not at {end:%FT%TZ}.')
    if end is not None and end > (latest := start + lifetime(profile, start)):
        raise AcmeError(
            ErrorType.INVALID_PROFILE if wanted.profile else ErrorType.MALFORMED,
            f'"notAfter" is later than the profile {profile.name} allows, {latest:%FT%TZ}.',
        )


def check_issuer(is_revoked: bool, besides: str = "") -> None:
    """The issuing CA is not revoked (C-160); else nothing is issued, or taken on to be."""
    if is_revoked:
        raise AcmeError(ErrorType.SERVER_INTERNAL, f"{ISSUER_REVOKED}{besides}", retry_after=3600)


def check_issuer_lasts(issuer: Issuer, start: datetime, end: datetime | None) -> None:
    """The issuing CA's own certificate lasts a day or more from the start, and to a wanted end (RFC 5280 §6.1.3)."""
    if issuer.not_after < start + SHORTEST:
        raise AcmeError(ErrorType.SERVER_INTERNAL, ISSUER_ENDS, retry_after=3600)
    if end is not None and end > issuer.not_after:
        raise AcmeError(
            ErrorType.MALFORMED,
            f'"notAfter" is later than the end of the CA certificate that would sign yours, {issuer.not_after:%FT%TZ}. '
            "Ask for less, or leave it out.",
        )


def is_met(not_after: datetime | None, admitted: Admitted) -> bool:
    """Whether a wanted notAfter is within what was admitted."""
    return not_after is None or not_after <= admitted.not_after_limit


def predecessor(replaces: str | None) -> orders.Predecessor | None:
    """The certificate that the order replaces, by its issuer's key and its serial (A-221)."""
    return None if replaces is None else orders.Predecessor(*certid.parse(replaces))


async def cannot_replace(conn: Conn, replaced: orders.Predecessor, account: Account, names: Sequence[str]) -> AcmeError:
    """Why `replaces` was refused (RFC 9773 §5). A stranger's certificate looks like none (A-189)."""
    found = await orders.replaced_by(conn, replaced, account.id, names)
    if found is None or not found.own:
        return AcmeError(ErrorType.MALFORMED, '"replaces" names no certificate of this account.')
    if not found.shares_name:
        return AcmeError(ErrorType.MALFORMED, "The certificate to be replaced has none of the names of this order.")
    return AcmeError(
        ErrorType.ALREADY_REPLACED, "Another order replaces this certificate already. Leave out \"replaces\"."
    )  # fmt: skip


async def read_own(
    context: Context, signed: Signed, url: str, now: datetime, id: UUID
) -> tuple[Account, OrderState | None]:
    """Who signed the request, and the order if it is that account's. No order waits past its deadline: it is ended
    here when no worker did so (T0-2).
    """
    account, found = await authenticate.to_read(context, signed, url, now, orders.spend_and_read, id)
    if found is not None and found.is_overdue(now):
        await issue.end_late(context, id, now)
        found = await orders.order_of_account(context.pool, id, account.id)
    return account, found


def cause_of_end(state: OrderState, now: datetime) -> bytes:
    """The cause of an invalid order: what was recorded, else what its status follows from (A-125)."""
    if state.error is not None:
        return state.error
    return stored_problem(ErrorType.MALFORMED, EXPIRED if state.order.expires_at <= now else ENDED)


async def page_of_orders(
    context: Context, account: Account, after: UUID, now: datetime
) -> tuple[Sequence[Listed], UUID | None]:
    """A page of the account's orders without the invalid ones, and where the next page begins (A-087 to A-089)."""
    found = await orders.orders_of_account(context.pool, account.id, after, PAGE, now)
    following = found[-1].id if len(found) == PAGE else None
    return [order for order in found if order.status != "invalid"], following
