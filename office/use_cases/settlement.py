"""What an early end makes of a contract's fee (Article 9), with the figures of Article 25."""

from datetime import datetime

from contract_gate.articles.article_09_settlement import OURS, Billed, Settlement, settlement
from contract_gate.calendar import jst_date
from office.storage import money_books
from office.use_cases import asked
from office.use_cases.asked import one_of
from sql import Conn

CAUSES = ("cancelled", "rescinded", "revoked", "lapsed", "expired", *OURS)


async def settlement_of(conn: Conn, contract: str, end_cause: str, at: datetime) -> Settlement:
    """The settlement if the contract ends then for that cause; nothing moves. T9-1 to T9-6. Raises Unfit."""
    one_of("cause", end_cause, CAUSES)
    key = await asked.contract(conn, contract)
    found = await money_books.settling(conn, key.id)
    issued_on = jst_date(found.issued_at) if found.issued_at else None
    # what came in counts for fee and tax in the same proportion; the fee is without tax
    received_fee = found.received_yen * found.fee_yen // found.billed_yen if found.billed_yen else 0
    bill = Billed(
        issued_on, found.period_from or issued_on, found.term_months, found.fee_yen, found.billed_yen,
        found.received_yen, received_fee, found.due_on,
    )  # fmt: skip
    return settlement(bill, end_cause, jst_date(at))
