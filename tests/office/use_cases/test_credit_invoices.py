"""Credit invoices, credits of tax after a rate cut, settlements of early ends: two people decide each."""

import json
from datetime import timedelta
from functools import partial

import asyncpg
import msgspec
import pytest

from office.use_cases import credit_invoices, deliver, desk, ending, invoices, ledger, notices, payments, settlement
from office.use_cases.asked import Unfit
from office.use_cases.credit_letter import credited
from office.use_cases.mail import Posting
from office.use_cases.sellers import NewSeller, set_seller
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money, open_yen
from tests.office.use_cases.test_books import office as office

CUT = "INSERT INTO gate.tax_rates VALUES ('2026-09-09', 500)"


async def test_a_credit_reads_as_a_qualified_credit_invoice(billed: Conn) -> None:
    before, after = (NewSeller(name, "Tokyo", "T7000012050002", None) for name in ("CA KK", "New KK"))
    await set_seller(billed, before, "ann", "bob", NOW)
    await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    await set_seller(billed, after, "bob", "ann", NOW + timedelta(days=1))
    page = await credit_invoices.page(billed, "C00000001")
    told_by = ("適格返還請求書", "株式会社 例 御中", "CA KK", "T7000012050002")
    for told in (*told_by, "C00000001", "F00000001", "2026-03-10", "2026-11-22", "5,500", "5,000", "500", "10 %"):
        assert told in page, told
    assert "返金額" not in page
    assert "agreed" not in page
    [row] = await credit_invoices.listed(billed, "acme")
    assert (row.number, row.total_yen, row.tax_yen, row.first, row.second) == ("C00000001", 5_500, 500, "ann", "bob")
    with pytest.raises(Unfit, match="no credit invoice"):
        await credit_invoices.page(billed, "C00000002")


@pytest.mark.rule("T8-11", "T8-3")
@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "ja",
            "適格返還請求書 C00000001\n宛名: 株式会社 例\n発行者: CA KK, Tokyo\n登録番号: T7000012050002\n"
            "返還日: 2026-11-22\n元の請求書: F00000001\nその発行日: 2026-03-10\n取引内容: サーバ証明書契約料金の返還\n"
            "元の取引期間: 2026-03-10 – 2027-03-09\n10 % 対象: 税抜 5,000 円、消費税 500 円、税込 5,500 円\n",
        ),
        (
            "en",
            "Qualified credit invoice (適格返還請求書) C00000001\nCredited to: 株式会社 例\nIssuer: CA KK, Tokyo\n"
            "Registration number: T7000012050002\nDate of the credit: 2026-11-22\nOriginal invoice: F00000001\n"
            "Issued: 2026-03-10\nContent: Credit of the fee of a certificate contract\n"
            "Period of the fee: 2026-03-10 – 2027-03-09\nAt 10 %: 5,000 yen, tax 500 yen, with tax 5,500 yen\n",
        ),
    ],
)
async def test_the_letter_that_goes_out_is_the_qualified_credit_invoice(
    billed: Conn, office: Pool, language: str, told: str
) -> None:
    """Nothing else hands the paper to a customer. Fields: 消費税法第57条の4第3項."""
    await set_seller(billed, NewSeller("CA KK", "Tokyo", "T7000012050002", None), "ann", "bob", NOW)
    await notices.set_contact(billed, "kaisha", language, None, NOW)
    await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    await deliver.address_notices(office, NOW, posting=Posting(None, "http://office.test", "officers@ca.example"))
    [sent] = [each for each in await notices.listed(billed, None, None) if each.kind == "credit_invoice_issued"]
    assert (await notices.shown(billed, str(sent.id))).body.endswith(f"\n\n{told}")


async def test_without_a_registration_number_it_is_no_qualified_one(billed: Conn) -> None:
    await credit_invoices.credit(billed, "F00000001", 5_500, 1000, None, "agreed", "ann", "bob", NOW)
    paper = msgspec.structs.replace(await credit_invoices.paper(billed, "C00000001"), refunded_yen=500)
    said = credited(paper, "ja").splitlines()
    assert said[1:4] == ["返還請求書 C00000001", "宛名: 株式会社 例", "返還日: 2026-11-22"]
    assert said[-1] == "うち返金額: 500 円"


@pytest.mark.rule("T8-10")
async def test_of_each_rate_no_more_is_credited_than_was_billed_at_it(billed: Conn, pool: Pool) -> None:
    await pool.execute(
        "UPDATE office.invoice_papers SET rates = '{800,1000}', months = '{6,6}', bases = '{27500,27500}', "
        "taxes = '{2200,2750}'"
    )
    credit = partial(credit_invoices.credit, billed, "F00000001")
    with pytest.raises(Unfit, match="30250 yen at 1000 basis points left"):
        await credit(30_251, 1000, None, "agreed", "ann", "bob", NOW)
    assert await open_yen(billed) == 60_500
    await credit(30_250, 1000, None, "agreed", "ann", "bob", NOW)
    with pytest.raises(Unfit, match="has 0 yen at 1000 basis points left"):
        await credit(1, 1000, None, "agreed", "ann", "bob", NOW)
    await credit(29_700, 800, None, "agreed", "ann", "bob", NOW)
    papers = [await credit_invoices.paper(billed, number) for number in ("C00000001", "C00000002")]
    assert [(paper.basis_points, paper.base_yen, paper.tax_yen) for paper in papers] == [
        (1000, 27_500, 2_750),
        (800, 27_500, 2_200),
    ]


@pytest.mark.rule("T8-11")
async def test_a_cut_of_the_rate_moves_no_money(billed: Conn, pool: Pool) -> None:
    await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', 500)")
    (made,) = await invoices.claim_differences(pool, NOW)
    assert (made.difference_yen, made.invoice) == (-1_605, None)
    assert await invoices.claim_differences(pool, NOW) == []
    assert [(row.invoice, row.amount_yen) for row in await credit_invoices.waiting(billed)] == [("F00000001", 1_605)]
    assert await open_yen(billed) == 60_500
    [task] = await waiting(billed, "tax_credit")
    assert (task.subject, task.ended_by) == ("F00000001", "keiyaku invoice tax-credit")


@pytest.mark.rule("T8-11")
async def test_two_people_credit_the_tax_that_was_too_much(billed: Conn, pool: Pool) -> None:
    paid = await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    with pytest.raises(Unfit, match="no credit of tax is proposed"):
        await credit_invoices.credit_tax(billed, "F00000001", None, "rate cut", "ann", "bob", NOW)
    await pool.execute(CUT)
    await invoices.claim_differences(pool, NOW)
    with pytest.raises(Unfit, match="two different"):
        await credit_invoices.credit_tax(billed, "F00000001", str(paid.receipt), "rate cut", "ann", "ann", NOW)
    made = await credit_invoices.credit_tax(billed, "F00000001", str(paid.receipt), "rate cut", "ann", "bob", NOW)
    paper = await credit_invoices.paper(billed, str(made.number))
    assert (paper.total_yen, paper.base_yen, paper.tax_yen, paper.refunded_yen) == (1_605, 0, 1_605, 1_605)
    assert (await open_yen(billed), await credit_invoices.waiting(billed)) == (0, [])
    assert await invoices.claim_differences(pool, NOW) == []
    assert (await ledger.deferred(billed))[1].earned_yen == 4_583
    await pool.execute("UPDATE gate.tax_rates SET basis_points = 1000 WHERE effective_on = '2026-09-09'")
    (again,) = await invoices.claim_differences(pool, NOW)
    assert (again.difference_yen, again.invoice) == (1_605, "D00000001")
    assert (await invoices.paper(billed, "D00000001")).total_yen == 1_605


@pytest.mark.rule("T8-11")
async def test_tax_that_two_people_leave_is_not_proposed_again(billed: Conn, pool: Pool) -> None:
    await pool.execute(CUT)
    await invoices.claim_differences(pool, NOW)
    left = await credit_invoices.decline_tax(billed, "F00000001", "the customer deducted it", "ann", "bob", NOW)
    assert (left.amount_yen, await open_yen(billed)) == (1_605, 60_500)
    assert (await invoices.claim_differences(pool, NOW), await credit_invoices.waiting(billed)) == ([], [])
    with pytest.raises(Unfit, match="no credit of tax"):
        await credit_invoices.decline_tax(billed, "F00000001", "again", "ann", "bob", NOW)


@pytest.mark.rule("T8-11")
async def test_a_proposal_that_the_rates_overtook_is_not_credited(billed: Conn, pool: Pool) -> None:
    await pool.execute(CUT)
    await invoices.claim_differences(pool, NOW)
    await pool.execute("UPDATE gate.tax_rates SET basis_points = 1200 WHERE effective_on = '2026-09-09'")
    with pytest.raises(Unfit, match="another amount"):
        await credit_invoices.credit_tax(billed, "F00000001", None, "rate cut", "ann", "bob", NOW)
    (made,) = await invoices.claim_differences(pool, NOW)
    assert (made.difference_yen, made.invoice, await credit_invoices.waiting(billed)) == (641, "D00000001", [])


@pytest.mark.rule("T9-1", "T9-5")
async def test_two_people_record_the_settlement_of_an_early_end(billed: Conn) -> None:
    await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    settled = partial(settlement.settle, billed, "acme")
    with pytest.raises(Unfit, match="has not ended"):
        await settled("cancelled", 0, "r", "ann", "bob", NOW)
    await ending.cancel(billed, "acme", "ann", NOW)
    for cause, yen, people, why in (
        ("rescinded", 0, ("ann", "bob"), "another cause: cancelled"),
        ("cancelled", 1, ("ann", "bob"), "0 to 0 yen"),
        ("cause_of_ca", 13_751, ("ann", "bob"), "0 to 13750 yen"),
        ("cause_of_ca", 1, ("ann", "ann"), "two different"),
    ):
        with pytest.raises(Unfit, match=why):
            await settled(cause, yen, "agreed", *people, NOW)
    made = await settled("cause_of_ca", 13_750, "agreed on 2026-11-20", "ann", "bob", NOW)
    assert (made.outcome, made.rule, made.ceiling_yen) == ("proposal", "T9-5", 13_750)
    [row] = await settlement.listed(billed)
    assert (row.contract, row.returned_yen, row.first, row.second) == ("acme", 13_750, "ann", "bob")
    assert await open_yen(billed) == 0
    with pytest.raises(Unfit, match="settled already"):
        await settled("cause_of_ca", 0, "again", "ann", "bob", NOW)
    content = await billed.fetchval("SELECT content FROM evidence.records WHERE kind = 'contract.settled'")
    assert json.loads(content)["returned_yen"] == 13_750


@pytest.mark.rule("T9-5")
async def test_every_fee_of_a_service_that_ended_waits_to_be_settled(billed: Conn, pool: Pool) -> None:
    assert await waiting(billed, "settlement") == []
    await pool.execute("UPDATE gate.contracts SET state = 'ended', ended_at = $1, end_cause = 'service_ended'", NOW)
    [task] = await waiting(billed, "settlement")
    assert (task.subject, task.ended_by) == ("acme", "keiyaku invoice settle")
    await settlement.settle(billed, "acme", "service_ended", 0, "nothing was received", "ann", "bob", NOW)
    assert await waiting(billed, "settlement") == []


async def waiting(conn: Conn, kind: str) -> list[desk.Shown]:
    return [task for task in await desk.queue(conn, None, False, None, 100, NOW) if task.kind == kind]


async def test_the_database_settles_nothing_above_the_ceiling_nor_by_one_person(billed: Conn, pool: Pool) -> None:
    insert = """INSERT INTO office.settlements SELECT c.id, 'cancelled', '2026-11-22', $1, 0, 0, $2, $3, 'r', a.id,
        b.id, now() FROM gate.contracts c, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = $4"""
    for values in (("whole_fee_owed", None, 1, "bob"), ("proposal", 5, 6, "bob"), ("proposal", 5, 5, "ann")):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(insert, *values)
    await pool.execute(insert, "proposal", 5, 5, "bob")


@pytest.mark.rule("T8-11")
async def test_the_daily_job_may_propose_credits_and_take_them_back(billed: Conn, office: Pool, pool: Pool) -> None:
    seen = []
    for points in (500, 800, 1000):
        await pool.execute("DELETE FROM gate.tax_rates WHERE effective_on = '2026-09-09'")
        await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', $1)", points)
        await invoices.claim_differences(office, NOW)
        seen.append([row.amount_yen for row in await credit_invoices.waiting(billed)])
    assert seen == [[1_605], [643], []]
    ended = await pool.fetch("SELECT outcome FROM office.tax_credits")
    assert [row["outcome"] for row in ended] == ["overtaken"]
