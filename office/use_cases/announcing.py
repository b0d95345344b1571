"""The notices before revoking: each customer of a case is told before its own certificates go. T11-5 [A11.3].

Nobody waits for the notice of somebody else: as soon as one has left us, that contract's certificates are revoked.
"""

from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import KEY_COMPROMISE, notice_awaited_until
from office.storage import case_notices, revocations
from office.storage.revocations import Case
from office.use_cases.cases import scope
from office.use_cases.notify import notify
from office.use_cases.results import named
from sql import Conn

LATE = "not sent before revoking"


async def announce(conn: Conn, found: Case, code: int | None, now: datetime) -> None:
    """Every contract of which the case would revoke something has a notice of it, in the caller's transaction."""
    if await revocations.lock_case(conn, found.id) != "executing":
        return
    ids, again = list(await revocations.contracts_of(conn, scope(found))), code if code == KEY_COMPROMISE else None
    for each in await case_notices.untold(conn, found.id, scope(found), ids, now, again):
        notice_id = await notify(
            conn, "revocation_requested", now, contract_id=each.id, certificates=named(each.serials, each.certificates),
            requested_at=found.received_at.isoformat(),
        )  # fmt: skip
        await case_notices.insert_notice(conn, found.id, each.id, notice_id)


async def told(conn: Conn, found: Case, code: int | None, now: datetime) -> list[UUID]:
    """Contracts whose notice has left us, or was waited for long enough; those that came since are told now.

    That one had not left is on record.
    """
    async with conn.transaction():
        await announce(conn, found, code, now)
        sendings = await case_notices.notices_before(conn, found.id)
        late = [
            each.contract_id for each in sendings
            if not each.left_us and notice_awaited_until(each.queued_at, found.deadline_at) <= now
        ]  # fmt: skip
        await case_notices.set_late(conn, found.id, late, LATE)
    return late + [each.contract_id for each in sendings if each.left_us]
