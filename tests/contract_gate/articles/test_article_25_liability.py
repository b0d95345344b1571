"""The ceiling of the CA's liability, with the table of T25-1."""

from datetime import date

import pytest

from contract_gate.articles.article_25_liability import EXCLUSIONS, ceiling, proposal

END = date(2027, 3, 10)
NONE = dict.fromkeys(EXCLUSIONS, False)


@pytest.mark.parametrize(
    ("incident", "yen"),
    [
        pytest.param(date(2026, 3, 10), 55_000, id="T25-1 the first day"),
        pytest.param(date(2026, 3, 15), 50_416, id="T25-1 eleven months"),
        pytest.param(date(2026, 8, 25), 27_500, id="T25-1 six months and a half"),
        pytest.param(date(2026, 9, 10), 27_500, id="T25-1 six months"),
        pytest.param(date(2026, 9, 11), 22_916, id="T25-1 five months"),
        pytest.param(date(2027, 2, 10), 4_583, id="T25-1 one month"),
        pytest.param(date(2027, 2, 20), 0, id="T25-1 under a month"),
    ],
)
@pytest.mark.rule("T25-1")
def test_the_table_of_ceilings(incident: date, yen: int) -> None:
    assert ceiling(55_000, 12, incident, END) == yen


@pytest.mark.rule("T25-1")
def test_months_are_counted_not_iterated() -> None:
    assert ceiling(55_000, 12, date(2026, 8, 31), date(2027, 3, 31)) == 32_083


@pytest.mark.rule("T25-2")
def test_the_ceiling_uses_what_was_received() -> None:
    assert ceiling(0, 12, date(2026, 3, 20), END) == 0
    assert ceiling(30_000, 12, date(2026, 9, 10), END) == 15_000


@pytest.mark.rule("T25-1", "T25-3")
def test_any_exclusion_leaves_nothing() -> None:
    assert proposal(10_000, 27_500, NONE).proposed_yen == 10_000
    assert proposal(90_000, 27_500, NONE).proposed_yen == 27_500
    excluded = proposal(10_000, 27_500, {**NONE, "A25.1.6": True})
    assert (excluded.proposed_yen, excluded.excluded_by) == (0, ("A25.1.6",))
    with pytest.raises(ValueError, match=r"not answered: A25\.1\.11"):
        proposal(1, 1, dict.fromkeys(EXCLUSIONS[:-1], False))
