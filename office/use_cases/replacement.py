"""A certificate that shows what is no longer so lives until it is replaced, five days at most (T14-2, A14.1)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import code_of, ground_of
from office.storage import replacements, revocations
from office.storage.revocations import Live
from office.use_cases.cases import case_named
from office.use_cases.revocations import AT_ONCE, PROCESS, finish, revoke_these
from sql import Conn, Pool
from sql.evidence import append, entry


async def sweep(pool: Pool, now: datetime) -> int:
    """How many certificates are revoked by this: each whose names a certificate of the new contract has.

    The CA knows of the change and the new contract is issued from, so there is nothing left to decide.
    """
    done = 0
    async with pool.acquire() as conn:
        for case_id, live in (await replacements.replaced(conn, now, AT_ONCE)).items():
            async with conn.transaction():
                done += await _replaced(conn, case_id, live, now)
    return done


async def _replaced(conn: Conn, case_id: UUID, live: Sequence[Live], now: datetime) -> int:
    """Those are revoked; the case is done when nothing else of it lives. None where people decided meanwhile."""
    if await revocations.lock_case(conn, case_id) != "open":
        return 0
    found = await case_named(conn, str(case_id))
    ground = ground_of(found.ground)
    await revoke_these(conn, found, ground, code_of(ground, found.asked_code, material=False), live, now)
    row = entry(
        "revocation.replaced", PROCESS, now, contract_id=found.contract_id, rule="T14-2", clause="A14.1", case=case_id,
        serials=[each.serial.hex() for each in live],
    )  # fmt: skip
    await append(conn, row)
    if not await replacements.left(conn, case_id, now):
        await finish(conn, found, now)
        await revocations.attended(conn, case_id)  # the new contract's people looked at it
    return len(live)
