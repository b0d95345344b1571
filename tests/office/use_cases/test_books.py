"""What accountants decide, and the books that follow."""

import csv
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER
from office.use_cases import (
    application,
    bank,
    credit_invoices,
    invoices,
    ledger,
    payments,
    readings,
    screening,
)
from office.use_cases.asked import Unfit
from office.use_cases.forecast import forecast
from office.use_cases.keys import new_key
from office.use_cases.reminders import remind
from office.use_cases.settlement import settlement_of
from sql import Conn, Pool
from tests.conftest import NOW

START = datetime(2026, 3, 10, 1, tzinfo=UTC)  # 10:00 in Japan
DUE = date(2026, 4, 30)
DRAFT = """
INSERT INTO gate.bill_drafts (contract_id, signed_on, due_on, period_from, period_end, rates, months, bases, taxes)
SELECT id, '2026-03-10', '2026-04-30', '2026-03-10', '2027-03-10', '{1000}', '{12}', '{55000}', '{5500}'
FROM gate.contracts WHERE handle = 'acme'
"""


@pytest.fixture
async def billed(accepted: Conn, pool: Pool) -> Conn:
    """The contract began on 2026-03-10: its invoice F00000001 over 60,500 yen is due on 2026-04-30."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", START)
    await pool.execute(DRAFT)
    contract = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    await pool.execute("INSERT INTO gate.contract_starts VALUES ($1, $1, $2)", contract, START)
    await pool.execute("SELECT gate.bill_start($1, $2)", contract, START)
    return accepted


def money(yen: int, remitter: str = "レイ") -> payments.Payment:
    return payments.Payment(yen, DUE, remitter, "2026-04-30.txt, line 4")


async def open_yen(conn: Conn) -> int:
    return (await payments.invoice(conn, "F00000001")).open_yen


async def test_the_paper_reads_as_a_qualified_invoice(billed: Conn) -> None:
    page = await invoices.page(billed, "F00000001")
    for told in (
        "<h1>請求書",
        "株式会社 例 御中",
        "2026-04-30",
        "60,500",
        "10 %",
        "55,000",
        "5,500",
        "2027-03-09",
        "acme",
    ):
        assert told in page
    assert "適格" not in page  # without an issuer's number it is none
    assert "お振込先" not in page
    paper = await invoices.paper(billed, "F00000001")
    assert (paper.due_on, paper.months, paper.registration_number) == (DUE, [12], None)
    await payments.add_invoice(billed, "acme", payments.Bill("I-1", "fee", DUE, None, 5), NOW)
    with pytest.raises(Unfit, match="by hand"):
        await invoices.paper(billed, "I-1")


async def test_a_number_of_the_books_cannot_be_taken_by_hand(accepted: Conn) -> None:
    with pytest.raises(Unfit, match="the books give themselves"):
        await payments.add_invoice(accepted, "acme", payments.Bill("F00000002", "fee", DUE, None, 5), NOW)


@pytest.mark.rule("T8-5", "T13-1")
async def test_unexplained_money_is_matched_later_and_unmatched_again(billed: Conn) -> None:
    receipt = str(await payments.record_unexplained(billed, money(70_000, "シラナイヒト"), NOW))
    assert [row.rest_yen for row in await ledger.suspense(billed)] == [70_000]
    await payments.match(billed, receipt, "F00000001", NOW)
    assert await open_yen(billed) == 0
    assert [row.rest_yen for row in await ledger.suspense(billed)] == [9_500]
    await ledger.unmatch(billed, receipt, "F00000001", "ann", NOW)
    assert await open_yen(billed) == 60_500
    with pytest.raises(Unfit, match="pays nothing"):
        await ledger.unmatch(billed, receipt, "F00000001", "ann", NOW)


async def test_what_was_paid_twice_goes_back_once(billed: Conn) -> None:
    await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    again = str(await payments.record_unexplained(billed, money(60_500), NOW))
    with pytest.raises(Unfit, match="two different people"):
        await ledger.refund(billed, again, 60_500, "paid twice", "ann", "ann", NOW)
    with pytest.raises(Unfit, match="has no 60501 yen left"):
        await ledger.refund(billed, again, 60_501, "paid twice", "ann", "bob", NOW)
    await ledger.refund(billed, again, 60_500, "paid twice", "ann", "bob", NOW)
    assert not await ledger.suspense(billed)
    with pytest.raises(Unfit, match="has no 1 yen left"):
        await ledger.refund(billed, again, 1, "paid twice", "ann", "bob", NOW)


async def test_a_credit_with_refund_leaves_the_invoice_paid(billed: Conn) -> None:
    paid = await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    with pytest.raises(Unfit, match="name the receipt"):
        await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    with pytest.raises(Unfit, match="1 to 60500 yen"):
        await credit_invoices.credit(billed, "F00000001", 60_501, 1000, str(paid.receipt), "agreed", "ann", "bob", NOW)
    made = await credit_invoices.credit(
        billed, "F00000001", 5_500, 1000, str(paid.receipt), "agreed", "ann", "bob", NOW
    )
    assert made.number == "C00000001"
    assert await open_yen(billed) == 0
    assert not await ledger.suspense(billed)


@pytest.mark.rule("T8-15")
async def test_a_small_rest_waits_for_two_people(billed: Conn) -> None:
    await payments.record_payment(billed, "F00000001", money(60_060), NOW)
    assert [row.open_yen for row in await ledger.small_rests(billed, NOW)] == [440]
    await ledger.write_off(billed, "F00000001", "small_difference", "bank charge", "ann", "bob", NOW)
    assert await open_yen(billed) == 0
    assert not await ledger.small_rests(billed, NOW)


@pytest.mark.rule("T8-15")
async def test_a_larger_rest_is_no_small_difference(billed: Conn) -> None:
    with pytest.raises(Unfit, match="1 to 1000 yen"):
        await ledger.write_off(billed, "F00000001", "small_difference", "r", "ann", "bob", NOW)
    assert await ledger.write_off(billed, "F00000001", "write_off", "bankrupt", "ann", "bob", NOW) == 60_500


@pytest.mark.rule("T8-5", "T8-15")
async def test_what_was_given_up_and_is_paid_after_all_is_earned_again(billed: Conn) -> None:
    both = ("paid by the receiver", "ann", "bob", NOW)
    receipt = str(await payments.record_unexplained(billed, money(60_500), NOW))
    with pytest.raises(Unfit, match="is open"):
        await ledger.recover(billed, receipt, "F00000001", *both)
    await ledger.write_off(billed, "F00000001", "write_off", "bankrupt", "ann", "bob", NOW)
    with pytest.raises(Unfit, match="`keiyaku payment recover`"):
        await payments.match(billed, receipt, "F00000001", NOW)
    with pytest.raises(Unfit, match="two different people"):
        await ledger.recover(billed, receipt, "F00000001", "r", "ann", "ann", NOW)
    gone = str(await payments.record_unexplained(billed, money(60_500), NOW))
    await payments.cancel(billed, gone, NOW)
    with pytest.raises(Unfit, match="has nothing left"):
        await ledger.recover(billed, gone, "F00000001", *both)
    told = await billed.fetchval("SELECT count(*) FROM office.notices")
    assert await ledger.recover(billed, receipt, "F00000001", *both) == 60_500
    assert (await open_yen(billed), await ledger.suspense(billed)) == (0, [])
    posted = {(row.debit, row.credit, row.yen) for row in await ledger.journal(billed, NOW.date(), NOW.date())}
    assert posted == {
        ("bad_debt", "receivable", 55_000), ("consumption_tax", "receivable", 5_500),
        ("suspense", "bank", 60_500), ("suspense", "receivable", 60_500),
        ("receivable", "bad_debt_recovered", 55_000), ("receivable", "consumption_tax", 5_500),
    }  # fmt: skip
    assert await billed.fetchval("SELECT count(*) FROM office.notices") == told
    with pytest.raises(Unfit, match="nothing of 'F00000001' is written off"):
        await ledger.recover(billed, receipt, "F00000001", *both)


async def taxes(conn: Conn) -> list[tuple[str, int, int]]:
    """Yen and the tax in them, of what was written off and owed again."""
    rows = await conn.fetch("SELECT kind, amount_yen, tax_yen FROM office.adjustments ORDER BY decided_at, id")
    return [(row["kind"], row["amount_yen"], row["tax_yen"]) for row in rows]


@pytest.mark.rule("T8-5", "T8-10", "T8-15")
async def test_the_tax_in_a_bad_debt_is_taken_back_and_owed_again_as_it_is_paid(billed: Conn) -> None:
    """消費税法39条1項 and 3項; 60,500 yen of which 5,500 are tax, and 500 of them paid."""
    await payments.record_payment(billed, "F00000001", money(500), NOW)
    await ledger.write_off(billed, "F00000001", "write_off", "bankrupt", "ann", "bob", NOW)
    expected = [("write_off", 60_000, 5_454)]
    for minutes, yen, tax in ((1, 10_001, 909), (2, 10, 0), (3, 49_989, 4_545)):  # the last takes what is left
        at = NOW + timedelta(minutes=minutes)
        receipt = str(await payments.record_unexplained(billed, money(yen), at))
        await ledger.recover(billed, receipt, "F00000001", "paid", "ann", "bob", at)
        expected.append(("recovery", -yen, -tax))
        assert await taxes(billed) == expected
    posted = await ledger.journal(billed, NOW.date(), NOW.date())
    owed = [(row.debit, row.credit, row.yen) for row in posted if "consumption_tax" in (row.debit, row.credit)]
    assert owed == [
        ("consumption_tax", "receivable", 5_454), ("receivable", "consumption_tax", 909),
        ("receivable", "consumption_tax", 4_545),
    ]  # fmt: skip
    proofs = await billed.fetch("SELECT content FROM evidence.records WHERE kind = 'invoice.recovered' ORDER BY id")
    assert b'"tax_yen":909' in proofs[0]["content"]


@pytest.mark.rule("T8-10")
async def test_what_is_given_up_twice_has_no_more_tax_than_the_invoice(billed: Conn) -> None:
    """Rounded up, 2,750 and 2,751 yen would be a yen more."""
    early = START - timedelta(days=1)
    await readings.set_reading(billed, "money.rounding", "ceiling", early, "ann", "bob", early)
    receipt = str((await payments.record_payment(billed, "F00000001", money(30_251), NOW)).receipt)
    await ledger.write_off(billed, "F00000001", "write_off", "r", "ann", "bob", NOW)
    await ledger.unmatch(billed, receipt, "F00000001", "ann", NOW)
    await ledger.write_off(billed, "F00000001", "write_off", "r", "ann", "bob", NOW + timedelta(minutes=1))
    assert await taxes(billed) == [("write_off", 30_249, 2_750), ("write_off", 30_251, 2_750)]


@pytest.mark.rule("T8-15")
@pytest.mark.parametrize("number", ["I-1", "F00000001"])
async def test_no_tax_is_split_where_none_is_known_or_nothing_is_a_bad_debt(billed: Conn, number: str) -> None:
    """An invoice recorded by hand has no lines; a small difference is a bank charge that the CA bears."""
    await payments.add_invoice(billed, "acme", payments.Bill("I-1", "fee", DUE, None, 60_500), NOW)
    await payments.record_payment(billed, number, money(59_500), NOW)
    kind = "write_off" if number == "I-1" else "small_difference"
    await ledger.write_off(billed, number, kind, "r", "ann", "bob", NOW)
    assert await taxes(billed) == [(kind, 1_000, 0)]


@pytest.mark.rule("T8-10")
async def test_what_credits_left_of_an_invoice_is_written_off_with_all_its_tax(billed: Conn) -> None:
    await credit_invoices.credit(billed, "F00000001", 5_501, 1000, None, "agreed", "ann", "bob", NOW)
    await ledger.write_off(billed, "F00000001", "write_off", "r", "ann", "bob", NOW + timedelta(hours=1))
    assert await taxes(billed) == [("credit", 5_501, 500), ("write_off", 54_999, 5_000)]


@pytest.mark.rule("T8-11", "T8-8")
async def test_a_rate_that_comes_later_is_claimed_once(billed: Conn, pool: Pool) -> None:
    assert await invoices.claim_differences(pool, NOW) == []
    await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', 1200)")
    (made,) = await invoices.claim_differences(pool, NOW)
    assert (made.original, made.difference_yen, made.invoice) == ("F00000001", 641, "D00000001")
    queued = await pool.fetch("SELECT content FROM evidence.records WHERE kind = 'notice.queued'")
    assert any(b'"notice_kind": "difference_invoice_issued"' in row["content"] for row in queued)
    assert await invoices.claim_differences(pool, NOW) == []
    paper = await invoices.paper(billed, "D00000001")
    assert (paper.original_number, paper.total_yen, paper.due_on) == ("F00000001", 641, date(2026, 12, 31))
    assert (paper.rates, paper.bases, paper.taxes) == ([1000, 1200], [22_916, 32_084], [2_291, 3_850])
    page = await invoices.page(billed, "D00000001")
    for told in ("<h1>修正請求書", "F00000001", "10 %", "2,291", "12 %", "3,850", "61,141", "60,500", "641"):
        assert told in page, told


@pytest.mark.rule("T8-16")
async def test_under_a_dealer_only_its_statement_blocks(billed: Conn, pool: Pool) -> None:
    await pool.execute("UPDATE gate.invoices SET dealer = 'Dealer KK'")
    await covered(billed)
    assert not [row async for row in forecast(billed, NOW, NOW, TLSSERVER)]
    await ledger.state_default(billed, "F00000001", "letter of 2026-11-20", "ann", NOW)
    assert [row.gate async for row in forecast(billed, NOW, NOW, TLSSERVER)] == ["G6"]
    with pytest.raises(Unfit, match="recorded already"):
        await ledger.state_default(billed, "F00000001", "letter", "ann", NOW)


async def covered(conn: Conn) -> None:
    await new_key(conn, "acme", "l", [], None, None, NOW)
    await bank.open_account(conn, "main", date(2026, 3, 1), "file", NOW)


@pytest.mark.rule("T8-15")
async def test_a_forecast_names_who_will_be_blocked_if_nobody_pays(billed: Conn) -> None:
    await covered(billed)
    assert [(row.contract, row.gate) async for row in forecast(billed, NOW, NOW, TLSSERVER)] == [("acme", "G6")]
    await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    assert not [row async for row in forecast(billed, NOW, NOW, TLSSERVER)]
    ended = [row async for row in forecast(billed, datetime(2027, 3, 10, tzinfo=UTC), NOW, TLSSERVER)]
    assert [(row.contract, row.gate) for row in ended] == [("acme", "G1")]
    with pytest.raises(Unfit, match="looks ahead"):
        assert not [row async for row in forecast(billed, NOW - timedelta(days=1), NOW, TLSSERVER)]


@pytest.mark.rule("T9-1", "T9-5")
async def test_the_settlement_of_a_contract(billed: Conn) -> None:
    end = await settlement_of(billed, "acme", "cancelled", NOW)
    assert (end.outcome, end.open_yen, end.due_on) == ("whole_fee_owed", 60_500, DUE)
    await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    service = await settlement_of(billed, "acme", "service_ended", datetime(2026, 8, 25, tzinfo=UTC))
    assert (service.outcome, service.ceiling_yen) == ("proposal", 27_500)


async def test_the_journal_balances_and_a_closed_month_never_changes(billed: Conn) -> None:
    october, november = (date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2026, 11, 30))
    early = datetime(2026, 10, 5, tzinfo=UTC)
    paid = await payments.record_payment(
        billed, "F00000001", payments.Payment(60_500, date(2026, 10, 2), "R", "f"), early
    )
    before = await ledger.journal(billed, *october)
    assert {(row.kind, row.yen) for row in before} == {("receipt", 60_500), ("match", 60_500)}
    with pytest.raises(Unfit, match="a month that is over"):
        await ledger.close(billed, date(2026, 11, 1), "ann", NOW)
    await ledger.close(billed, date(2026, 10, 1), "ann", NOW)
    await payments.cancel(billed, str(paid.receipt), NOW)
    late = payments.Payment(60_500, date(2026, 10, 30), "R", "f")
    await payments.record_payment(billed, "F00000001", late, NOW)
    assert await ledger.journal(billed, *october) == before
    assert "receipt" in {row.kind for row in await ledger.journal(billed, *november)}
    rows = list(csv.DictReader(StringIO(ledger.as_csv(await ledger.journal(billed, date(2026, 1, 1), NOW.date())))))
    assert sum(int(row["debit_yen"]) for row in rows) == sum(int(row["credit_yen"]) for row in rows) > 0
    balance = sum((int(r["debit_yen"]) - int(r["credit_yen"])) for r in rows if r["account"] == "receivable")
    assert balance == await open_yen(billed) == 0


@pytest.mark.rule("T8-9")
async def test_fees_are_earned_month_by_month(billed: Conn) -> None:
    rows = await ledger.deferred(billed)
    assert (rows[0].month, rows[0].earned_yen, rows[0].deferred_yen) == (date(2026, 3, 1), 0, 55_000)
    assert (rows[1].month, rows[1].earned_yen, rows[1].deferred_yen) == (date(2026, 4, 1), 4_583, 50_417)
    assert (rows[-1].month, rows[-1].earned_yen, rows[-1].deferred_yen) == (date(2027, 3, 1), 4_587, 0)


async def test_open_invoices_by_age(billed: Conn) -> None:
    (row,) = await ledger.ageing(billed, date(2026, 5, 10))
    assert (row.days, row.number, row.open_yen, row.customer) == (10, "F00000001", 60_500, "kaisha")


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    """A pool as the office's daily jobs have it."""
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


async def told_by_bank(conn: Conn) -> None:
    """Bank data tells every day until the fee was due."""
    await bank.open_account(conn, "main", START.date(), "file", NOW)
    await bank.add_days(conn, "main", START.date(), DUE, "file", None, NOW)


@pytest.mark.rule("T8-17")
async def test_reminders_are_sent_once_and_move_no_due_date(billed: Conn, office: Pool) -> None:
    early = datetime(2026, 9, 1, tzinfo=UTC)  # partitions of the evidence begin in August
    await told_by_bank(billed)
    assert await remind(office, early) == 2
    assert await remind(office, early) == 0
    assert (await payments.invoice(billed, "F00000001")).due_on == DUE
    kinds = await billed.fetch("SELECT kind FROM office.notices WHERE kind LIKE 'payment_%' ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["payment_overdue", "payment_reminder"]


@pytest.mark.rule("T8-5", "T8-17")
@pytest.mark.parametrize(("paid_yen", "reminders"), [(60_060, 0), (60_059, 2)])
async def test_who_paid_up_to_the_tolerance_is_not_reminded(
    billed: Conn, office: Pool, paid_yen: int, reminders: int
) -> None:
    for value, at in (("440", START - timedelta(days=1)), ("0", START + timedelta(days=1))):
        await readings.set_reading(billed, "payment.tolerance", value, at, "ann", "bob", at)
    await told_by_bank(billed)
    await payments.record_payment(billed, "F00000001", money(paid_yen), NOW)
    assert await remind(office, NOW) == reminders


@pytest.mark.rule("T8-11")
async def test_the_daily_job_may_claim_differences(billed: Conn, office: Pool, pool: Pool) -> None:
    await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', 1200)")
    assert [row.invoice for row in await invoices.claim_differences(office, NOW)] == ["D00000001"]


@pytest.mark.rule("T8-14", "T13-1")
async def test_a_payer_of_the_application_is_screened_and_the_customer_stays_the_buyer(
    reviewed: Conn, pool: Pool
) -> None:
    await application.state(reviewed, "acme", application.Stated("例 太郎", "ann", payer="親会社 株式会社"), NOW)
    [screened] = [row for row in await screening.listed(reviewed, "acme", pending=True) if row.role == "payer"]
    assert screened.subject == "親会社 株式会社"
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", START)
    await pool.execute(DRAFT)
    await pool.execute("SELECT gate.bill_start((SELECT id FROM gate.contracts WHERE handle = 'acme'), $1)", START)
    page = await invoices.page(reviewed, "F00000001")
    assert "株式会社 例 御中" in page
    assert "支払者" in page
    assert "親会社 株式会社" in page


@pytest.mark.rule("T8-14")
async def test_the_payer_is_named_where_a_reading_says_so(reviewed: Conn, pool: Pool) -> None:
    await application.state(reviewed, "acme", application.Stated("例 太郎", "ann", payer="親会社 株式会社"), NOW)
    with pytest.raises(Unfit, match="cannot be 'dealer'"):
        await readings.set_reading(reviewed, "invoice.names", "dealer", NOW, "ann", "bob", NOW)
    await readings.set_reading(reviewed, "invoice.names", "payer", NOW, "ann", "bob", NOW)
    await pool.execute(DRAFT)
    bill = "SELECT gate.issue_invoice(d.contract_id, 'fee', d.signed_on, NULL, d, $1) FROM gate.bill_drafts d"
    for at in (NOW - timedelta(seconds=1), NOW):
        await pool.execute(bill, at)
    assert "株式会社 例 御中" in await invoices.page(reviewed, "F00000001")
    later = await invoices.page(reviewed, "F00000002")
    assert "親会社 株式会社 御中" in later
    assert "支払者" not in later


@pytest.mark.rule("T9-4")
async def test_a_claim_for_damage_is_evidence_alone(billed: Conn) -> None:
    before = await ledger.journal(billed, date(2026, 1, 1), date(2030, 1, 1))
    with pytest.raises(Unfit, match="1 yen or more"):
        await ledger.claim(billed, "acme", 0, "letter of 2026-11-20", "ann", NOW)
    await ledger.claim(billed, "acme", 2_000_000, "letter of 2026-11-20", "ann", NOW)
    [content] = await billed.fetch("SELECT content FROM evidence.records WHERE kind = 'claim.recorded'")
    kept = json.loads(content["content"])
    assert (kept["amount_yen"], kept["evidence"], kept["clause"]) == (2_000_000, "letter of 2026-11-20", "A9.2")
    assert await ledger.journal(billed, date(2026, 1, 1), date(2030, 1, 1)) == before
    assert await open_yen(billed) == 60_500


@pytest.mark.rule("T8-12", "T8-13")
async def test_wrong_data_and_fewer_names_change_no_fee(billed: Conn, pool: Pool) -> None:
    """Three names are contracted; one is removed on 2026-06-01, and a third may be added back."""
    removed_at = datetime(2026, 6, 1, 1, tzinfo=UTC)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", removed_at)
    before = await invoices.paper(billed, "F00000001")
    for name in ("b.example.jp", "c.example.jp"):
        await application.add_name(billed, "acme", name, None, START)
    await application.remove_name(billed, "acme", "c.example.jp", None, removed_at)
    assert await invoices.paper(billed, "F00000001") == before
    await application.add_name(billed, "acme", "d.example.jp", None, NOW)
    assert before.total_yen == before.open_yen == 60_500
