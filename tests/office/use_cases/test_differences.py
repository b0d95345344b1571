"""Credits, changes of the rate and early ends, one after another, with exact yen."""

import json
from datetime import date, timedelta

import pytest

from contract_gate.money import TaxRate
from office.use_cases import credit_invoices, invoices, payments, tax_rates
from office.use_cases.asked import Unfit
from office.use_cases.settlement import settlement_of
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money

FEE = "F00000001"


async def play(conn: Conn, pool: Pool, steps: list[str]) -> list[int]:
    """What the daily job finds after each step: `credit`, an invoice, yen and rate; `rate`; `agree` or `decline`."""
    found = []
    for hour, step in enumerate(steps):
        at = NOW + timedelta(hours=hour)
        what, *values = step.split()
        match what:
            case "rate":
                await pool.execute("DELETE FROM gate.tax_rates WHERE effective_on = '2026-09-09'")
                await pool.execute("INSERT INTO gate.tax_rates VALUES ('2026-09-09', $1)", int(values[0]))
            case "credit":
                number, yen, rate = values
                await credit_invoices.credit(conn, number, int(yen), int(rate), None, "r", "ann", "bob", at)
            case "agree":
                await credit_invoices.credit_tax(conn, FEE, None, "r", "ann", "bob", at)
            case _:
                await credit_invoices.decline_tax(conn, FEE, "r", "ann", "bob", at)
        made = await invoices.claim_differences(pool, at)
        found.append(made[0].difference_yen if made else 0)
        assert await invoices.claim_differences(pool, at) == [], "once"
    return found


PAPERS = """
SELECT (SELECT sum(total_yen) FROM gate.invoices)
    - coalesce((SELECT sum(amount_yen) FROM office.adjustments WHERE kind = 'credit'), 0)
"""


@pytest.mark.rule("T8-11")
@pytest.mark.parametrize(
    ("steps", "found", "papers"),
    [
        pytest.param([f"credit {FEE} 60500 1000", "rate 1200", "rate 500"], [0, 0, 0], 0, id="all, then a rise, a cut"),
        pytest.param(
            [f"credit {FEE} 30005 1000", f"credit {FEE} 30495 1000", "rate 1200"], [0, 0, 0], 0, id="all in two"
        ),
        pytest.param([f"credit {FEE} 5500 1000", "rate 1200"], [0, 583], 55_583, id="a part, then a rise"),
        pytest.param([f"credit {FEE} 5500 1000", "rate 500", "agree"], [0, -1_459, 0], 53_541, id="a part, then a cut"),
        pytest.param([f"credit {FEE} 5501 1000", "rate 1000"], [0, 0], 54_999, id="rounding is no difference"),
        pytest.param(["rate 1200", "rate 1500"], [641, 962], 62_103, id="two rises"),
        pytest.param(["rate 1200", "rate 1000", "agree"], [641, -641, 0], 60_500, id="a rise taken back"),
        pytest.param(
            ["rate 1200", f"credit {FEE} 60500 1000", "rate 1500", "rate 500"], [641, 0, 0, 0], 641,
            id="a rise, then all of the fee",
        ),
        pytest.param(
            ["rate 1200", "credit D00000001 641 1200", "rate 1500", "rate 1000", "agree"], [641, 0, 962, -962, 0],
            60_500, id="a difference given up",
        ),
        pytest.param(
            ["rate 500", "agree", f"credit {FEE} 5500 1000", "rate 1000"], [-1_605, 0, 0, 1_459], 54_854,
            id="a cut, then a part",
        ),
        pytest.param(
            ["rate 500", "agree", f"credit {FEE} 58895 1000", "rate 1200"], [-1_605, 0, 0, 0], 0,
            id="tax alone, then all the rest",
        ),
        pytest.param(
            ["rate 500", "decline", f"credit {FEE} 5500 1000", "rate 1200"], [-1_605, 0, 0, 583], 55_583,
            id="a cut left as it is, then a part",
        ),
    ],
)  # fmt: skip
async def test_a_difference_is_asked_of_what_credits_left(
    billed: Conn, pool: Pool, steps: list[str], found: list[int], papers: int
) -> None:
    assert await play(billed, pool, steps) == found
    assert await billed.fetchval(PAPERS) == papers
    assert await billed.fetchval("SELECT sum(open_yen) FROM gate.invoices") == papers


@pytest.mark.rule("T8-11")
async def test_the_corrected_invoice_shows_what_is_left_at_each_rate(billed: Conn, pool: Pool) -> None:
    assert await play(billed, pool, [f"credit {FEE} 5500 1000", "rate 1200"]) == [0, 583]
    paper = await invoices.paper(billed, "D00000001")
    assert (paper.rates, paper.bases, paper.taxes) == ([1000, 1200], [20_833, 29_167], [2_083, 3_500])
    assert (paper.months, paper.total_yen) == ([5, 7], 583)


@pytest.mark.rule("T8-11")
async def test_a_difference_is_credited_as_tax_alone_and_never_above_its_total(billed: Conn, pool: Pool) -> None:
    await play(billed, pool, ["rate 1200", "credit D00000001 600 1200"])
    with pytest.raises(Unfit, match="has 41 yen"):
        await credit_invoices.credit(billed, "D00000001", 42, 1000, None, "r", "ann", "bob", NOW)
    paper = await credit_invoices.paper(billed, "C00000001")
    assert (paper.base_yen, paper.tax_yen) == (0, 600)


@pytest.mark.rule("T8-11")
async def test_a_proposal_made_before_a_credit_is_not_credited_as_it_was(billed: Conn, pool: Pool) -> None:
    assert await play(billed, pool, ["rate 500"]) == [-1_605]
    await credit_invoices.credit(billed, FEE, 5_500, 1000, None, "r", "ann", "bob", NOW)
    with pytest.raises(Unfit, match="another amount"):
        await credit_invoices.credit_tax(billed, FEE, None, "r", "ann", "bob", NOW)
    (made,) = await invoices.claim_differences(pool, NOW)
    assert made.difference_yen == -1_459


@pytest.mark.rule("T9-1", "T9-5", "T25-1")
@pytest.mark.parametrize(
    ("paid", "steps", "owed", "still_open", "ceiling"),
    [
        pytest.param(0, [f"credit {FEE} 60500 1000"], 0, 0, 0, id="all credited"),
        pytest.param(0, [f"credit {FEE} 5500 1000"], 55_000, 55_000, 0, id="a part credited"),
        pytest.param(55_000, [f"credit {FEE} 5500 1000"], 55_000, 0, 12_500, id="a part credited, the rest paid"),
        pytest.param(58_895, ["rate 500", "agree"], 58_895, 0, 13_750, id="tax credited, the fee paid"),
    ],
)  # fmt: skip
async def test_an_early_end_settles_what_credits_left(
    billed: Conn, pool: Pool, paid: int, steps: list[str], owed: int, still_open: int, ceiling: int
) -> None:
    if paid:
        await payments.record_payment(billed, FEE, money(paid), NOW)
    await play(billed, pool, steps)
    end = await settlement_of(billed, "acme", "cancelled", NOW)
    assert (end.owed_yen, end.open_yen) == (owed, still_open)
    assert (await settlement_of(billed, "acme", "cause_of_ca", NOW)).ceiling_yen == ceiling


@pytest.mark.rule("T8-11", "T5-5")
async def test_the_customer_is_told_of_a_credit_when_it_is_made(billed: Conn) -> None:
    await payments.record_payment(billed, FEE, money(60_000), NOW)
    with pytest.raises(Unfit, match="not open by"):
        await credit_invoices.credit(billed, FEE, 5_500, 1000, None, "r", "ann", "bob", NOW)
    told = "SELECT given FROM office.notices WHERE kind = 'credit_invoice_issued'"
    assert await billed.fetch(told) == []
    await credit_invoices.credit(billed, FEE, 500, 1000, None, "r", "ann", "bob", NOW)
    [row] = await billed.fetch(told)
    assert json.loads(row["given"]) == {"credit": "C00000001", "invoice": FEE, "total_yen": "500"}


@pytest.mark.rule("T8-9", "T8-11")
async def test_a_coming_rate_counts_from_the_moment_it_is_known(billed: Conn, pool: Pool) -> None:
    """As a fee billed afterwards is split by it, so the difference of one billed before is claimed then, and once."""
    assert await invoices.claim_differences(pool, NOW) == []
    await tax_rates.add(billed, TaxRate(date(2027, 1, 1), 1200), "ann", "bob", NOW)
    (made,) = await invoices.claim_differences(pool, NOW)  # three months, of 13,750 yen, end under it
    assert (made.difference_yen, made.invoice) == (275, "D00000001")
    paper = await invoices.paper(billed, "D00000001")
    assert (paper.due_on, paper.months, paper.taxes) == (date(2026, 12, 31), [9, 3], [4_125, 1_650])
    assert await invoices.claim_differences(pool, NOW + timedelta(days=41)) == []  # its own day brings nothing more
