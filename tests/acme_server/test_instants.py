"""Instants as people type them."""

from datetime import UTC, datetime

import click
import pytest

from acme_server.instants import Instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2027-05-01", datetime(2027, 4, 30, 15, tzinfo=UTC), id="the beginning of a day in Japan"),
        pytest.param("2027-05-01T09:00:00+09:00", datetime(2027, 5, 1, tzinfo=UTC), id="with an offset"),
        pytest.param("2199-12-31T23:59:59Z", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC), id="the last"),
    ],
)
def test_an_instant(text: str, expected: datetime) -> None:
    assert Instant().convert(text, None, None) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2027-05-01T09:00:00", "has no offset"),
        ("2200-01-01T00:00:00Z", "outside the years 2000 to 2199"),
        ("1999-12-31T23:59:59Z", "outside the years"),
        ("0001-01-01", "is no instant"),
        ("tomorrow", "is no instant"),
    ],
)
def test_what_is_none(text: str, why: str) -> None:
    with pytest.raises(click.BadParameter, match=why):
        Instant().convert(text, None, None)
