"""Reminders of open invoices: policy, no condition of default; they move no due date (T8-17)."""

from datetime import datetime, timedelta

from contract_gate.calendar import jst_date
from office.storage import money_books
from office.use_cases.notify import notify
from sql import Pool

PAGE = 200
# kind of notice, and how long after the due date: a friendly one before, a plain one once transfers had time to arrive
POLICY = (("payment_reminder", timedelta(days=-7)), ("payment_overdue", timedelta(days=5)))


async def remind(pool: Pool, now: datetime) -> int:
    """How many notices were queued; to the customer, the payer and the dealer (T8-14). Twice is once, on many nodes."""
    sent = 0
    for kind, after in POLICY:
        async with pool.acquire() as conn:
            for bill in await money_books.to_remind(conn, kind, jst_date(now) - after, PAGE):
                async with conn.transaction():
                    if await money_books.reminded(conn, bill.id, kind, now):
                        await notify(
                            conn, kind, now, contract_id=bill.contract_id, invoice=bill.number,
                            open_yen=str(bill.open_yen), due_on=str(bill.due_on),
                        )  # fmt: skip
                        sent += 1
    return sent
