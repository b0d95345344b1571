"""Reminders of open invoices: policy, no condition of default; they move no due date (T8-17)."""

from datetime import datetime, timedelta
from uuid import UUID

from contract_gate.articles.article_08_payment import blocks
from contract_gate.calendar import jst_date
from contract_gate.storage import facts_of_contracts
from office.storage import money_books, reminders
from office.storage.money_books import Unpaid
from office.storage.reminders import PastDue
from office.use_cases.notify import notify
from sql import Conn, Pool

PAGE = 200
BEFORE = timedelta(days=7)  # a friendly one, before the due date
AFTER = timedelta(days=5)  # a plain one, once transfers had time to arrive


async def remind(pool: Pool, now: datetime) -> int:
    """How many notices were queued; to the customer, the payer and the dealer (T8-14). Twice is once, on many nodes."""
    async with pool.acquire() as conn:
        due = await money_books.to_remind(conn, "payment_reminder", jst_date(now) + BEFORE, PAGE)
        sent = sum([await _told(conn, "payment_reminder", bill, now) for bill in due])
        return sent + await _tell_of_default(conn, now)


async def _tell_of_default(conn: Conn, now: datetime) -> int:
    """Who is told that a fee is overdue and certificates are withheld, hears what the gate says at this moment.

    So nobody hears it of a day that moved to the next bank day (T8-4), before bank data covers it (T8-6), of a tax
    difference (T8-11) or of what a dealer did not remit (T8-16).
    """
    sent, after = 0, UUID(int=0)
    while page := await reminders.fees_past_due(conn, jst_date(now) - AFTER, after, PAGE):
        after = page[-1].id
        known = await facts_of_contracts(conn, [(bill.contract_id, ()) for bill in page], now)
        for bill, loaded in zip(page, known, strict=True):
            if blocks(bill.number, loaded.facts, now):
                sent += await _told(conn, "payment_overdue", bill, now)
    return sent


async def _told(conn: Conn, kind: str, bill: Unpaid | PastDue, now: datetime) -> bool:
    """Whether the notice is this call's; another node may have been first."""
    async with conn.transaction():
        if not await money_books.reminded(conn, bill.id, kind, now):
            return False
        await notify(
            conn, kind, now, contract_id=bill.contract_id, invoice=bill.number, open_yen=str(bill.open_yen),
            due_on=str(bill.due_on),
        )  # fmt: skip
        return True
