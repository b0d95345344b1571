"""What follows for customers from certificates that a case revoked. T11-6, T11-7, T11-10, T11-13, T12-3."""

from collections.abc import Set
from datetime import datetime, timedelta
from uuid import UUID

from contract_gate.articles.article_11_revocation import Ground
from contract_gate.readings import days_of
from office.storage import case_notices, readings, revocations
from office.storage.revocations import Case, Lost
from office.use_cases.notify import notify
from office.use_cases.results import named
from sql import Conn
from sql.evidence import append, entry

WINDOW = "reissue.window"  # days, R-20
PROCESS = "process:office"


async def follow(conn: Conn, found: Case, ground: Ground, now: datetime, among: Set[UUID] | None = None) -> None:
    """Each customer is told (T11-6, T11-7), the seal goes off and the contract waits for a certificate (T11-10, T12-3).

    With the CA's own key everybody is told of it at once (T11-13). `among`: of these contracts alone.
    """
    told = {each.contract_id for each in await case_notices.notices_before(conn, found.id)}
    gone = await revocations.lost(conn, found.id, now)
    for lost in gone:
        if among is not None and lost.contract_id not in among:
            continue
        if lost.contract_id not in told and ground.clause != "A11.4.8":  # else they hear of it once it is published
            said = f"{found.ground} ({ground.clause})"
            await notify(
                conn, "certificate_revoked", now, contract_id=lost.contract_id, certificates=named(lost.serials),
                revoked_at=lost.revoked_at.isoformat(), grounds=said, clause=ground.clause,
            )  # fmt: skip
        if not lost.alive:
            await _last_one_gone(conn, lost, now)
    if ground.clause == "A11.4.8":
        whole = [name for name, issuer_id in (await revocations.issuing(conn)).items() if issuer_id == found.issuer_id]
        of = ", ".join(whole) or str(sum(len(lost.serials) for lost in gone))  # an issuing CA's, or an incident's
        await notify(conn, "ca_key_compromised", now, certificates=of, revoked_at=now.isoformat())
    row = entry(
        "revocation.executed", PROCESS, now, contract_id=found.contract_id, rule="T11-11", clause=ground.clause,
        case=found.id, seal="T11-10",
    )  # fmt: skip
    await append(conn, row)


async def _last_one_gone(conn: Conn, lost: Lost, now: datetime) -> None:
    """The seal of a contract without a certificate is to be deleted, and the window for another one is open."""
    if lost.sealed:
        since = lost.revoked_at.isoformat()
        await notify(conn, "seal_deletion_after_revocation", now, contract_id=lost.contract_id, since=since)
    days = days_of(WINDOW, await readings.of_contract(conn, WINDOW, lost.contract_id, now))
    await revocations.reissue_pending(conn, lost.contract_id, now, now + timedelta(days=days))
