"""How long a proof of domain control serves, across the dates on which the limit falls."""

from datetime import UTC, datetime, timedelta

import pytest

from acme_server.protocol.reuse import usable_until

YEAR = timedelta(days=365)
MONTH = timedelta(days=30)


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.std("C-015")
@pytest.mark.parametrize(
    ("proven_at", "wanted", "until"),
    [
        pytest.param(at(2026, 4, 1), MONTH, at(2026, 5, 1), id="T4-4 what is wanted"),
        pytest.param(at(2026, 4, 1), YEAR, at(2026, 10, 18), id="T4-4 200 days"),
        pytest.param(at(2026, 11, 1), YEAR, at(2027, 3, 15), id="T4-4 too old from the day of the new limit on"),
        pytest.param(at(2027, 1, 1), YEAR, at(2027, 4, 11), id="T4-4 100 days after that day"),
        pytest.param(at(2028, 1, 1), YEAR, at(2028, 4, 10), id="T4-4 100 days"),
        pytest.param(at(2029, 3, 1), MONTH, at(2029, 3, 15), id="T4-4 a month ends early in 2029"),
        pytest.param(at(2029, 3, 10, 6), MONTH, at(2029, 3, 20, 6), id="T4-4 10 days after that day"),
        pytest.param(at(2029, 4, 1), MONTH, at(2029, 4, 11), id="T4-4 10 days"),
        pytest.param(at(2029, 4, 1), timedelta(days=3), at(2029, 4, 4), id="less is always possible"),
    ],
)
def test_usable_until(proven_at: datetime, wanted: timedelta, until: datetime) -> None:
    assert usable_until(proven_at, wanted) == until
