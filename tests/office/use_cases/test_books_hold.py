"""Whatever accountants do one after another, the books agree with what is open, unexplained and left to earn."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from office.storage import bank_files
from office.use_cases import carrying, credit_invoices, invoices, ledger, payments
from office.use_cases.asked import Unfit
from office.use_cases.bank_booking import Tally
from office.use_cases.ledger import Deferred
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import YEN, YESTERDAY, file_of, imported, ready
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_dealers import dealt as dealt
from tests.simulators.bank_files import Credit

FEE = "F00000001"
ALL = (date(2026, 1, 1), date(2028, 12, 31))


async def balances(conn: Conn) -> Counter[str]:
    """Debit less credit of each account, by the journal."""
    sums: Counter[str] = Counter()
    for entered in await ledger.journal(conn, *ALL):
        sums[entered.debit] += entered.yen
        sums[entered.credit] -= entered.yen
    return sums


async def check(conn: Conn) -> None:
    """The journal agrees with every list that people see."""
    sums = await balances(conn)
    assert sum(sums.values()) == 0
    assert sums["receivable"] == await conn.fetchval("SELECT sum(open_yen) FROM gate.invoices")
    assert sums["suspense"] == -sum(row.rest_yen for row in await ledger.suspense(conn))
    by_hand = "SELECT sum(total_yen) FROM gate.invoices WHERE kind = 'fee' AND number NOT LIKE 'F%'"
    assert sums["consumption_tax"] <= 0
    owed = "SELECT FROM office.adjustments WHERE kind <> 'credit' GROUP BY invoice_id"
    assert not await conn.fetch(owed + " HAVING sum(amount_yen) = 0 AND sum(tax_yen) <> 0 OR sum(tax_yen) < 0")
    schedule = await ledger.deferred(conn)
    left = sum(row.earned_yen for row in schedule) + (await conn.fetchval(by_hand) or 0)
    assert sums["deferred_revenue"] == -left
    assert schedule[-1].deferred_yen == 0


class Desk:
    """Accountants who decide one thing an hour; `receipts` by the letter that steps call them."""

    def __init__(self, conn: Conn) -> None:
        self.conn, self.at = conn, NOW
        self.receipts: dict[str, str] = {}

    async def step(self, said: str) -> None:
        what, *told = said.split()
        self.at += timedelta(hours=1)
        conn, at, by = self.conn, self.at, ("reason", "ann", "bob")
        match what, told:
            case "receive", [name, yen]:
                payment = payments.Payment(int(yen), at.date(), "REI", "by hand")
                self.receipts[name] = str(await payments.record_unexplained(conn, payment, at))
            case "match", [name, number]:
                await payments.match(conn, self.receipts[name], number, at)
            case "unmatch", [name, number]:
                await ledger.unmatch(conn, self.receipts[name], number, "ann", at)
            case "cancel", [name]:
                await payments.cancel(conn, self.receipts[name], at)
            case "refund", [name, yen]:
                await ledger.refund(conn, self.receipts[name], int(yen), *by, at)
            case "credit", [number, yen, *of]:
                rate = 1200 if number.startswith("D") else 1000
                receipt = self.receipts[of[0]] if of else None
                await credit_invoices.credit(conn, number, int(yen), rate, receipt, *by, at)
            case "recover", [name, number]:
                await ledger.recover(conn, self.receipts[name], number, *by, at)
            case "write_off", [number]:
                await ledger.write_off(conn, number, "write_off", *by, at)
            case _:
                raise AssertionError(said)


@pytest.mark.parametrize(
    ("steps", "still_open", "rests"),
    [
        pytest.param(
            ["receive a 100000", f"match a {FEE}", "match a I-2", f"credit {FEE} 5500 a", f"unmatch a {FEE}"],
            60_500 - 5_500 + 60_500, [55_000], id="refund of a receipt that pays two",
        ),
        pytest.param(
            ["receive a 70000", f"match a {FEE}", "refund a 9500", "cancel a"], 160_500, [-9_500],
            id="a rest sent back, and then the bank takes all back",
        ),
        pytest.param(
            ["receive a 60500", f"match a {FEE}", f"credit {FEE} 60500 a", "cancel a"], 100_000, [-60_500],
            id="all sent back by a credit, and then the bank takes it back",
        ),
        pytest.param(
            ["receive a 30000", "receive b 30500", f"match a {FEE}", f"match b {FEE}", f"credit {FEE} 30000 a",
             f"credit {FEE} 30500 b"], 100_000, [], id="two receipts, two credits",
        ),
        pytest.param(
            ["receive a 30000", f"match a {FEE}", "cancel a", "receive b 60500", f"match b {FEE}"], 100_000, [],
            id="a part paid, taken back, paid again",
        ),
        pytest.param(
            ["receive a 60060", f"match a {FEE}", f"write_off {FEE}", f"unmatch a {FEE}", "cancel a"], 160_060, [],
            id="a rest given up, the payment taken back",
        ),
        pytest.param(
            [f"credit {FEE} 20000", f"credit {FEE} 40500", "receive a 50000", "match a I-2", "refund a 1"], 50_000,
            None, id="a refused refund moves nothing",
        ),
        pytest.param(
            [f"write_off {FEE}", "receive a 40500", f"recover a {FEE}", "receive b 30000", f"recover b {FEE}"],
            100_000, [10_000], id="a debt given up is paid in two parts, and more",
        ),
        pytest.param(
            [f"write_off {FEE}", "receive a 60500", f"recover a {FEE}", f"unmatch a {FEE}", f"write_off {FEE}",
             f"recover a {FEE}", "cancel a"], 160_500, [],
            id="recorded in error, given up anew, paid all the same; then the bank takes it back",
        ),
        pytest.param(
            [f"credit {FEE} 20000", f"write_off {FEE}", "receive a 60500", f"recover a {FEE}"], 100_000, [20_000],
            id="a part credited, the rest given up and paid",
        ),
        pytest.param(["receive a 641", "match a D00000001", "credit D00000001 641 a"], 160_500, [], id="a difference"),
        pytest.param(
            ["receive a 300", "match a D00000001", "write_off D00000001", "receive b 341", "recover b D00000001"],
            160_500, [], id="what is left of a difference is given up, and paid",
        ),
    ],
)  # fmt: skip
async def test_the_books_hold(
    billed: Conn, pool: Pool, steps: list[str], still_open: int, rests: list[int] | None
) -> None:
    await payments.add_invoice(billed, "acme", payments.Bill("I-2", "fee", date(2026, 11, 1), None, 100_000), NOW)
    if any("D00000001" in step for step in steps):
        await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', 1200)")
        await invoices.claim_differences(pool, NOW)
    desk = Desk(billed)
    for number, step in enumerate(steps[:-1]):
        await desk.step(step)
        await check(billed)
        if number % 2:  # what was carried over, and what was not, is one whole
            await carrying.mark_spent(pool, NOW)
            await carrying.carry_fees(pool, NOW)
            await check(billed)
    if rests is None:
        with pytest.raises(Unfit, match="has no 1 yen left"):
            await desk.step(steps[-1])
    else:
        await desk.step(steps[-1])
    await check(billed)
    await carrying.mark_spent(pool, NOW)
    await carrying.carry_fees(pool, NOW)
    await check(billed)
    assert await billed.fetchval("SELECT sum(open_yen) FROM gate.invoices") == still_open
    assert [row.rest_yen for row in await ledger.suspense(billed)] == (rests or [])


async def test_what_comes_after_a_close_changes_no_closed_month(billed: Conn) -> None:
    """Matched and unmatched, credited, cancelled: journal and earned fees of closed months stay what they were."""
    desk = Desk(billed)
    desk.at = datetime(2026, 10, 5, tzinfo=UTC)
    for step in ("receive a 60500", f"match a {FEE}"):
        await desk.step(step)
    await ledger.close(billed, date(2026, 10, 1), "ann", NOW)

    async def closed() -> tuple[object, list[Deferred]]:
        months = [row for row in await ledger.deferred(billed) if row.month <= date(2026, 10, 1)]
        return await ledger.journal(billed, ALL[0], date(2026, 10, 31)), months

    before = await closed()
    assert [row.earned_yen for row in before[1]] == [0] + [4_583] * 7
    desk.at = NOW
    for step in (f"unmatch a {FEE}", f"match a {FEE}", f"credit {FEE} 60500 a", "cancel a"):
        await desk.step(step)
        assert await closed() == before
        await check(billed)
    [november] = [row for row in await ledger.deferred(billed) if row.month == date(2026, 11, 1)]
    assert (november.earned_yen, november.deferred_yen) == (-7 * 4_583, 0)


async def test_no_month_is_closed_while_a_bank_file_is_booked(accepted: Conn, pool: Pool) -> None:
    async with pool.acquire() as importing:
        assert await bank_files.take_import(importing) == "taken"
        with pytest.raises(Unfit, match="being booked"):
            await ledger.close(accepted, date(2026, 10, 1), "ann", NOW)
        await importing.execute("SELECT pg_advisory_unlock(7201, 0)")
    await ledger.close(accepted, date(2026, 10, 1), "ann", NOW)


async def test_what_meets_the_close_of_a_month_says_so(accepted: Conn, pool: Pool, tmp_path: Path) -> None:
    """An import is refused in words of its own; another close waits for the first one's end. Afterwards both go on."""
    await ready(accepted)
    october = date(2026, 10, 1)
    async with pool.acquire() as closing, pool.acquire() as other:
        async with closing.transaction():
            await ledger.close(closing, october, "ann", NOW)
            with pytest.raises(Unfit, match="a month is being closed"):
                await imported(accepted, tmp_path, file_of(Credit(YEN)))
            again = asyncio.create_task(ledger.close(other, october, "ann", NOW))
            while not await pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                assert not again.done()
        with pytest.raises(Unfit, match="closed already"):
            await again
    assert (await imported(accepted, tmp_path, file_of(Credit(YEN)))).tally == Tally(waiting=1)


@pytest.mark.parametrize("first", ["close", "receipt"])
async def test_a_month_that_is_closed_at_the_same_moment_never_changes(accepted: Conn, pool: Pool, first: str) -> None:
    """Either the closed month has the money from the beginning, or the month that is open then has it."""
    april, may = (date(2026, 4, 1), date(2026, 4, 30)), (date(2026, 5, 1), date(2026, 5, 1))
    money = payments.Payment(500, date(2026, 4, 30), "REI", "passbook")
    before, later = NOW, NOW + timedelta(seconds=1)
    async with pool.acquire() as closing:
        deeds = {
            "receipt": lambda: payments.record_unexplained(accepted, money, before),
            "close": lambda: ledger.close(closing, april[0], "ann", later),
        }
        held = accepted if first == "receipt" else closing
        async with held.transaction():
            await deeds.pop(first)()
            [(_, other)] = deeds.items()
            waiting = asyncio.create_task(other())
            while not await pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                assert not waiting.done()
        await waiting
    held_by = april if first == "receipt" else may
    for days in (april, may):
        assert [each.yen for each in await ledger.journal(accepted, *days)] == ([500] if days == held_by else [])


@pytest.mark.rule("T8-16")
@pytest.mark.parametrize(("fee_yen", "tally"), [(55_000, Tally(matched=1)), (60_500, Tally(waiting=1))])
async def test_a_dealers_sum_pays_what_a_credit_left(
    billed: Conn, dealt: Conn, tmp_path: Path, fee_yen: int, tally: Tally
) -> None:
    """The dealer collects the fee too, of which 5,500 yen were credited: its one sum is that of what is open."""
    await credit_invoices.credit(billed, FEE, 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    sent = Credit(fee_yen + YEN + 1_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY)
    assert (await imported(dealt, tmp_path, file_of(sent))).tally == tally
    await check(dealt)
