"""Article 20: change of the Terms."""

from datetime import datetime

import pytest

from contract_gate.articles.article_20_terms_change import early_enough
from contract_gate.readings import notice_reading
from tests.contract_gate.arrange import jst

NOVEMBER = jst(2026, 11, 1)


@pytest.mark.rule("T20-1")
@pytest.mark.parametrize(
    ("announced_at", "days", "expected"),
    [
        pytest.param(jst(2026, 10, 1, 9), 30, True, id="T20 example: 1 October 09:00, 30 days and 15 hours"),
        pytest.param(jst(2026, 10, 2), 30, True, id="30 days"),
        pytest.param(jst(2026, 10, 2, 0, 1), 30, False, id="a minute short"),
        pytest.param(NOVEMBER, 30, False, id="when it should count"),
        pytest.param(jst(2026, 11, 2), 1, False, id="after it should count"),
    ],
)
def test_early_enough(announced_at: datetime, days: int, expected: bool) -> None:
    assert early_enough(announced_at, NOVEMBER, days) is expected


def test_the_lead_is_thirty_days_and_never_none() -> None:
    assert notice_reading("terms.min_notice_days", None) == 30
    assert notice_reading("terms.min_notice_days", "45") == 45
    for value, said in (("0", "below 1"), ("366", "above 365")):
        with pytest.raises(ValueError, match=said):
            notice_reading("terms.min_notice_days", value)
