"""Credits and then differences of tax: what is left of a fee decides, whatever was billed and credited before."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_gate.articles.article_08_payment import Difference, FeeLeft, difference, fee_lines
from contract_gate.money import RATES, Line, TaxRate, tax_in_credit
from contract_gate.readings import DEFAULT

START = date(2026, 3, 10)
CHANGE = date(2026, 9, 9)  # the last day of month 6
WHOLE = FeeLeft(55_000, ((12, 55_000),), (1000,) * 12, 5_500)


def left(base_yen: int, tax_yen: int, rate: int = 1000) -> FeeLeft:
    """What is left of a fee billed at 10 %, where its last seven months were billed at `rate` since."""
    return FeeLeft(55_000, ((12, base_yen),), (1000,) * 5 + (rate,) * 7, tax_yen)


@pytest.mark.parametrize(
    ("known", "points", "owed"),
    [
        pytest.param(left(55_000, 5_500), 1200, 641, id="T8-11 nothing credited, a rise"),
        pytest.param(left(55_000, 5_500), 500, -1_605, id="T8-11 nothing credited, a cut"),
        pytest.param(left(50_000, 5_000), 1200, 583, id="T8-11 5,500 yen credited, a rise"),
        pytest.param(left(50_000, 5_000), 500, -1_459, id="T8-11 5,500 yen credited, a cut"),
        pytest.param(left(0, 0), 1200, 0, id="T8-11 all credited, a rise"),
        pytest.param(left(0, 0), 500, 0, id="T8-11 all credited, a cut"),
        pytest.param(left(49_999, 5_000), 1000, 0, id="T8-11 what a credit's rounding left is no difference"),
        pytest.param(left(49_999, 5_000), 1200, 583, id="T8-11 5,501 yen credited, a rise"),
        pytest.param(left(49_999, 5_000), 500, -1_458, id="T8-11 5,501 yen credited, a cut"),
        pytest.param(left(55_000, 3_895, 500), 500, 0, id="T8-11 the tax of a cut was credited"),
        pytest.param(left(55_000, 3_895, 500), 1000, 1_605, id="T8-11 and the cut taken back"),
        pytest.param(left(50_000, 3_395, 500), 500, 0, id="T8-11 5,500 yen after it: 500 of tax, no claim of 146"),
        pytest.param(left(50_000, 3_395, 500), 1000, 1_459, id="T8-11 and the cut taken back after that"),
        pytest.param(left(55_000, 6_141, 1200), 1500, 962, id="T8-11 a second rise"),
        pytest.param(left(55_000, 6_141, 1200), 1000, -641, id="T8-11 a rise taken back"),
        pytest.param(left(55_000, 5_500, 1200), 1200, 0, id="T8-11 a difference given up is not claimed again"),
        pytest.param(left(55_000, 5_500, 1200), 1500, 962, id="T8-11 nor with the next one"),
        pytest.param(left(55_000, 5_500, 1200), 1000, 0, id="T8-11 nor given back when the rise is"),
        pytest.param(left(0, 641, 1200), 1000, 0, id="T8-11 a fee credited after its difference was billed"),
    ],
)  # fmt: skip
def test_only_rates_make_a_difference_and_only_of_what_is_left(known: FeeLeft, points: int, owed: int) -> None:
    assert difference(known, START, (*RATES, TaxRate(CHANGE, points)), DEFAULT).difference_yen == owed


@pytest.mark.rule("T8-10", "T8-11")
def test_the_rest_of_each_line_stays_with_its_months() -> None:
    """Six months at 8 % and six at 10 %; the second half is credited, or the first. Then the last three take 12 %."""
    rates = (TaxRate(date(2020, 1, 1), 800), TaxRate(CHANGE, 1000), TaxRate(date(2026, 12, 9), 1200))
    start = date(2026, 3, 1)  # month 7 is the first that ends after CHANGE, month 10 the first after 9 December
    by_month = (800,) * 6 + (1000,) * 6
    second_gone = FeeLeft(55_000, ((6, 27_500), (6, 0)), by_month, 2_200)
    lines = (Line(800, 6, 27_500, 2_200), Line(1000, 3, 0, 0), Line(1200, 3, 0, 0))
    assert difference(second_gone, start, rates, DEFAULT) == Difference(lines, 0)
    first_gone = FeeLeft(55_000, ((6, 0), (6, 27_500)), by_month, 2_750)
    lines = (Line(800, 6, 0, 0), Line(1000, 3, 13_750, 1_375), Line(1200, 3, 13_750, 1_650))
    assert difference(first_gone, start, rates, DEFAULT) == Difference(lines, 275)


@pytest.mark.parametrize(
    ("yen", "base_left", "tax_left", "expected"),
    [
        pytest.param(5_500, 55_000, 5_500, 500, id="T8-10 a part"),
        pytest.param(5_501, 55_000, 5_500, 500, id="T8-10 floored"),
        pytest.param(60_500, 55_000, 5_500, 5_500, id="T8-10 all"),
        pytest.param(30_495, 27_722, 2_773, 2_773, id="T8-10 all that a credit of 30,005 yen left"),
        pytest.param(58_895, 55_000, 3_895, 3_895, id="T8-10 all, where tax was credited before"),
        pytest.param(100, 100, 0, 0, id="T8-10 where no tax is left"),
        pytest.param(100, 100, -50, 0, id="T8-10 where more tax was credited than the line had"),
    ],
)  # fmt: skip
def test_the_tax_in_a_credit(yen: int, base_left: int, tax_left: int, expected: int) -> None:
    assert tax_in_credit(yen, 1000, base_left, tax_left, "floor") == expected


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(1, 60_500)),
        st.tuples(st.just("all"), st.just(0)),
        st.tuples(st.sampled_from(["claim", "give up", "leave"]), st.sampled_from([0, 300, 500, 1000, 1200, 2500])),
    ),
    max_size=8,
)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(fee=st.integers(1, 100_000), steps=STEPS)
@pytest.mark.rule("T8-11")
def test_no_paper_falls_below_nothing_and_a_fee_credited_in_full_asks_nothing_more(
    fee: int, steps: list[tuple[str, int]]
) -> None:
    """Credits, rises billed, rises billed and given up, cuts credited, cuts left as they are, in any order."""
    (first,) = fee_lines(fee, START, 12, RATES, DEFAULT)
    base, tax, papers = [first.base_yen], [first.tax_yen], [fee + first.tax_yen]
    more_tax, rates = 0, (1000,) * 12  # of papers of differences
    for what, number in [*steps, ("claim", 1800), ("all", 0), ("claim", 2500), ("claim", 0)]:
        line_left = base[-1] + tax[-1]
        if what in ("credit", "all"):
            yen = line_left if what == "all" else min(number, line_left)
            part = tax_in_credit(yen, 1000, base[-1], tax[-1], "floor")
            base.append(base[-1] - yen + part)
            tax.append(tax[-1] - part)
            papers.append(papers[-1] - yen)
        else:
            known = FeeLeft(fee, ((12, base[-1]),), rates, tax[-1] + more_tax)
            found = difference(known, START, (*RATES, TaxRate(CHANGE, number)), DEFAULT)
            owed = found.difference_yen
            assert owed == 0 or line_left > 0, "a fee credited in full asks nothing and gives nothing"
            if owed > 0:
                more_tax += 0 if what == "give up" else owed
            elif owed < 0 and what != "leave" and -owed <= tax[-1]:
                tax.append(tax[-1] + owed)
            else:
                continue
            papers.append(papers[-1] + (0 if owed > 0 and what == "give up" else owed))
            rates = tuple(line.basis_points for line in found.lines for _ in range(line.months))
        assert min(base[-1], tax[-1], papers[-1]) >= 0
        assert papers[-1] == base[-1] + tax[-1] + more_tax
    assert base[-1] == tax[-1] == 0
    assert all(later <= earlier for earlier, later in pairwise(base))
