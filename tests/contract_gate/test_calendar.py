"""The shared vectors of articles.md §0.2."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_gate.calendar import Roll as RollRule
from contract_gate.calendar import bank_day, day_start, full_months, jst_date, next_month_end, period_end, roll

days = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.rule("T26-1")
@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(datetime(2026, 1, 31, 15, 30, tzinfo=UTC), date(2026, 2, 1), id="half past midnight in Japan"),
        pytest.param(datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC), date(2026, 1, 31), id="a second before midnight"),
    ],
)
def test_jst_date(at: datetime, expected: date) -> None:
    assert jst_date(at) == expected


@given(days)
def test_a_day_begins_when_the_day_before_ends(day: date) -> None:
    assert jst_date(day_start(day)) == day
    assert day_start(day).utcoffset() == UTC.utcoffset(None)
    assert (day_start(day).hour, day_start(day).minute) == (15, 0)


@pytest.mark.rule("T8-2")
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 10), date(2028, 2, 29)),
        (date(2026, 12, 15), date(2027, 1, 31)),
        (date(2026, 11, 10), date(2026, 12, 31)),
        (date(2026, 10, 31), date(2026, 11, 30)),
    ],
)
def test_next_month_end(day: date, expected: date) -> None:
    assert next_month_end(day) == expected


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 3, 10), 12, date(2027, 3, 10)),
        (date(2024, 2, 29), 12, date(2025, 3, 1)),
        (date(2026, 8, 31), 6, date(2027, 3, 1)),
        pytest.param(date(2027, 1, 1), 3, date(2027, 4, 1), id="delivered on 31 December"),
        pytest.param(date(2027, 2, 1), 3, date(2027, 5, 1), id="delivered on 31 January"),
        pytest.param(date(2026, 12, 16), 3, date(2027, 3, 16), id="delivered on 15 December"),
        pytest.param(date(2026, 11, 30), 3, date(2027, 3, 1), id="February has no 30th"),
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
    ],
)
def test_period_end(start: date, months: int, expected: date) -> None:
    assert period_end(start, months) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2026, 8, 25), date(2027, 3, 10), 6),
        (date(2026, 9, 10), date(2027, 3, 10), 6),
        (date(2026, 9, 11), date(2027, 3, 10), 5),
        (date(2026, 3, 10), date(2027, 3, 10), 12),
        (date(2026, 3, 15), date(2027, 3, 10), 11),
        (date(2027, 2, 10), date(2027, 3, 10), 1),
        (date(2027, 2, 20), date(2027, 3, 10), 0),
        pytest.param(date(2026, 8, 31), date(2027, 3, 31), 7, id="not month by month, which gives 6"),
        (date(2027, 4, 1), date(2027, 3, 10), 0),
    ],
)
def test_full_months(start: date, end: date, expected: int) -> None:
    assert full_months(start, end) == expected


@given(days, days)
def test_full_months_is_the_greatest_number_that_fits(a: date, b: date) -> None:
    start, end = min(a, b), max(a, b)
    months = full_months(start, end)
    assert period_end(start, months) <= end < period_end(start, months + 1)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2026, 4, 30), True, id="a Thursday"),
        pytest.param(date(2026, 4, 29), False, id="a holiday"),
        pytest.param(date(2026, 2, 28), False, id="a Saturday"),
        pytest.param(date(2027, 1, 31), False, id="a Sunday"),
        pytest.param(date(2026, 12, 30), True, id="30 December"),
        pytest.param(date(2026, 12, 31), False, id="31 December"),
        pytest.param(date(2025, 1, 1), False, id="1 January"),
        pytest.param(date(2025, 1, 2), False, id="2 January"),
        pytest.param(date(2025, 1, 3), False, id="3 January"),
        pytest.param(date(2027, 1, 4), True, id="4 January"),
    ],
)
def test_bank_day(day: date, expected: bool) -> None:
    assert bank_day(day, {date(2026, 4, 29)}) is expected


@pytest.mark.parametrize(
    ("day", "rule", "expected"),
    [
        pytest.param(date(2026, 2, 28), "next", date(2026, 3, 2), id="Saturday to Monday"),
        pytest.param(date(2026, 2, 28), "previous", date(2026, 2, 27), id="Saturday to Friday"),
        pytest.param(date(2026, 2, 28), "none", date(2026, 2, 28), id="Saturday stays"),
        pytest.param(date(2026, 12, 31), "next", date(2027, 1, 4), id="over the year end"),
        pytest.param(date(2026, 5, 2), "next", date(2026, 5, 7), id="over three holidays"),
    ],
)
def test_roll(day: date, rule: RollRule, expected: date) -> None:
    golden_week = {date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)}
    assert roll(day, rule, golden_week) == expected
