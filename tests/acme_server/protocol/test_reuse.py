"""How long a proof of domain control serves, across the dates on which the limit falls."""

from datetime import UTC, datetime, timedelta

import pytest

from acme_server.protocol.reuse import reuse_of, usable_until

YEAR = timedelta(days=365)
MONTH = timedelta(days=30)


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.std("C-015", "C-016")
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


@pytest.mark.std("C-015", "C-016")
@pytest.mark.parametrize(
    ("limit_from", "before", "after"),
    [(at(2027, 3, 15), 200, 100), (at(2029, 3, 15), 100, 10)],
)
def test_both_sides_of_each_date(limit_from: datetime, before: int, after: int) -> None:
    """By the instant of issuance, whatever the age: a proof of just over the new limit ends as that begins."""
    second = timedelta(seconds=1)
    old = limit_from - timedelta(days=before)  # serves to the last second before the date, by the old limit
    assert usable_until(old, YEAR) == limit_from
    assert usable_until(old - second, YEAR) == limit_from - second
    assert usable_until(limit_from - timedelta(days=after) - second, YEAR) == limit_from
    assert usable_until(limit_from - timedelta(days=after), YEAR) == limit_from
    assert usable_until(limit_from - timedelta(days=after) + second, YEAR) == limit_from + second


@pytest.mark.std("C-028", "A-244", "A-245")
@pytest.mark.parametrize(
    ("method", "lifetime", "ttl", "expected"),
    [
        ("dns-01", MONTH, None, MONTH),
        ("http-01", timedelta(minutes=1), None, timedelta(minutes=1)),
        ("dns-account-01", MONTH, None, MONTH),
        ("dns-persist-01", MONTH, None, timedelta(days=10)),
        ("dns-persist-01", timedelta(days=3), None, timedelta(days=3)),
        ("dns-persist-01", MONTH, 86_400 * 11, timedelta(days=10)),
        ("dns-persist-01", MONTH, 3600, timedelta(hours=1)),
        ("dns-persist-01", MONTH, 0, timedelta(minutes=10)),
        ("dns-persist-01", timedelta(minutes=1), 0, timedelta(minutes=1)),
    ],
)
def test_reuse_of(method: str, lifetime: timedelta, ttl: int | None, expected: timedelta) -> None:
    assert reuse_of(method, lifetime, ttl, timedelta(days=7)) == expected


@pytest.mark.std("A-245")
@pytest.mark.parametrize("order_lifetime", [timedelta(minutes=1), timedelta(days=7)])
def test_no_new_order_can_use_what_is_kept_for_the_order_at_hand(order_lifetime: timedelta) -> None:
    """What is used again ends after the new order does."""
    assert reuse_of("dns-persist-01", MONTH, 5, order_lifetime) <= order_lifetime
