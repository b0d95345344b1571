"""What an early end makes of a contract's fee (Article 9), with the figures of Article 25."""

from datetime import datetime

from contract_gate.articles.article_09_settlement import OURS, Billed, Settlement, settlement
from contract_gate.calendar import jst_date
from office.storage import money_books, settlements
from office.storage.changing import changing
from office.storage.settlements import Decided, Settled
from office.use_cases import asked, contracts
from office.use_cases.asked import MOST, Unfit, checked_text, one_of
from sql import Conn
from sql.evidence import append, entry

CAUSES = ("cancelled", "rescinded", "revoked", "lapsed", "expired", *OURS)


async def settlement_of(conn: Conn, contract: str, end_cause: str, at: datetime) -> Settlement:
    """The settlement if the contract ends then for that cause; nothing moves. T9-1 to T9-6. Raises Unfit."""
    one_of("cause", end_cause, CAUSES)
    key = await asked.contract(conn, contract)
    found = await money_books.settling(conn, key.id)
    issued_on = jst_date(found.issued_at) if found.issued_at else None
    bill = Billed(
        issued_on, found.period_from or issued_on, found.term_months, found.billed_yen, found.open_yen,
        found.received_fee_yen, found.due_on,
    )  # fmt: skip
    return settlement(bill, end_cause, jst_date(at))


async def settle(
    conn: Conn, contract: str, end_cause: str, yen: int, reason: str, first: str, second: str, now: datetime
) -> Settlement:
    """Two people record what the early end of a contract makes of its fee, once, with the figures of that day (T9-5).

    `yen` goes back, up to the ceiling of Article 25 where the cause is the CA's, else nothing (T9-1). The money itself
    moves by a credit or a refund. Raises Unfit.
    """
    key, why = await asked.contract(conn, contract), checked_text("reason", reason)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        ended = await contracts.shown(conn, str(key.id))
        if ended.ended_at is None:
            raise Unfit(
                f"contract '{contract}' has not ended: `keiyaku invoice settlement` shows what it would come to"
            )
        if ended.end_cause == "expired":
            raise Unfit(f"contract '{contract}' ended with its term: there is nothing to settle (A9.1)")
        if end_cause not in OURS and end_cause != ended.end_cause:
            raise Unfit(f"contract '{contract}' ended by another cause: {ended.end_cause}, or one of {', '.join(OURS)}")
        found = await settlement_of(conn, str(key.id), end_cause, ended.ended_at)
        if not 0 <= yen <= (most := found.ceiling_yen or 0):
            raise Unfit(f"0 to {most} yen go back under {found.clause} for this cause, not {yen}")
        by = Decided(end_cause, jst_date(ended.ended_at), yen, why, one.id, two.id)
        if not await settlements.insert(conn, key.id, found, by, now):
            raise Unfit(f"contract '{contract}' is settled already: `keiyaku invoice settlements` shows it")
        proof = entry(
            "contract.settled", asked.actor(one), now, contract_id=key.id, rule=found.rule, clause=found.clause,
            second=asked.actor(two), cause=end_cause, outcome=found.outcome, owed_yen=found.owed_yen,
            open_yen=found.open_yen, ceiling_yen=found.ceiling_yen, returned_yen=yen,
        )  # fmt: skip
        await append(conn, proof)
    return found


async def listed(conn: Conn, after: str | None = None, most: int = MOST) -> list[Settled]:
    """Settlements, newest first."""
    return await settlements.settlements(conn, most, after)
