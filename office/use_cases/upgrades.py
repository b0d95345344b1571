"""A key proves compromised after its certificate was revoked: the code becomes 1, and a case says so (T11-8, C-143)."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from contract_gate.articles.article_11_revocation import KEY_COMPROMISE, ground_of
from office.storage import revocations
from office.storage.revocations import AcmeRevocation, Scope
from office.use_cases import cases, results
from office.use_cases.cases import Opening
from office.use_cases.notify import notify
from sql import Conn


def is_one(found: AcmeRevocation) -> bool:
    """Whether its code alone was changed through ACME, after a case had told of the revocation."""
    return found.known and found.upgraded_by is not None and found.upgraded_by.startswith(("key:", "account:"))


async def told(conn: Conn, found: Sequence[AcmeRevocation], now: datetime) -> int:
    """Each request is a case, revoked at once; how many there are. In the transaction that took them."""
    ordered = sorted(found, key=lambda one: (str(one.upgraded_by), str(one.upgraded_at), one.serial))
    groups = [list(some) for _, some in groupby(ordered, key=lambda one: (one.upgraded_by, one.upgraded_at))]
    for group in groups:
        await _case(conn, group, now)
    return len(groups)


async def _case(conn: Conn, group: Sequence[AcmeRevocation], now: datetime) -> None:
    """The customer is told of what somebody with the key asked; its own account hears the result later (T11-6)."""
    by, at = group[0].upgraded_by, group[0].upgraded_at
    assert by is not None  # by is_one
    assert at is not None  # set together
    ground = "compromise" if by.startswith("key:") else "compromise_asked"
    opening = Opening(
        ground, Scope(serials=[one.serial for one in group]), by, "compromised, as told after the revocation", at,
        "request", asked_code=KEY_COMPROMISE,
    )  # fmt: skip
    case_id = await cases.opened(conn, opening, now, attention=False)
    for one in group:
        await revocations.revoked_by(conn, case_id, one.serial, one.contract_id)
    for lost in await revocations.lost(conn, case_id, now) if ground == "compromise" else ():
        notice = await notify(
            conn, "revoked_with_certificate_key", now, contract_id=lost.contract_id,
            certificates=results.named(lost.serials), revoked_at=at.isoformat(),
        )  # fmt: skip
        await revocations.set_notice(conn, case_id, notice, "the code changed at once, as ACME demands")
    await results.revoked(conn, case_id, ground_of(ground), opening.scope, at, now)
