"""Anything at all as the body of a signed request: a 4xx problem, and nothing changes. RFC 8555 §6.2, §6.7."""

import pytest

from tests.acme_server.client import b64
from tests.acme_server.conftest import Served
from tests.acme_server.edge.hostile import check, nothing_unexpected, refused, stored
from tests.acme_server.edge.odd import TEXTS, URLS

WEIRD_JSON = (
    b"", b" ", b"null", b"[]", b"0", b'""', b"{", b"}", b'{"a":1,"a":1}', b'{"\\u0061":1,"a":1}', b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}", b'"\\ud800"', b'{"protected":"\\udfff"}', b'{"protected":"\\ud83d\\ude00"}', b"{}x", b"NaN",
    b"-Infinity", b"1e999", b"9" * 20000, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 300 + b"]" * 300, b"\0" * 1000,
    b'{"a":"' + b"x" * 60_000 + b'"}', b"{" + b",".join(b'"%d":0' % n for n in range(7000)) + b"}", b"'{}'", b"<xml/>",
)  # fmt: skip


async def test_odd_octets_are_no_request(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for number, body in enumerate(WEIRD_JSON):
            refused(await client.post_body(URLS[number % len(URLS)], body), body[:80])
        for url in URLS:
            refused(await client.post_body(url, b"{"), url)
    assert await stored(served.owner) == before


async def test_an_odd_key_is_refused(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    before, client = await stored(served.owner), served.client()
    odd = [
        {"kty": "RSA", "n": b64(b"\xff" * 4096), "e": "AQAB"}, {"kty": "RSA", "n": b64(b"\xff" * 256), "e": "AQ"},
        {"kty": "RSA", "n": b64(b"\xff" * 513), "e": "AQAB"}, {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        {"kty": "RSA", "n": b64(b"\xff" * 256), "e": b64(b"\xff" * 300)}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256"},
        {"kty": "EC", "crv": "P-256", "x": b64(b"\xff" * 32), "y": b64(b"\xff" * 32)}, {"kty": "oct", "k": "AA"},
        {"kty": "EC", "crv": "P-256", "x": b64(bytes(32)), "y": b64(bytes(32))}, {"kty": "EC", "crv": "secp256k1"},
        {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes(32))}, {"kty": "OKP", "crv": "X25519", "x": b64(b"\x09" * 32)},
    ]  # fmt: skip
    with nothing_unexpected(caplog):
        for key in odd:
            refused(await client.post("/new-account", {"termsOfServiceAgreed": True}, jwk=key), key)
    assert await stored(served.owner) == before


async def test_no_odd_contact_is_one(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = served.client()
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for contact in (*TEXTS, *(f"mailto:{text}" for text in TEXTS), *(f"mailto:a@{text}" for text in TEXTS)):
            refused(await client.register(contact=[contact]), contact)
    assert await stored(served.owner) == before


async def test_any_cursor_of_a_list_is_answered(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    with nothing_unexpected(caplog):
        for cursor in ("", "%00", "x", "%ff", "é", "0" * 5000, "{}", "urn:uuid:" + "0" * 32, "a&after=b", "%F0%9F"):
            found = await client.post(f"{client.kid}/orders?after={cursor}")
            check(found, cursor)
