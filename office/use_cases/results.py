"""Who asked for a revocation that the CA refuses hears that (T11-6, A11.5); one that is done is told when published."""

from datetime import datetime
from uuid import UUID

from office.storage import revocations
from office.storage.revocations import Scope
from office.use_cases.notify import notify
from sql import Conn


async def refused(conn: Conn, case_id: UUID, asked: Scope, now: datetime) -> None:
    """Each customer concerned is told, in the transaction that closes the case without a revocation."""
    ids = list(await revocations.contracts_of(conn, asked))
    covered = await revocations.covered(conn, asked, ids, now)
    said = {each.id: f"{each.certificates} ({each.handle})" for each in covered if each.id is not None}
    for contract_id in sorted({*ids, *said}):
        notice = await notify(
            conn, "request_result", now, contract_id=contract_id, request=said.get(contract_id, str(case_id)),
            result="refused", decided_at=now.isoformat(),
        )  # fmt: skip
        await revocations.set_result_notice(conn, case_id, notice)
