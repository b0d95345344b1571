"""A bank account closes from a day on: what is due later is overdue by the data of the others (T8-6)."""

from datetime import date, timedelta

import asyncpg
import pytest

from contract_gate.calendar import jst_date
from office.storage import bank as stored
from office.use_cases import bank, bank_desk, payments, sellers
from office.use_cases.asked import NoSuch, Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_coverage import ISSUED, YESTERDAY, gate
from tests.office.use_cases.test_bank_coverage import unpaid as unpaid
from tests.office.use_cases.test_books import START
from tests.office.use_cases.test_sellers import bill, ours, seller

DUE, DAY, TODAY = date(2026, 9, 30), timedelta(days=1), jst_date(NOW)


async def two_accounts(conn: Conn, through: date) -> None:
    """`old` is covered through that day, `new` through yesterday."""
    for handle, last in (("old", through), ("new", YESTERDAY)):
        await bank.open_account(conn, handle, ISSUED, "file", NOW)
        await bank.add_days(conn, handle, ISSUED, last, "file", None, NOW)


async def close(conn: Conn, day: date, handle: str = "old", though_named: bool = False) -> bank.Closed:
    return await bank.close_account(conn, handle, day, "the bank merged", "ann", "bob", NOW, though_named)


@pytest.mark.rule("T8-6", "T8-15")
@pytest.mark.parametrize(
    ("through", "closed_from", "then"),
    [
        pytest.param(DUE - DAY, DUE, "G6", id="T8-6 closed before the last day in time: the other tells"),
        pytest.param(DUE - 9 * DAY, DUE, None, id="T8-6 of its last days nothing is known yet"),
        pytest.param(DUE - DAY, DUE + DAY, None, id="T8-6 the last day in time is awaited"),
    ],
)
async def test_an_account_that_closed_is_awaited_up_to_its_last_day(
    unpaid: Conn, pool: Pool, through: date, closed_from: date, then: str | None
) -> None:
    await two_accounts(unpaid, through)
    revision = "SELECT revision FROM gate.revisions WHERE contract_id = '00000000-0000-0000-0000-000000000000'"
    assert await gate(unpaid) is None  # through its last day not both are covered
    read = await unpaid.fetchval(revision)
    closed = await close(unpaid, closed_from)
    assert (closed.covered_through, closed.open_invoices, closed.virtual_accounts) == (through, 0, 0)
    assert await gate(unpaid) == then
    assert await unpaid.fetchval(revision) != read  # what processes keep of facts is read again
    if then is None:  # its last days come
        await bank.add_days(unpaid, "old", through, closed_from - DAY, "file", None, NOW)
        assert await gate(unpaid) == "G6"
    with pytest.raises(Unfit, match=f"closed from {closed_from}: no day from then on"):
        await bank.add_days(unpaid, "old", closed_from, closed_from, "file", None, NOW)
    async with unpaid.transaction():
        assert await stored.hold_coverage(unpaid) == YESTERDAY  # no alarm for it ever
    assert [(each.handle, each.closed_from) for each in await bank.accounts(unpaid)] == [
        ("new", None), ("old", closed_from),
    ]  # fmt: skip
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'bank.closed'") == 1


@pytest.mark.rule("T8-6")
@pytest.mark.parametrize(
    ("handle", "day", "why"),
    [
        pytest.param("old", DUE, f"covered through {DUE}: it is closed from a later day", id="its data goes on"),
        pytest.param("old", TODAY + 367 * DAY, "up to 366 days ahead", id="far ahead"),
        pytest.param("older", DUE, "no bank account 'older'", id="no account"),
    ],
)
async def test_a_day_that_does_not_fit_closes_nothing(unpaid: Conn, handle: str, day: date, why: str) -> None:
    await two_accounts(unpaid, DUE)
    with pytest.raises(Unfit if handle == "old" else NoSuch, match=why):
        await close(unpaid, day, handle)
    await close(unpaid, DUE + DAY)
    with pytest.raises(Unfit, match="closed from 2026-10-01 already"):
        await close(unpaid, DUE + 2 * DAY)
    with pytest.raises(Unfit, match="the only one that is open"):
        await close(unpaid, TODAY, "new")


async def test_two_people_close_it_even_past_the_program(unpaid: Conn, pool: Pool) -> None:
    await two_accounts(unpaid, DUE)
    with pytest.raises(Unfit, match="two different people"):
        await bank.close_account(unpaid, "old", TODAY, "r", "ann", "ann", NOW)
    alone = """UPDATE gate.bank_accounts SET closed_from = $1, closed_by_first = p.id, closed_by_second = p.id
               FROM gate.persons p WHERE p.handle = 'ann'"""
    for statement in (alone, "UPDATE gate.bank_accounts SET closed_from = $1"):
        with pytest.raises(asyncpg.CheckViolationError, match="closed"):
            await pool.execute(statement, TODAY)


@pytest.mark.rule("T8-5", "T8-6")
async def test_what_is_named_to_be_paid_into_is_named_no_more_first(accepted: Conn, pool: Pool) -> None:
    told = await ours(accepted, pool)
    await bank.open_account(accepted, "new", YESTERDAY, "file", NOW, despite_overdue=True)
    await sellers.set_seller(accepted, seller(told), "ann", "bob", START - DAY)
    await bill(pool)
    with pytest.raises(Unfit, match="invoices to come name 'main'"):
        await close(accepted, TODAY, "main", though_named=True)
    await sellers.set_seller(accepted, seller(), "ann", "bob", NOW - DAY)
    await bank_desk.allocate(accepted, "main", "5550001", "acme", NOW)
    with pytest.raises(Unfit, match=r"1 open invoice.s. and 1 virtual account.s. of contracts name 'main'"):
        await close(accepted, TODAY, "main")
    await bank_desk.release(accepted, "main", "5550001", NOW)
    await payments.record_payment(accepted, "F00000001", payments.Payment(60_500, DUE, "レイ", "f"), NOW)
    closed = await close(accepted, TODAY, "main")
    assert (closed.open_invoices, closed.virtual_accounts) == (0, 0)
    with pytest.raises(Unfit, match="'main' is closed from"):
        await sellers.set_seller(accepted, seller(told), "ann", "bob", NOW)
    with pytest.raises(Unfit, match="no open bank account 'main'"):
        await bank_desk.allocate(accepted, "main", "5550002", "acme", NOW)


async def test_who_says_so_closes_it_though_open_invoices_name_it(accepted: Conn, pool: Pool) -> None:
    told = await ours(accepted, pool)
    await bank.open_account(accepted, "new", YESTERDAY, "file", NOW, despite_overdue=True)
    await sellers.set_seller(accepted, seller(told), "ann", "bob", START - DAY)
    await bill(pool)
    await sellers.set_seller(accepted, seller(), "ann", "bob", NOW - DAY)
    assert (await close(accepted, TODAY, "main", though_named=True)).open_invoices == 1
