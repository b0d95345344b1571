"""How long review data may be used, and when a new review is begun."""

from datetime import date, timedelta

import pytest

from contract_gate.articles.article_04_issuance import due_when_obtained_by, review_fresh, stale_on
from contract_gate.decision import Breach, Request, Satisfied
from contract_gate.facts import Facts, ReviewItem
from tests.contract_gate.arrange import facts, jst, wanted


@pytest.mark.std("C-008")
@pytest.mark.parametrize(
    ("obtained_on", "expected"),
    [
        pytest.param(date(2026, 1, 10), date(2027, 2, 13), id="T4-4 validated 10 January 2026"),
        pytest.param(date(2025, 2, 9), date(2026, 3, 15), id="T4-4 398 days are over on the day the limit falls"),
        pytest.param(date(2025, 2, 10), date(2026, 3, 16), id="T4-4 and a day later for data a day younger"),
        pytest.param(date(2024, 1, 1), date(2026, 3, 15), id="T4-4 825 days end with their rule"),
        pytest.param(date(2023, 1, 1), date(2025, 4, 6), id="T4-4 825 days before"),
    ],
)
def test_stale_on(obtained_on: date, expected: date) -> None:
    assert stale_on(obtained_on) == expected


@pytest.mark.rule("T4-4")
@pytest.mark.parametrize("obtained_on", [date(2026, 1, 10), date(2025, 2, 10), date(2024, 1, 1), date(2023, 1, 1)])
def test_the_gate_refuses_from_that_day_on(obtained_on: date) -> None:
    fails_on = stale_on(obtained_on)
    reviewed: Facts = facts(review=(ReviewItem("address", "positive", obtained_on),))
    request: Request = wanted()
    noon = jst(fails_on.year, fails_on.month, fails_on.day, 12)
    assert isinstance(review_fresh(reviewed, request, noon), Breach)
    assert isinstance(review_fresh(reviewed, request, noon - timedelta(days=1)), Satisfied)


@pytest.mark.rule("T4-4")
@pytest.mark.parametrize(
    "today", [date(2026, 12, 14), date(2026, 12, 15), date(2026, 1, 14), date(2026, 1, 20), date(2025, 6, 1)]
)
def test_a_new_review_is_wanted_60_days_before(today: date) -> None:
    limit = due_when_obtained_by(today)
    assert stale_on(limit) <= today + timedelta(days=60) < stale_on(limit + timedelta(days=1))


@pytest.mark.rule("T4-4")
def test_data_of_10_january_2026_wants_a_new_review_from_15_december_on() -> None:
    assert due_when_obtained_by(date(2026, 12, 14)) < date(2026, 1, 10) == due_when_obtained_by(date(2026, 12, 15))
