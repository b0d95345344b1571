"""Rests of receipts and earned fees are read without history: what is settled is marked, and summed, once."""

import asyncio
from datetime import date
from uuid import UUID

import pytest

from office.storage import money_books
from office.use_cases import carrying, credit_invoices, ledger, payments
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money
from tests.office.use_cases.test_books import office as office

SPENT = "SELECT array_agg(spent ORDER BY amount_yen) FROM gate.receipts"
UNCARRIED = """SELECT (SELECT count(*) FROM office.invoice_papers WHERE NOT carried)
    + (SELECT count(*) FROM office.adjustments WHERE NOT carried)"""


@pytest.mark.rule("T8-5")
async def test_a_receipt_of_which_nothing_is_left_is_looked_for_no_more_until_something_is(
    billed: Conn, pool: Pool, office: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "PAGE", 1)
    paid = await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    other = str(await payments.record_unexplained(billed, money(500), NOW))
    for _ in range(2):  # whoever runs it again finds nothing to do
        await carrying.mark_spent(office, NOW)
        assert await pool.fetchval(SPENT) == [False, True]
        assert [str(row.id) for row in await ledger.suspense(billed)] == [other]
    await ledger.unmatch(billed, str(paid.receipt), "F00000001", "ann", NOW)
    assert await pool.fetchval(SPENT) == [False, False]
    assert sorted(row.rest_yen for row in await ledger.suspense(billed)) == [500, 60_500]
    await ledger.refund(billed, other, 500, "overpaid", "ann", "bob", NOW)
    await carrying.mark_spent(office, NOW)
    assert await pool.fetchval(SPENT) == [True, False]
    await payments.cancel(billed, other, NOW)  # and now the bank takes back what was sent back
    assert sorted(row.rest_yen for row in await ledger.suspense(billed)) == [-500, 60_500]


@pytest.mark.rule("T8-5")
async def test_what_is_matched_back_at_the_same_moment_is_left_all_the_same(
    billed: Conn, pool: Pool, office: Pool
) -> None:
    """The mark waits for nobody; who matches back while it is set takes it back after it."""
    paid = await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    async with office.acquire() as conn, conn.transaction():
        held = await money_books.hold_unspent(conn, (date.min, UUID(int=0)), 9)
        await money_books.mark_spent(conn, [receipt for _, receipt in held])
        undone = asyncio.create_task(ledger.unmatch(billed, str(paid.receipt), "F00000001", "ann", NOW))
        await until_it_waits(pool, undone)
    await undone
    assert await pool.fetchval(SPENT) == [False]
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("UPDATE gate.receipts SET remitter = remitter")  # somebody holds it
        await carrying.mark_spent(office, NOW)
    assert await pool.fetchval(SPENT) == [False]


async def until_it_waits(pool: Pool, task: "asyncio.Task[int]") -> None:
    """It waits for a lock of another, or has ended."""
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
    )
    while not task.done() and not await pool.fetchval(waiting):
        pass


@pytest.mark.rule("T8-9")
async def test_fees_and_credits_are_summed_once_whoever_runs_beside(
    billed: Conn, pool: Pool, office: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    await ledger.write_off(billed, "F00000001", "write_off", "r", "ann", "bob", NOW)
    before = await ledger.deferred(billed)
    assert await pool.fetchval(UNCARRIED) == 3
    monkeypatch.setattr(carrying, "FEES", 1)
    await asyncio.gather(*(carrying.carry_fees(office, NOW) for _ in range(3)))
    assert await pool.fetchval(UNCARRIED) == 0
    assert await ledger.deferred(billed) == before
    assert before[-1].deferred_yen == 0
    await carrying.carry_fees(office, NOW)
    assert await ledger.deferred(billed) == before
