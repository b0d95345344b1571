"""What the books carry over, so that the lists of rests and of earned fees read what is new, not all there ever was."""

from datetime import date, datetime
from uuid import UUID

from office.storage import money_books
from sql import Pool

PAGE = 1000
FEES = 10_000  # a page looks at all that are not carried: few, but for the first time


async def mark_spent(pool: Pool, _now: datetime) -> None:
    """Receipts of which nothing is left are looked for no more (仮受金).

    Page by page, each a short transaction: who pays with a receipt meanwhile is not waited for.
    """
    behind = (date.min, UUID(int=0))
    async with pool.acquire() as conn:
        while True:
            async with conn.transaction():
                held = await money_books.hold_unspent(conn, behind, PAGE)
                await money_books.mark_spent(conn, [receipt for _, receipt in held])
            if len(held) < PAGE:
                return
            behind = held[-1]


async def carry_fees(pool: Pool, _now: datetime) -> None:
    """Fees and credits are added to the sums of their months, each once, whatever crashes."""
    async with pool.acquire() as conn:
        while await money_books.carry(conn, FEES):
            pass
