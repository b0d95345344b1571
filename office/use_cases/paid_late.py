"""A payment that comes after a revocation for non-payment was executed: an incident for a person (A11.4.4, T11-12)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from office.storage import revocations
from sql import Conn
from sql.evidence import append, entry

PROCESS = "process:office"


async def noticed(conn: Conn, paid: Iterable[tuple[UUID, UUID]], now: datetime) -> int:
    """How many cases wait for an officer by this; `paid`: contract and receipt, in the transaction that books them.

    Nothing is undone: a revocation is final, and the fee was owed all the same (T9-1).
    """
    receipts: dict[UUID, list[UUID]] = {}
    for contract_id, receipt in paid:
        receipts.setdefault(contract_id, []).append(receipt)
    found = await revocations.paid_after(conn, sorted(receipts)) if receipts else []
    for case_id, contract_id in found:
        row = entry(
            "revocation.paid_after", PROCESS, now, contract_id=contract_id, rule="T11-12", clause="A11.4.4",
            case=case_id, receipts=receipts[contract_id],
        )  # fmt: skip
        await append(conn, row)
    return len({case_id for case_id, _ in found})
