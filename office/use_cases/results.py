"""Who asked for a revocation hears the result (T11-6, A11.5): refused at once, revoked once the CRLs show it.

A case may concern several contracts: their customers are told in one transaction, all or none, so one notice says so
for the case. What had ended or was revoked before is a result too. Where no contract is concerned there is nobody to
tell, and nothing is due.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import Ground, result_due
from office.storage import notices, revocations
from office.storage.revocations import Case, Scope
from office.use_cases.notify import notify
from sql import Conn

NOTHING_LEFT = "nothing_left"


async def due(conn: Conn, ended_at: datetime) -> datetime:
    """Before which instant the result of what was revoked or refused then is told, as was read then. T11-6."""
    within = await notices.result_within(conn, ended_at)
    return result_due(ended_at, within, await notices.holidays(conn))


async def revoked(
    conn: Conn, case_id: UUID, ground: Ground, asked: Scope, at: datetime, now: datetime
) -> bool:  # fmt: skip
    """Whether the case is done with revoking by this, since `at`; from then on who asked waits for the result."""
    waits = ground.asked and (await revocations.lost(conn, case_id, now) or await concerned(conn, asked))
    return await revocations.set_revoked(conn, case_id, at, await due(conn, at) if waits else None)


async def told(conn: Conn, found: Case, asked: Scope, published_at: datetime, now: datetime) -> None:
    """Each customer concerned is told that it is revoked, in the transaction that says it is published."""
    lost = {each.contract_id: named(each.serials) for each in await revocations.lost(conn, found.id, now)}
    result = "revoked" if lost else NOTHING_LEFT
    await _tell(conn, found.id, lost or _as_case(found.id, await concerned(conn, asked)), result, published_at, now)


async def refused(conn: Conn, case_id: UUID, asked: Scope, now: datetime) -> None:
    """Each customer concerned is told, in the transaction that closes the case without a revocation."""
    ids = list(await revocations.contracts_of(conn, asked))
    covered = await revocations.covered(conn, asked, ids, now)
    live = {each.id: f"{each.certificates} ({each.handle})" for each in covered if each.id is not None}
    said = _as_case(case_id, ids if live else await concerned(conn, asked)) | live
    await _tell(conn, case_id, said, "refused" if live else NOTHING_LEFT, now, now, await due(conn, now))


async def concerned(conn: Conn, asked: Scope) -> list[UUID]:
    """Contracts of what was asked about, whether anything of it lives or not."""
    named_so = await revocations.contracts_of(conn, asked)
    return sorted({*named_so, *await revocations.asked_about(conn, asked)})


def _as_case(case_id: UUID, contract_ids: Sequence[UUID]) -> dict[UUID, str]:
    return dict.fromkeys(contract_ids, str(case_id))


async def _tell(
    conn: Conn, case_id: UUID, requests: Mapping[UUID, str], result: str, at: datetime, now: datetime,
    due_at: datetime | None = None,
) -> None:  # fmt: skip
    """By contract, in order of its id; the notice of the first is the case's."""
    made = [
        await notify(
            conn, "request_result", now, contract_id=contract_id, request=requests[contract_id], result=result,
            decided_at=at.isoformat(),
        )
        for contract_id in sorted(requests)
    ]  # fmt: skip
    if made:
        await revocations.set_result(conn, case_id, made[0], now, due_at)


def named(serials: Sequence[bytes], of: int | None = None) -> str:
    """Serial numbers for a notice: the first twenty, and how many more; `of` how many, where not all are given."""
    count = len(serials) if of is None else of
    more = f" + {count - 20}" if count > 20 else ""
    return ", ".join(serial.hex() for serial in serials[:20]) + more
