"""SCTs: their encoding, and what makes one good. The oracle is cryptography's own parser, and OpenSSL's signatures."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from ca.sct import AHEAD, BEHIND, Sct, SctError, encode, encode_list, fault, parse, parse_list, signed_by_log
from tests.ca.arrange import NOW, spki_of

KEY = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ISSUER_HASH, ENTRY = sha256(b"issuer").digest(), b"to be signed"
MS = int(NOW.timestamp() * 1000)


def sct_of(key: Any = KEY, at_ms: int = MS, extensions: bytes = b"", **changes: Any) -> Sct:
    """A log's SCT for ENTRY; `changes` replace fields afterwards."""
    made = Sct(sha256(spki_of(key)).digest(), at_ms, extensions, b"\x04\x03", b"")
    signed = struct.pack(">BBQH", 0, 0, at_ms, 1) + ISSUER_HASH + b"\0\0\x0c" + ENTRY
    signed += struct.pack(">H", len(extensions)) + extensions
    if isinstance(key, rsa.RSAPrivateKey):
        signature, algorithm = key.sign(signed, padding.PKCS1v15(), hashes.SHA256()), b"\x04\x01"
    else:
        signature, algorithm = key.sign(signed, ec.ECDSA(hashes.SHA256())), b"\x04\x03"
    return msgspec.structs.replace(made, **({"algorithm": algorithm, "signature": signature} | changes))


def judged(
    sct: Sct, key: Any = KEY, signed_at: datetime = NOW, now: datetime = NOW, entry: bytes = ENTRY
) -> str | None:
    spki = spki_of(key)
    return fault(sct, sha256(spki).digest(), spki, ISSUER_HASH, entry, signed_at, now)


@pytest.mark.std("C-127", "C-126")
@pytest.mark.parametrize("key", [KEY, RSA], ids=["ecdsa", "rsa"])
def test_a_good_sct_is_good_with_extensions_too(key: Any) -> None:
    assert judged(sct_of(key), key) is None
    assert judged(sct_of(key, extensions=b"\0\x01\x02"), key) is None


@pytest.mark.std("C-127")
@pytest.mark.parametrize(
    ("sct", "says"),
    [
        pytest.param(sct_of(log_id=bytes(32)), "another log", id="log id"),
        pytest.param(sct_of(timestamp_ms=MS + 1), "signature is wrong", id="another timestamp"),
        pytest.param(sct_of(extensions=b"\0\x01\x02").__class__(
            sct_of().log_id, MS, b"\0", b"\x04\x03", sct_of().signature), "signature is wrong", id="extensions"),
        pytest.param(sct_of(signature=b""), "signature is wrong", id="no signature"),
        pytest.param(sct_of(signature=b"garbage"), "signature is wrong", id="garbage"),
        pytest.param(sct_of(algorithm=b"\x04\x01"), "signature is wrong", id="algorithm of another key"),
        pytest.param(sct_of(algorithm=b"\x02\x03"), "signature is wrong", id="SHA-1"),
        pytest.param(sct_of(at_ms=MS + 3_600_000), "in the future", id="an hour ahead"),
        pytest.param(sct_of(at_ms=MS - 3_600_000), "older than", id="an hour before it was signed"),
        pytest.param(sct_of(at_ms=2**64 - 1), "no instant", id="after all time"),
    ],
)  # fmt: skip
def test_a_bad_sct_is_told(sct: Sct, says: str) -> None:
    assert says in (judged(sct) or "")


@pytest.mark.std("C-127")
def test_an_sct_is_for_its_entry_and_its_instant() -> None:
    assert judged(sct_of(), entry=b"another one!") == "its signature is wrong"
    seconds = lambda span: int(span.total_seconds() * 1000)  # noqa: E731
    assert judged(sct_of(at_ms=MS + seconds(AHEAD))) is None
    assert "future" in (judged(sct_of(at_ms=MS + seconds(AHEAD) + 1)) or "")
    assert judged(sct_of(at_ms=MS - seconds(BEHIND))) is None
    assert "older" in (judged(sct_of(at_ms=MS - seconds(BEHIND) - 1)) or "")
    assert judged(sct_of(), signed_at=NOW - timedelta(days=1)) is None  # a log takes its time


def test_a_log_with_another_kind_of_key_has_no_good_sct() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    assert judged(sct_of(log_id=sha256(spki_of(key)).digest()), key) == "its signature is wrong"


SCTS = st.builds(
    Sct, st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1), st.binary(max_size=40),
    st.binary(min_size=2, max_size=2), st.binary(max_size=80),
)  # fmt: skip


@pytest.mark.std("C-126")
@settings(max_examples=100, deadline=None)
@given(st.lists(SCTS, min_size=1, max_size=5))
def test_lists_are_read_as_they_were_written(scts: list[Sct]) -> None:
    assert [parse(encode(one)) for one in scts] == scts
    raw = encode_list(scts)
    assert parse_list(raw) == scts
    for spoilt in (raw[:-1], raw + b"\0", raw[:1], b""):
        with pytest.raises(SctError):
            parse_list(spoilt)


@pytest.mark.std("C-126", "C-127")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda raw: b"\x01" + raw[1:], "version 2", id="v2"),
        pytest.param(lambda raw: raw[:40], "truncated", id="cut in its head"),
        pytest.param(lambda raw: raw[:-1], "length", id="cut in its signature"),
        pytest.param(lambda raw: raw + b"\0", "length", id="more than one"),
        pytest.param(lambda raw: b"", "truncated", id="nothing"),
    ],
)
def test_what_is_no_sct(change: Callable[[bytes], bytes], says: str) -> None:
    with pytest.raises(SctError, match=says):
        parse(change(encode(sct_of())))


def test_an_empty_list_is_none() -> None:
    with pytest.raises(SctError, match="empty"):
        parse_list(b"\0\0")


def test_what_a_log_signs_is_as_the_rfc_says() -> None:
    """RFC 6962 §3.2: version, type, time, entry type, issuer key hash, length of 3 octets, bytes, extensions."""
    signed = signed_by_log(sct_of(extensions=b"\x01"), ISSUER_HASH, ENTRY)
    assert signed == (b"\0\0" + MS.to_bytes(8, "big") + b"\0\x01" + ISSUER_HASH + b"\0\0\x0c" + ENTRY + b"\0\x01\x01")
    assert sct_of().at == NOW
    assert NOW.tzinfo is UTC
