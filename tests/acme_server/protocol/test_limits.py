"""GCRA as arithmetic, and that PostgreSQL takes by the same."""

from datetime import UTC, datetime, timedelta

import pytest

from acme_server.protocol.limits import Rate, admitted_at, network_of, seconds_until, step
from sql import Pool

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RATE = Rate(4, HOUR)  # one comes back each quarter of an hour


@pytest.mark.parametrize(
    ("full_in", "expected_in"),
    [
        pytest.param(None, timedelta(0), id="nothing was taken"),
        pytest.param(-HOUR, timedelta(0), id="all has come back"),
        pytest.param(timedelta(minutes=45), timedelta(0), id="three are taken"),
        pytest.param(timedelta(minutes=46), timedelta(minutes=1), id="a fourth comes back in a minute"),
        pytest.param(HOUR, timedelta(minutes=15), id="four are taken"),
    ],
)
@pytest.mark.std("A-058")
def test_admitted_at(full_in: timedelta | None, expected_in: timedelta) -> None:
    assert admitted_at(RATE, None if full_in is None else NOW + full_in, NOW) == NOW + expected_in


def test_no_limit() -> None:
    assert admitted_at(Rate(0, HOUR), NOW + 9 * HOUR, NOW) == NOW


@pytest.mark.parametrize(("wait", "seconds"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.001, 2), (900.0, 900)])
def test_seconds_until_is_never_too_early(wait: float, seconds: int) -> None:
    assert seconds_until(NOW + timedelta(seconds=wait), NOW) == seconds


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ],
)  # fmt: skip
def test_network_of(address: str, network: str) -> None:
    assert network_of(address) == network


async def taken(pool: Pool, *subjects: str, numbers: tuple[int, ...], at: datetime) -> bool:
    """Whether one of each was taken."""
    names = ["orders_of_account", "orders_of_contract"][: len(subjects)]
    statement = "SELECT acme.take(NULL, $1, $2, $3, $4, $5)"
    return bool(await pool.fetchval(statement, names, list(subjects), list(numbers), [HOUR] * len(subjects), at))


async def test_postgresql_takes_when_the_arithmetic_admits(pool: Pool) -> None:
    full_at: datetime | None = None
    for minute in (0, 0, 1, 2, 3, 14, 15, 16, 29, 31, 200, 200, 200, 200, 200, 215):
        at = NOW + timedelta(minutes=minute)
        admits = admitted_at(RATE, full_at, at) == at
        assert await taken(pool, "one", numbers=(4,), at=at) is admits, minute
        if admits:
            full_at = max(full_at or at, at) + step(RATE)
        assert await pool.fetchval("SELECT full_at FROM acme.limits") == full_at


async def test_all_limits_are_taken_or_none(pool: Pool) -> None:
    assert await taken(pool, "one", "two", numbers=(9, 1), at=NOW)
    before = await pool.fetch("SELECT * FROM acme.limits ORDER BY name")
    assert not await taken(pool, "one", "two", numbers=(9, 1), at=NOW)
    assert await pool.fetch("SELECT * FROM acme.limits ORDER BY name") == before
    assert await taken(pool, "one", "other", numbers=(9, 1), at=NOW)
