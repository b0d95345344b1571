"""The directory names the version of the Terms in force."""

from datetime import datetime, timedelta

import pytest

from acme_server.storage.terms import Version
from acme_server.use_cases.terms import LOOK, address_at, pause
from contract_gate.calendar import JST

NOVEMBER = datetime(2026, 11, 1, tzinfo=JST)
VERSIONS = (Version("2", NOVEMBER), Version("1", datetime(2026, 1, 1, tzinfo=JST)))


@pytest.mark.rule("T20-2", "T20-3")
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(NOVEMBER - timedelta(seconds=1), "https://o/terms/1", id="T20 example: 2026-10-31 23:59:59"),
        pytest.param(NOVEMBER, "https://o/terms/2", id="at its instant"),
        pytest.param(datetime(2025, 1, 1, tzinfo=JST), "https://o/terms", id="before any"),
    ],
)
def test_address_at(now: datetime, expected: str) -> None:
    assert address_at("https://o/terms", VERSIONS, now) == expected


def test_it_wakes_when_the_next_version_counts() -> None:
    assert pause(VERSIONS, NOVEMBER - timedelta(seconds=3)) == timedelta(seconds=3)
    assert pause(VERSIONS, NOVEMBER - timedelta(days=3)) == LOOK
    assert pause(VERSIONS, NOVEMBER) == LOOK
