"""Article 22: planned maintenance."""

from datetime import datetime

import pytest

from contract_gate.articles.article_22_maintenance import may_open
from tests.contract_gate.arrange import jst

START = jst(2026, 8, 10, 1)


@pytest.mark.rule("T22-2")
@pytest.mark.parametrize(
    ("delivered_at", "emergency", "expected"),
    [
        pytest.param(jst(2026, 8, 3), False, True, id="T22 example: viewable a week before"),
        pytest.param(None, False, False, id="no notice delivered"),
        pytest.param(START, False, False, id="delivered as it starts"),
        pytest.param(None, True, True, id="emergency"),
    ],
)
def test_may_open(delivered_at: datetime | None, emergency: bool, expected: bool) -> None:
    assert may_open(START, delivered_at, emergency) is expected
