from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol.renewal import Window, suggested_window

ISSUED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
instants = st.integers(1_600_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
spans = st.integers(1, 400 * 86_400).map(lambda s: timedelta(seconds=s))
serials = st.binary(min_size=1, max_size=20)


@pytest.mark.std("A-216")
@given(instants, spans, serials)
def test_the_window_lies_in_the_last_third(not_before: datetime, lifetime: timedelta, serial: bytes) -> None:
    not_after = not_before + lifetime
    window = suggested_window(not_before, not_after, None, None, not_before, serial=serial)
    assert window.start < window.end
    assert window.start.microsecond == window.end.microsecond == 0
    assert window.start >= not_before + 2 * lifetime / 3 - timedelta(seconds=1)
    assert window.end <= not_before + 5 * lifetime / 6 + timedelta(seconds=1)


@given(st.sets(serials, min_size=40, max_size=40))
def test_certificates_issued_together_are_spread(issued: set[bytes]) -> None:
    windows = [suggested_window(ISSUED, ISSUED + 90 * DAY, None, None, ISSUED, serial=s) for s in issued]
    starts = [window.start for window in windows]
    assert max(starts) - min(starts) > 2 * DAY
    assert {window.end - window.start for window in windows} <= {
        timedelta(days=7.5) + timedelta(seconds=s) for s in (-1, 0)
    }


def test_the_same_certificate_gets_the_same_window_at_any_time() -> None:
    found = {suggested_window(ISSUED, ISSUED + 90 * DAY, None, None, ISSUED + n * DAY, serial=b"1") for n in range(99)}
    assert len(found) == 1


@pytest.mark.std("A-220", "A-216")
@given(instants, spans, spans, serials, st.booleans())
def test_the_window_of_a_revoked_certificate_is_past(
    not_before: datetime, lifetime: timedelta, later: timedelta, serial: bytes, overridden: bool
) -> None:
    now = not_before + later
    override = Window(now + DAY, now + 2 * DAY) if overridden else None
    for revoked_at in (not_before, now, now + timedelta(microseconds=5), now + DAY):
        window = suggested_window(not_before, not_before + lifetime, revoked_at, override, now, serial=serial)
        assert window.start < window.end < now


@pytest.mark.std("A-220")
def test_an_operator_moves_the_window_of_a_certificate_to_be_revoked() -> None:
    override = Window(ISSUED - 2 * DAY, ISSUED - DAY)
    assert suggested_window(ISSUED, ISSUED + 90 * DAY, None, override, ISSUED, serial=b"1") is override
