"""Yen, dated rates, and a fee split by months."""

from datetime import date

import pytest

from contract_gate.articles.article_08_payment import (
    Difference,
    FeeLeft,
    Term,
    difference,
    difference_due,
    fee_bill,
    fee_lines,
)
from contract_gate.money import RATES, Line, Rounding, Share, TaxRate, divided, lines, rate_on, tax, tax_within, total
from contract_gate.readings import DEFAULT, Reading, of_contract
from contract_gate.registration import corporate_check_digit, of_corporation, well_formed
from tests.contract_gate.arrange import NOW


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        pytest.param(date(1989, 3, 31), 0, id="T8-8 before"),
        pytest.param(date(1989, 4, 1), 300, id="T8-8 3 %"),
        pytest.param(date(1997, 3, 31), 300, id="T8-8 the last day of 3 %"),
        pytest.param(date(1997, 4, 1), 500, id="T8-8 5 %"),
        pytest.param(date(2014, 4, 1), 800, id="T8-8 8 %"),
        pytest.param(date(2015, 10, 1), 800, id="T8-8 the postponed 10 % never was"),
        pytest.param(date(2019, 9, 30), 800, id="T8-8 the last day of 8 %"),
        pytest.param(date(2019, 10, 1), 1000, id="T8-8 10 %"),
    ],
)
@pytest.mark.rule("T8-8")
def test_the_rate_of_a_day(day: date, rate: int) -> None:
    assert rate_on(RATES, day) == rate


TWO_RATES = ((27_500, 2_200), (27_500, 2_750))


@pytest.mark.parametrize(
    ("yen", "left", "rounding", "expected"),
    [
        pytest.param(60_500, ((55_000, 5_500),), "floor", 5_500, id="T8-10 all of it"),
        pytest.param(60_499, ((55_000, 5_500),), "floor", 5_499, id="T8-10 all but a yen"),
        pytest.param(10_000, ((55_000, 5_500),), "floor", 909, id="T8-10 a part"),
        pytest.param(10_000, ((55_000, 5_500),), "ceiling", 910, id="T8-10 a part, rounded up"),
        pytest.param(10_000, TWO_RATES, "floor", 366 + 458, id="T8-10 once per rate, not of the sum: 825"),
        pytest.param(10_000, TWO_RATES, "half_up", 367 + 459, id="T8-10 once per rate, halves up"),
        pytest.param(1, TWO_RATES, "ceiling", 1, id="T8-10 never more than the yen"),
        pytest.param(59_950, TWO_RATES, "floor", 4_950, id="T8-10 all of two rates"),
        pytest.param(70_000, TWO_RATES, "floor", 4_950, id="T8-10 more than is left"),
        pytest.param(5, (), "floor", 0, id="T8-10 no line"),
    ],
)
@pytest.mark.rule("T8-10")
def test_the_tax_in_a_part_of_what_is_owed(
    yen: int, left: tuple[tuple[int, int], ...], rounding: Rounding, expected: int
) -> None:
    assert tax_within(yen, left, rounding) == expected


@pytest.mark.rule("T8-10")
def test_tax_is_taken_once_of_the_sum_not_of_each_line() -> None:
    shares = [Share(1000, 1, 105)] * 3
    assert lines(shares, "floor") == (Line(1000, 3, 315, 31),)
    assert sum(tax(share.base_yen, 1000, "floor") for share in shares) == 30


@pytest.mark.parametrize(
    ("start", "fee", "expected", "billed_tax", "owed"),
    [
        pytest.param(
            date(2019, 3, 15), 55_000, (Line(800, 6, 27_500, 2_200), Line(1000, 6, 27_500, 2_750)), 4_400, 550,
            id="T8-11 from 15 March",
        ),
        pytest.param(
            date(2019, 3, 15), 10_005, (Line(800, 6, 5_002, 400), Line(1000, 6, 5_003, 500)), 800, 100,
            id="T8-11 an odd fee",
        ),
        pytest.param(
            date(2019, 3, 1), 55_000, (Line(800, 7, 32_083, 2_566), Line(1000, 5, 22_917, 2_291)), 4_400, 457,
            id="T8-11 from 1 March, month 7 ends on 30 September",
        ),
    ],
)  # fmt: skip
@pytest.mark.rule("T8-9", "T8-10", "T8-11")
def test_split_and_difference(start: date, fee: int, expected: tuple[Line, ...], billed_tax: int, owed: int) -> None:
    before = fee_lines(fee, start, 12, RATES[:-1], DEFAULT)
    assert before == (Line(800, 12, fee, billed_tax),)
    right = fee_lines(fee, start, 12, RATES, DEFAULT)
    assert right == expected
    billed = FeeLeft(fee, ((12, fee),), (800,) * 12, billed_tax)
    assert difference(billed, start, RATES, DEFAULT) == Difference(expected, owed)
    rates = tuple(rate for line in right for rate in (line.basis_points,) * line.months)
    again = FeeLeft(fee, ((12, fee),), rates, billed_tax + owed)
    assert difference(again, start, RATES, DEFAULT).difference_yen == 0


@pytest.mark.rule("T8-9")
def test_months_are_counted_from_the_start_and_never_iterated() -> None:
    """From 31 August the first month ends on 30 September; iterating would drift to the first of a month."""
    rates = (*RATES, TaxRate(date(2026, 10, 31), 1200))
    assert [line.months for line in fee_lines(12_000, date(2026, 8, 31), 12, rates, DEFAULT)] == [2, 10]
    assert [line.months for line in fee_lines(12_000, date(2026, 8, 30), 12, rates, DEFAULT)] == [2, 10]
    assert [line.months for line in fee_lines(12_000, date(2026, 9, 1), 12, rates, DEFAULT)] == [1, 11]


@pytest.mark.rule("T8-11")
def test_a_cut_of_the_rate_proposes_a_credit() -> None:
    rates = (*RATES, TaxRate(date(2026, 9, 9), 500))
    right = fee_lines(55_000, date(2026, 3, 10), 12, rates, DEFAULT)
    assert right == (Line(1000, 5, 22_916, 2_291), Line(500, 7, 32_084, 1_604))
    billed = FeeLeft(55_000, ((12, 55_000),), (1000,) * 12, 5_500)
    assert difference(billed, date(2026, 3, 10), rates, DEFAULT) == Difference(right, -1_605)


@pytest.mark.rule("T8-1", "T8-2", "T12-6")
def test_the_bill_of_the_first_certificate_and_of_a_renewal() -> None:
    bill = fee_bill(55_000, date(2026, 3, 10), Term(date(2026, 3, 10), 12), RATES, DEFAULT)
    assert (bill.due_on, bill.period_end, bill.total_yen) == (date(2026, 4, 30), date(2027, 3, 10), 60_500)
    renewal = fee_bill(55_000, date(2027, 2, 20), Term(date(2027, 3, 10), 12), RATES, DEFAULT)
    assert (renewal.due_on, renewal.period_from) == (date(2027, 3, 31), date(2027, 3, 10))


@pytest.mark.parametrize(
    ("rounding", "yen", "by", "expected"),
    [
        ("floor", 22_917 * 1000, 10_000, 2_291),
        ("half_up", 22_917 * 1000, 10_000, 2_292),
        ("ceiling", 22_911 * 1000, 10_000, 2_292),
        ("half_up", 22_914 * 1000, 10_000, 2_291),
        ("floor", -15, 10, -2),
        ("ceiling", -15, 10, -1),
        ("half_up", -15, 10, -2),
    ],
)
@pytest.mark.rule("R-1")
def test_rounding(rounding: Rounding, yen: int, by: int, expected: int) -> None:
    assert divided(yen, by, rounding) == expected


@pytest.mark.parametrize(
    ("value", "months"),
    [("month_end", [7, 5]), ("whole_at_start", [12]), ("whole_at_end", [12])],
)
@pytest.mark.rule("R-10")
def test_apportionment_is_a_reading(value: str, months: list[int]) -> None:
    by = of_contract((Reading("tax.apportion", NOW, value),), NOW, NOW)
    made = fee_lines(55_000, date(2019, 3, 1), 12, RATES, by)
    assert [line.months for line in made] == months
    rates = {"month_end": [800, 1000], "whole_at_start": [800], "whole_at_end": [1000]}
    assert [line.basis_points for line in made] == rates[value]
    assert total(made) == 55_000 + sum(line.tax_yen for line in made)


@pytest.mark.parametrize(("value", "due"), [("next_month_end", date(2020, 1, 31)), ("claim_date", date(2019, 12, 2))])
@pytest.mark.rule("R-11")
def test_a_difference_is_due_by_its_claim(value: str, due: date) -> None:
    assert difference_due(date(2019, 12, 2), of_contract((Reading("tax.diff_due", NOW, value),), NOW, NOW)) == due


@pytest.mark.parametrize(
    ("number", "form", "corporate"),
    [
        ("T7000012050002", True, True),
        ("T4011001098993", True, True),
        ("T7123456789012", True, True),
        ("T7010705000725", True, True),
        ("T1234567890123", True, False),
        ("T9876543210987", True, False),
        ("T0000012050002", False, False),
        ("7000012050002", False, False),
        ("T700001205000", False, False),
    ],
)
def test_registration_numbers(number: str, form: bool, corporate: bool) -> None:
    assert (well_formed(number), of_corporation(number)) == (form, corporate)


def test_the_check_digit_of_the_tax_agency() -> None:
    assert corporate_check_digit("000012050002") == 7
