"""Invoices, payments and bank days, with what the gate makes of them."""

from datetime import date, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER
from contract_gate.calendar import day_start, jst_date
from office.storage.money import Invoice
from office.use_cases import bank, ending, ledger, payments
from office.use_cases.asked import Unfit
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from sql import Conn
from sql.pool import Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import notices

ISSUED, DUE = date(2026, 8, 10), date(2026, 9, 30)


def money(yen: int) -> payments.Payment:
    return payments.Payment(yen, DUE, "レイ (カ", "2026-09-30.txt, line 4")


async def overdue(conn: Conn) -> Invoice:
    """The contract has a key and an overdue invoice of 60,500 yen; bank data covers it."""
    await new_key(conn, "acme", "l", [], None, None, NOW)
    await bank.open_account(conn, "main", ISSUED, "file", NOW)
    await bank.add_days(conn, "main", ISSUED, date(2026, 11, 21), "file", None, NOW)
    return await payments.add_invoice(conn, "acme", payments.Bill("I-1", "fee", ISSUED, None, 60_500), NOW)


async def blocked(conn: Conn) -> bool:
    said = await explain(conn, "acme", None, ["a.example.jp"], NOW, TLSSERVER)
    assert said.gate in (None, "G6")
    return said.outcome == "refused"


@pytest.mark.rule("T8-2", "T8-15")
async def test_the_payment_that_pays_an_invoice_unblocks_at_once(accepted: Conn) -> None:
    invoice = await overdue(accepted)
    assert (invoice.due_on, invoice.open_yen) == (DUE, 60_500)
    assert await blocked(accepted)
    paid = await payments.record_payment(accepted, "I-1", money(60_500), NOW)
    assert (paid.matched_yen, paid.open_yen) == (60_500, 0)
    assert not await blocked(accepted)
    assert await notices(accepted) == ["payment_unblocked"]


@pytest.mark.parametrize("number", ["=1+1", "+1", "-1", " @SUM(A1)", "\uff1d1"])
async def test_a_number_that_a_spreadsheet_would_compute_is_refused(accepted: Conn, number: str) -> None:
    """The journal goes into one; the same number with a letter before is taken."""
    bill = payments.Bill(number, "fee", ISSUED, None, 1_000)
    with pytest.raises(Unfit, match="begin it otherwise"):
        await payments.add_invoice(accepted, "acme", bill, NOW)
    named = payments.Bill(f"I{number.strip()}", "fee", ISSUED, None, 1_000)
    assert (await payments.add_invoice(accepted, "acme", named, NOW)).open_yen == 1_000


@pytest.mark.rule("T8-5")
async def test_money_that_the_bank_has_tomorrow_pays_nothing_today(accepted: Conn) -> None:
    await overdue(accepted)
    today = jst_date(NOW)
    for day in (today + timedelta(days=1), date(2062, 9, 30)):
        early = payments.Payment(60_500, day, "レイ (カ", "by hand")
        with pytest.raises(Unfit, match="is to come"):
            await payments.record_payment(accepted, "I-1", early, NOW)
        with pytest.raises(Unfit, match="is to come"):
            await payments.record_unexplained(accepted, early, NOW)
    assert (await blocked(accepted), await payments.receipts(accepted)) == (True, [])
    await payments.record_payment(accepted, "I-1", payments.Payment(60_500, today, "レイ (カ", "by hand"), NOW)
    assert not await blocked(accepted)


@pytest.mark.rule("T8-5", "T8-15")
async def test_a_rest_stays_open_and_blocks(accepted: Conn) -> None:
    await overdue(accepted)
    assert (await payments.record_payment(accepted, "I-1", money(60_060), NOW)).open_yen == 440
    assert (await blocked(accepted), await notices(accepted)) == (True, [])
    assert (await payments.record_payment(accepted, "I-1", money(440), NOW)).open_yen == 0
    assert (await blocked(accepted), await notices(accepted)) == (False, ["payment_unblocked"])


@pytest.mark.rule("T8-15", "T8-7")
async def test_who_was_not_blocked_or_is_still_is_not_told_of_an_end(accepted: Conn) -> None:
    await overdue(accepted)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-2", "fee", ISSUED, None, 1_000), NOW)
    await payments.record_payment(accepted, "I-1", money(60_500), NOW)
    assert (await blocked(accepted), await notices(accepted)) == (True, [])
    in_time = payments.Bill("I-3", "fee", date(2026, 11, 1), None, 1_000)
    await payments.add_invoice(accepted, "acme", in_time, NOW)
    await payments.record_payment(accepted, "I-3", money(1_000), NOW)
    assert (await blocked(accepted), await notices(accepted)) == (True, [])
    await ending.cancel(accepted, "acme", "ann", NOW)
    await payments.record_payment(accepted, "I-2", money(1_000), NOW)
    assert "payment_unblocked" not in await notices(accepted)


@pytest.mark.rule("T8-15")
async def test_two_people_who_give_up_a_rest_end_the_block(accepted: Conn) -> None:
    await overdue(accepted)
    await payments.record_payment(accepted, "I-1", money(60_060), NOW)
    await ledger.write_off(accepted, "I-1", "small_difference", "bank charge", "ann", "bob", NOW)
    assert (await blocked(accepted), await notices(accepted)) == (False, ["payment_unblocked"])


@pytest.mark.rule("T8-5")
async def test_a_cancelled_receipt_reopens_what_it_paid(accepted: Conn) -> None:
    await overdue(accepted)
    paid = await payments.record_payment(accepted, "I-1", money(60_500), NOW)
    await payments.cancel(accepted, str(paid.receipt), NOW)
    assert (await payments.invoice(accepted, "I-1")).open_yen == 60_500
    assert await blocked(accepted)
    with pytest.raises(Unfit, match="that counts"):
        await payments.cancel(accepted, str(paid.receipt), NOW)


async def test_what_is_left_of_a_receipt_pays_another_invoice_and_no_more(accepted: Conn) -> None:
    await overdue(accepted)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-2", "fee", ISSUED, None, 100_000), NOW)
    paid = await payments.record_payment(accepted, "I-1", money(70_000), NOW)
    assert (await payments.match(accepted, str(paid.receipt), "I-2", NOW)).open_yen == 90_500
    with pytest.raises(Unfit, match="nothing to match"):
        await payments.match(accepted, str(paid.receipt), "I-2", NOW)
    [receipt] = await payments.receipts(accepted)
    assert (receipt.matched_yen, receipt.invoices) == (70_000, ["I-1", "I-2"])


async def listed(conn: Conn) -> tuple[list[str], list[str]]:
    """Numbers of the invoices in the table of open ones, and of those of which something is open."""
    table = "SELECT i.number FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id ORDER BY 1"
    rest = "SELECT number FROM gate.invoices WHERE open_yen > 0 ORDER BY 1"
    return [r["number"] for r in await conn.fetch(table)], [r["number"] for r in await conn.fetch(rest)]


async def test_open_invoices_are_those_with_a_rest(accepted: Conn) -> None:
    invoice = await overdue(accepted)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-2", "fee", ISSUED, None, 5_000), NOW)
    assert await listed(accepted) == (["I-1", "I-2"], ["I-1", "I-2"])
    part = await payments.record_payment(accepted, "I-1", money(60_000), NOW)
    assert part.open_yen == 500
    assert await listed(accepted) == (["I-1", "I-2"], ["I-1", "I-2"])
    await ledger.write_off(accepted, "I-1", "small_difference", "too small", "ann", "bob", NOW)
    assert await listed(accepted) == (["I-2"], ["I-2"])
    await payments.cancel(accepted, str(part.receipt), NOW)
    assert await listed(accepted) == (["I-1", "I-2"], ["I-1", "I-2"])
    assert (await payments.invoice(accepted, invoice.number)).open_yen == 60_000


async def test_a_payment_makes_no_entry_in_an_index_of_invoices(accepted: Conn) -> None:
    """The paid version stays on its page: an import of many payments takes a sixth longer otherwise."""
    await overdue(accepted)
    async with accepted.transaction():
        await payments.record_payment(accepted, "I-1", money(60_500), NOW)
        counts = "SELECT pg_stat_get_xact_tuples_updated(t), pg_stat_get_xact_tuples_hot_updated(t)"
        changed = await accepted.fetchrow(f"{counts} FROM (SELECT 'gate.invoices'::regclass AS t) AS invoices")
    assert tuple(changed or ()) == (1, 1)  # both beside what they were


@pytest.mark.rule("T8-6")
async def test_coverage_grows_over_days_without_a_gap(operator: Conn) -> None:
    await bank.open_account(operator, "main", date(2026, 4, 26), "file", NOW)
    steps = [
        (27, 27, 27),
        (30, 30, 27),  # 28 and 29 are missing
        (28, 28, 28),
        (29, 29, 30),
        (29, 30, 30),  # again changes nothing
    ]
    for first, last, through in steps:
        done = await bank.add_days(operator, "main", date(2026, 4, first), date(2026, 4, last), "file", None, NOW)
        assert done.covered_through == date(2026, 4, through)
    assert [account.waiting for account in await bank.accounts(operator)] == [0]


@pytest.mark.rule("T8-6")
async def test_a_day_is_covered_when_it_is_over_in_japan(operator: Conn) -> None:
    await bank.open_account(operator, "main", date(2026, 11, 21), "file", NOW)
    day = date(2026, 11, 22)
    with pytest.raises(Unfit, match="not over in Japan"):
        await bank.add_days(operator, "main", day, day, "file", None, day_start(day))
    done = await bank.add_days(operator, "main", day, day, "file", None, day_start(date(2026, 11, 23)))
    assert done.covered_through == day


@pytest.mark.rule("T8-6")
async def test_officers_are_told_once_of_each_day_after_which_bank_data_is_missing(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    async def connect() -> Conn:
        return await asyncpg.connect(postgres.dsn("keiyaku_office", database))

    friday = date(2026, 11, 13)
    await bank.open_account(accepted, "main", friday, "file", NOW)
    async with Pool(connect, 1) as office:
        # the 22nd is a Sunday: the 16th to the 20th are missing; then all but a Friday
        assert [await bank.alarm(office, NOW) for _ in range(2)] == [True, False]
        await bank.add_days(accepted, "main", friday, date(2026, 11, 19), "file", None, NOW)
        assert not await bank.alarm(office, NOW)
        told = [await bank.alarm(office, NOW + timedelta(days=days)) for days in (2, 3, 4)]
    assert told == [False, True, False]
    assert await notices(accepted) == ["bank_data_missing"] * 2
