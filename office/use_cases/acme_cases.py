"""What ACME revoked, or gave the code keyCompromise, is a case: one for each request. T11-5, T11-8, C-143.

It is done already, as ACME demands; the case tells the customer, and puts before a person what a person must look at.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from contract_gate.articles.article_11_revocation import KEY_COMPROMISE, ground_of
from office.storage import acme_cases as stored
from office.storage import case_notices, revocations
from office.storage.acme_cases import AcmeRevocation
from office.storage.revocations import Lost, Scope
from office.use_cases import aftermath, cases, results
from office.use_cases.cases import Opening, case_named
from office.use_cases.notify import notify
from sql import Conn

AT_ONCE = 100  # certificates whose requests are taken whole
REVOKED = "revoked at once, as ACME demands"
UPGRADED = "the code changed at once, as ACME demands"


async def take_acme(conn: Conn, now: datetime) -> int:
    """Each request through ACME is in a case, once, whatever it did; its customers are told. Returns how many cases.

    One that proves a compromise after another's revocation is a case of its own, with a clock of its own.
    """
    async with conn.transaction():
        taken = await stored.take_acme(conn, AT_ONCE, now)
        requests = [list(found) for _, found in groupby(taken, key=lambda one: (one.requested_at, one.requested_by))]
        for request in requests:
            await _case(conn, request, now)
        return len(requests)


def ground_asked(first: AcmeRevocation) -> str:
    """By the contract's account it is a request; with reason 1 a compromise, unless another account asked."""
    if first.requested_by.startswith("key:"):
        return "compromise" if first.reason == KEY_COMPROMISE else "request"
    if first.upgrade or "(A11.3)" in first.ground:
        return "compromise_asked" if first.reason == KEY_COMPROMISE else "request"
    return "names_holder"


async def _case(conn: Conn, request: Sequence[AcmeRevocation], now: datetime) -> None:
    """What the contract's account asked for needs nobody's look; nor does a compromise."""
    first = request[0]  # a revocation, if there is any
    ground, at = ground_asked(first), first.requested_at
    own = not first.requested_by.startswith("key:") and ground != "names_holder"
    said = "compromised, as told after the revocation" if first.upgrade else first.ground
    opening = Opening(
        ground, Scope(serials=[one.serial for one in request]), first.requested_by, said, at, "request",
        asked_code=first.reason,
    )  # fmt: skip
    case_id = await cases.opened(conn, opening, now, attention=not own and first.reason != KEY_COMPROMISE)
    await revocations.revoked_by(conn, case_id, {one.serial: one.contract_id for one in request})
    new = {one.contract_id for one in request if not one.upgrade}
    for lost in await revocations.lost(conn, case_id, now):
        if lost.contract_id in new or not own:  # who has the code of what is revoked changed hears the result alone
            notice_id = await _tell(conn, lost, at, own, now)
            why = REVOKED if lost.contract_id in new else UPGRADED
            await case_notices.insert_notice(conn, case_id, lost.contract_id, notice_id, why)
    await results.revoked(conn, case_id, ground_of(ground), opening.scope, at, now)
    if not first.upgrade:
        found = await case_named(conn, str(case_id))
        await aftermath.follow(conn, found, ground_of(ground), now, {one for one in new if one is not None})


async def _tell(conn: Conn, lost: Lost, at: datetime, own: bool, now: datetime) -> UUID:
    """The customer hears what its own account asked for, or that somebody else did."""
    serials, of = results.named(lost.serials), lost.contract_id
    if own:
        return await notify(
            conn, "revocation_requested", now, contract_id=of, certificates=serials, requested_at=at.isoformat()
        )
    return await notify(
        conn, "revoked_with_certificate_key", now, contract_id=of, certificates=serials, revoked_at=at.isoformat()
    )
