from datetime import UTC, datetime, timedelta

import pytest

from ca.profiles import PROFILES, SHORTLIVED, TLSSERVER, Profile, first_offered, lifetime, offered

YEARS = Profile("years", "", "2.23.140.1.2.2", timedelta(days=825))
SECOND = timedelta(seconds=1)


def days(count: int) -> timedelta:
    """So many days, both ends counted."""
    return timedelta(days=count) - SECOND


@pytest.mark.std("C-081")
@pytest.mark.rule("T12-5")
@pytest.mark.parametrize(
    ("profile", "at", "expected"),
    [
        pytest.param(TLSSERVER, datetime(2026, 11, 22, tzinfo=UTC), days(199), id="T12-5 tlsserver under 200"),
        pytest.param(YEARS, datetime(2026, 3, 15, tzinfo=UTC), days(199), id="C-080 first day of 200"),
        pytest.param(YEARS, datetime(2027, 3, 14, 23, 59, 59, tzinfo=UTC), days(199), id="C-080 last second of 200"),
        pytest.param(YEARS, datetime(2027, 3, 15, tzinfo=UTC), days(99), id="C-080 first day of 100"),
        pytest.param(TLSSERVER, datetime(2027, 3, 15, tzinfo=UTC), days(99), id="C-080 tlsserver under 100"),
        pytest.param(YEARS, datetime(2029, 3, 14, 23, 59, 59, tzinfo=UTC), days(99), id="C-080 last second of 100"),
        pytest.param(YEARS, datetime(2029, 3, 15, tzinfo=UTC), days(46), id="C-080 first day of 47"),
        pytest.param(SHORTLIVED, datetime(2026, 11, 22, tzinfo=UTC), days(6), id="C-085 six days"),
        pytest.param(SHORTLIVED, datetime(2029, 4, 1, tzinfo=UTC), days(6), id="C-085 six days for ever"),
    ],
)
def test_lifetime(profile: Profile, at: datetime, expected: timedelta) -> None:
    assert lifetime(profile, at) == expected


@pytest.mark.std("C-081")
def test_lifetime_stays_below_the_inclusive_limit() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert lifetime(YEARS, at) + timedelta(days=1) == timedelta(seconds=17_279_999)


def test_lifetime_before_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="the table begins 2026-03-15"):
        lifetime(TLSSERVER, datetime(2026, 3, 14, tzinfo=UTC))


def test_profiles_are_named_as_they_say() -> None:
    assert {name: profile.name for name, profile in PROFILES.items()} == {name: name for name in PROFILES}
    assert PROFILES["tlsserver"] is TLSSERVER


@pytest.mark.parametrize("names", [("tlsserver", "shortlived"), ("shortlived", "tlsserver"), ("shortlived",)])
def test_the_first_of_those_on_offer_is_what_an_order_without_one_gets(names: tuple[str, ...]) -> None:
    assert list(offered(names)) == list(names)
    assert first_offered(offered(names)) is PROFILES[names[0]]
