"""Who asked for a revocation hears the result (T11-6, A11.5): refused at once, revoked once the CRLs show it.

A case may concern several contracts: their customers are told in one transaction, all or none, so one notice says so
for the case. Where no contract is concerned there is nobody to tell, and nothing is due.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import Ground, result_due
from office.storage import notices, revocations
from office.storage.revocations import Case, Scope
from office.use_cases.notify import notify
from sql import Conn


async def due(conn: Conn, ended_at: datetime) -> datetime:
    """Before which instant the result of what was revoked or refused then is told, as was read then. T11-6."""
    within = await notices.result_within(conn, ended_at)
    return result_due(ended_at, within, await notices.holidays(conn))


async def revoked(conn: Conn, case_id: UUID, ground: Ground, at: datetime, now: datetime) -> bool:
    """Whether the case is done with revoking by this, since `at`; from then on who asked waits for the result."""
    waits = ground.asked and await revocations.lost(conn, case_id, now)
    return await revocations.set_revoked(conn, case_id, at, await due(conn, at) if waits else None)


async def told(conn: Conn, found: Case, published_at: datetime, now: datetime) -> None:
    """Each customer concerned is told that it is revoked, in the transaction that says it is published."""
    made = [
        await notify(
            conn, "request_result", now, contract_id=lost.contract_id, request=named(lost.serials), result="revoked",
            decided_at=published_at.isoformat(),
        )
        for lost in await revocations.lost(conn, found.id, now)
    ]  # fmt: skip
    if made:
        await revocations.set_result(conn, found.id, made[0], now)


async def refused(conn: Conn, case_id: UUID, asked: Scope, now: datetime) -> None:
    """Each customer concerned is told, in the transaction that closes the case without a revocation."""
    ids = list(await revocations.contracts_of(conn, asked))
    covered = await revocations.covered(conn, asked, ids, now)
    said = {each.id: f"{each.certificates} ({each.handle})" for each in covered if each.id is not None}
    made = [
        await notify(
            conn, "request_result", now, contract_id=contract_id, request=said.get(contract_id, str(case_id)),
            result="refused", decided_at=now.isoformat(),
        )
        for contract_id in sorted({*ids, *said})
    ]  # fmt: skip
    if made:
        await revocations.set_result(conn, case_id, made[0], now, await due(conn, now))


def named(serials: Sequence[bytes]) -> str:
    """Serial numbers for a notice: the first twenty, and how many more."""
    more = f" + {len(serials) - 20}" if len(serials) > 20 else ""
    return ", ".join(serial.hex() for serial in serials[:20]) + more
