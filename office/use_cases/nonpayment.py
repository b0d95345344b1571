"""Revocation for non-payment that happens by itself, where two people adopted that (A11.4.4, T11-7, R-16)."""

from datetime import datetime, timedelta

from contract_gate.articles.article_11_revocation import unpaid_too_long
from contract_gate.articles.article_28_consultation import pauses
from contract_gate.calendar import jst_date
from contract_gate.readings import grace_of, spared
from contract_gate.storage import facts_of_contract
from office.storage import consultations, readings, revocations
from office.storage.changing import changing
from office.storage.contracts import ContractKey
from office.storage.revocations import Scope
from office.use_cases import cases
from office.use_cases.cases import Opening, case_named
from office.use_cases.revocations import PROCESS, begin
from sql import Conn, Pool
from sql.evidence import append, entry

PAGE = 200
GRACE = "nonpayment.revoke"


async def sweep(pool: Pool, now: datetime) -> int:
    """How many contracts are revoked for non-payment by this; none while the reading of today is `manual`."""
    async with pool.acquire() as conn:
        today = grace_of(await readings.of_newest(conn, GRACE, now))
        if today is None:
            return 0
        done, after = 0, 0
        while page := await revocations.long_unpaid(conn, jst_date(now - today), after, PAGE):
            after = page[-1].number
            for key in page:
                kept = grace_of(await readings.of_contract(conn, GRACE, key.id, now))
                if grace := spared(kept, today):
                    done += await revoked(conn, key, grace, now)
        return done


async def revoked(conn: Conn, key: ContractKey, grace: timedelta, now: datetime) -> bool:
    """Whether a case executes by this: the ledger is asked in the transaction that ends the contract (T12-3).

    No breach that two people recorded as material, so no code and no clock. The customer is told after it.
    """
    async with changing(conn, key.number):
        loaded = await facts_of_contract(conn, key.id, [], now, None)
        late = unpaid_too_long(loaded.facts, grace, jst_date(now)) if loaded else []
        held = await consultations.any_held(conn, [key.id])
        if not late or pauses("auto", held, await consultations.scope(conn, key.id, now)):
            return False
        opening = Opening("unpaid", Scope(contract_id=key.id), "the ledger", f"unpaid: {', '.join(late)}", now, None)
        case = await cases.opened(conn, opening, now, state="decided")
        row = entry(
            "revocation.automatic", PROCESS, now, contract_id=key.id, rule="T11-7", clause="A11.4.4", case=case,
            invoices=late, grace_days=grace.days,
        )  # fmt: skip
        await append(conn, row)
        await begin(conn, await case_named(conn, str(case)), now)
    return True
