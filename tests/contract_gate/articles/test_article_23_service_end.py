"""Article 23: end of the service."""

from datetime import date, datetime

import pytest

from contract_gate.articles.article_23_service_end import earliest_end, end_allowed
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
    ("delivered", "expected"),
    [
        pytest.param([jst(2026, 12, 31, 23), jst(2026, 12, 1)], True, id="the last one in time, JST"),
        pytest.param([jst(2027, 1, 1), jst(2026, 12, 1)], False, id="one a day late"),
        pytest.param([None, jst(2026, 12, 1)], False, id="one not told"),
        pytest.param([], True, id="nobody to tell"),
    ],
)
def test_end_allowed(delivered: list[datetime | None], expected: bool) -> None:
    assert end_allowed(date(2027, 4, 1), delivered) is expected
