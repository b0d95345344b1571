import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import nonce
from acme_server.protocol.errors import AcmeError, ErrorType
from tests.acme_server.protocol.clients import attempt, b64, refused

KEY = nonce.NonceKey(7, b"k" * 32)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RANDOM = bytes(range(16))
instants = st.integers(1_600_000_000, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
lifetimes = st.integers(1, 100_000).map(lambda seconds: timedelta(seconds=seconds))
seconds = st.integers(0, 200_000).map(lambda n: timedelta(seconds=n))


def test_an_issued_nonce_is_spendable() -> None:
    found = nonce.read(KEY, nonce.issue(KEY, NOW, RANDOM), NOW, HOUR)
    assert found.nonce == UUID(bytes=RANDOM)
    assert found.epoch == 7
    assert found.slot in range(4)


@pytest.mark.std("A-051")
@given(instants, st.binary(min_size=16, max_size=16), st.integers(-(2**31), 2**31 - 1))
def test_a_nonce_is_of_the_alphabet_and_carries_its_random_octets(at: datetime, random: bytes, epoch: int) -> None:
    key = nonce.NonceKey(epoch, KEY.mac_key)
    issued = nonce.issue(key, at, random)
    assert re.fullmatch("[A-Za-z0-9_-]+", issued)
    assert nonce.read(key, issued, at, HOUR).nonce.bytes == random


def test_a_nonce_has_128_random_bits() -> None:
    with pytest.raises(ValueError, match="16"):
        nonce.issue(KEY, NOW, RANDOM[:15])


@pytest.mark.parametrize(
    ("age", "good"),
    [
        pytest.param(timedelta(0), True, id="new"),
        pytest.param(HOUR - timedelta(seconds=1), True, id="in its last second"),
        pytest.param(HOUR, False, id="expired"),
        pytest.param(timedelta(days=400), False, id="long expired"),
        pytest.param(timedelta(seconds=-60), True, id="of a node whose clock is ahead"),
        pytest.param(timedelta(seconds=-61), False, id="of the future"),
    ],
)
def test_a_nonce_lives_as_long_as_it_is_said_to(age: timedelta, good: bool) -> None:
    issued = nonce.issue(KEY, NOW, RANDOM)
    if good:
        nonce.read(KEY, issued, NOW + age, HOUR)
    else:
        with refused(ErrorType.BAD_NONCE, "Replay-Nonce"):
            nonce.read(KEY, issued, NOW + age, HOUR)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(nonce.NonceKey(8, KEY.mac_key), id="another epoch"),
        pytest.param(nonce.NonceKey(7, b"x" * 32), id="another key"),
    ],
)
def test_a_nonce_of_another_key_was_never_issued(other: nonce.NonceKey) -> None:
    with refused(ErrorType.BAD_NONCE):
        nonce.read(KEY, nonce.issue(other, NOW, RANDOM), NOW, HOUR)


@pytest.mark.std("A-051")
@given(st.integers(0, 40), st.integers(1, 255))
def test_a_nonce_with_any_octet_changed_was_never_issued(index: int, change: int) -> None:
    octets = bytearray(nonce.base64url.decode(nonce.issue(KEY, NOW, RANDOM)))
    octets[index] ^= change
    with refused(ErrorType.BAD_NONCE):
        nonce.read(KEY, b64(bytes(octets)), NOW, HOUR)


@pytest.mark.std("A-050")
@pytest.mark.parametrize(
    ("text", "type_"),
    [
        pytest.param("bm9uY2U", ErrorType.BAD_NONCE, id="base64url of something else"),
        pytest.param("", ErrorType.BAD_NONCE, id="base64url of nothing"),
        pytest.param("bm9uY2U=", ErrorType.MALFORMED, id="padded"),
        pytest.param("a+/b", ErrorType.MALFORMED, id="plain base64"),
        pytest.param("a b", ErrorType.MALFORMED, id="a space"),
        pytest.param("日本", ErrorType.MALFORMED, id="not ASCII"),
    ],
)
def test_what_is_not_base64url_is_malformed(text: str, type_: ErrorType) -> None:
    with refused(type_):
        nonce.read(KEY, text, NOW, HOUR)


@given(st.text(max_size=60) | st.binary(max_size=60).map(b64))
def test_any_text_is_refused(text: str) -> None:
    found = attempt(lambda: nonce.read(KEY, text, NOW, HOUR))
    assert isinstance(found, AcmeError)
    assert found.type in (ErrorType.BAD_NONCE, ErrorType.MALFORMED)


@given(instants, seconds, lifetimes, st.integers(-60, 60))
def test_a_slot_is_emptied_only_when_none_of_its_nonces_is_valid(
    issued_at: datetime, later: timedelta, lifetime: timedelta, skew: int
) -> None:
    """Nor on a node whose clock is a minute off: a spent nonce is never forgotten too early."""
    now = issued_at + later
    issued = nonce.issue(KEY, issued_at, RANDOM)
    found = attempt(lambda: nonce.read(KEY, issued, now + timedelta(seconds=skew), lifetime))
    assert isinstance(found, AcmeError) or found.slot != nonce.expired_slot(now, lifetime)


@given(instants, lifetimes)
def test_every_slot_is_emptied_in_turn(start: datetime, lifetime: timedelta) -> None:
    period = max(lifetime + timedelta(seconds=1), timedelta(seconds=180))
    slots = [nonce.expired_slot(start + n * period, lifetime) for n in range(4)]
    assert sorted(slots) == [0, 1, 2, 3]
