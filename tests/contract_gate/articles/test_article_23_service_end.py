"""Article 23: end of the service."""

from datetime import date, datetime

import pytest

from contract_gate.articles.article_23_service_end import earliest_end, told_in_time
from tests.contract_gate.arrange import jst


@pytest.mark.rule("T23-2")
@pytest.mark.parametrize(
    ("delivered_on", "expected"),
    [
        (date(2026, 12, 31), date(2027, 4, 1)),
        (date(2027, 1, 31), date(2027, 5, 1)),
        (date(2026, 12, 15), date(2027, 3, 16)),
        (date(2026, 11, 29), date(2027, 3, 1)),
    ],
)
def test_earliest_end(delivered_on: date, expected: date) -> None:
    assert earliest_end(delivered_on) == expected


@pytest.mark.rule("T23-1", "T23-2")
@pytest.mark.parametrize(
    ("delivered_at", "announced", "expected"),
    [
        pytest.param(jst(2026, 12, 31, 23), False, True, id="in time, JST"),
        pytest.param(jst(2027, 1, 1), False, False, id="a day late"),
        pytest.param(None, False, False, id="not told"),
        pytest.param(jst(2027, 1, 1), True, True, id="accepted with the end announced"),
        pytest.param(jst(2027, 3, 31, 23), True, True, id="the day before"),
        pytest.param(jst(2027, 4, 1), True, False, id="on the day"),
        pytest.param(None, True, False, id="accepted and not told"),
    ],
)
def test_told_in_time(delivered_at: datetime | None, announced: bool, expected: bool) -> None:
    assert told_in_time(date(2027, 4, 1), delivered_at, announced=announced) is expected
