"""Anything at all as the body of a signed request: a 4xx problem, and nothing changes. RFC 8555 §6.2, §6.7."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acme_server.client import LEAVE_OUT, Client, Json, b64, jwk, jws, new_key
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.hostile import check, mutated, nothing_unexpected, refused, seeded, stored

URLS = (
    "/dir", "/directory", "/new-nonce", "/new-account", "/new-order", "/revoke-cert", "/key-change", "/nothing",
    "/account/0193e3a0-0000-7000-8000-000000000000", "/order/0193e3a0-0000-7000-8000-000000000000",
    "/order/0193e3a0-0000-7000-8000-000000000000/finalize", "/certificate/x/1", "/certificate/x/0", "/renewal-info/x.y",
    "/authorization/0193e3a0-0000-7000-8000-000000000000", "/challenge/0193e3a0-0000-7000-8000-000000000000/dns-01",
)  # fmt: skip
TEXTS = (
    "", "\0", "a\0b", "é", "e\u0301", "\ufb01", "\u212b", "\u202e", "\ufeff", "😀" * 50, "%00", "../../etc/passwd",
    "a" * 299, "a" * 301, "a" * 5000, "-1", "1e400", "null", "'; DROP TABLE acme.orders; --", "{}", "urn:uuid:0",
    "\r\nX-Evil: 1", "xn--", "xn--a", "1.2.3.4", "::1", "*", "*.*.demo.test", ".", "\u0661.2.3.4", "mailto:", BASE,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, 10**40, -(10**40), [], {}, [[]], [None], [{}], {"": ""},
    {"a": {"b": []}}, [0] * 300, ["x"] * 5000, {str(n): n for n in range(3000)}, *TEXTS,
)  # fmt: skip
WEIRD_JSON = (
    b"", b" ", b"null", b"[]", b"0", b'""', b"{", b"}", b'{"a":1,"a":1}', b'{"\\u0061":1,"a":1}', b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}", b'"\\ud800"', b'{"protected":"\\udfff"}', b'{"protected":"\\ud83d\\ude00"}', b"{}x", b"NaN",
    b"-Infinity", b"1e999", b"9" * 20000, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 300 + b"]" * 300, b"\0" * 1000,
    b'{"a":"' + b"x" * 60_000 + b'"}', b"{" + b",".join(b'"%d":0' % n for n in range(7000)) + b"}", b"'{}'", b"<xml/>",
)  # fmt: skip


async def test_no_octets_are_a_request(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    chance, client = seeded("octets"), await served.registered()
    before = await stored(served.owner)
    bodies = [*WEIRD_JSON, *(chance.randbytes(chance.choice((1, 7, 100, 3000))) for _ in range(20))]
    with nothing_unexpected(caplog):
        for number, body in enumerate(bodies):
            refused(await client.post_body(URLS[number % len(URLS)], body), body[:80])
        for url in URLS:
            refused(await client.post_body(url, chance.choice(WEIRD_JSON)), url)
    assert await stored(served.owner) == before


async def test_a_signed_request_with_small_faults_is_none(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Whitespace aside, no octet of body or header may change: the same texts go in again, or it is refused."""
    chance, client = seeded("faults"), await served.registered()
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for _ in range(200):
            header = await client.protected("/new-order")
            body = json.dumps(jws(client.key, {"identifiers": [{"type": "dns", "value": "www.demo.test"}]}, header))
            wrong = mutated(chance, body.encode())
            found = await client.post_body("/new-order", wrong)
            if found.status != 201:
                refused(found, wrong)
            else:
                assert same_request(wrong, body.encode()), wrong
    after = await stored(served.owner)
    assert after[:2] == before[:2]


def same_request(one: bytes, other: bytes) -> bool:
    """Whether the two say the same: members known to us alike."""
    first, second = json.loads(one), json.loads(other)
    return all(first[name] == second[name] for name in ("protected", "payload", "signature"))


def odd_headers(chance: random.Random, header: Json) -> Iterator[Json]:
    """The protected header with each member left out, of a wrong type, or with a text nobody expects."""
    for name in ("alg", "nonce", "url", "kid", "jwk", "crit", "b64"):
        if name in header:
            yield {name: LEAVE_OUT}
        for value in chance.sample(VALUES, 14):
            yield {name: value}


async def test_a_signed_header_with_any_other_member_is_refused(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    chance, client = seeded("headers"), await served.registered()
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for changes in odd_headers(chance, {"alg": 0, "nonce": 0, "url": 0, "kid": 0}):
            refused(await client.post("/new-order", {"identifiers": []}, **changes), changes)
        for changes in odd_headers(chance, jwk(client.key)):
            kind = {"jwk": jwk(new_key()) | {name: v for name, v in changes.items() if v is not LEAVE_OUT}}
            refused(await client.post("/new-account", {}, kid=LEAVE_OUT, **kind), kind)
    assert await stored(served.owner) == before


async def test_any_key_in_a_header_is_refused_or_fits(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    chance, before, client = seeded("keys"), await stored(served.owner), served.client()
    good = jwk(client.key)
    odd = [
        *({**good, name: value} for name in good for value in chance.sample(VALUES, 10)),
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


def odd_payloads(chance: random.Random, good: Json, members: tuple[str, ...]) -> Iterator[Any]:
    """The payload as any other JSON, and without each member or with something else as it."""
    yield from (json.dumps(value).encode() for value in chance.sample(VALUES, 12))
    yield from chance.sample(WEIRD_JSON, 12)
    for name in members:
        yield {key: value for key, value in good.items() if key != name}
        yield from ({**good, name: value} for value in chance.sample(VALUES, 25))


async def every(client: Client, url: str, good: Json, *members: str, **header: Any) -> None:
    """Every odd payload gets an answer of the rules: not a fault of ours."""
    for payload in odd_payloads(seeded(url), good, members):
        check(await client.post(url, payload, **header), (url, payload))


async def test_any_payload_of_new_account_is_answered(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = served.client()
    with nothing_unexpected(caplog):
        members = (
            "contact",
            "termsOfServiceAgreed",
            "onlyReturnExisting",
            "externalAccountBinding",
            "status",
            "orders",
        )
        await every(client, "/new-account", {"onlyReturnExisting": True}, *members)
        before = await stored(served.owner)
        for contact in (*TEXTS, *(f"mailto:{text}" for text in TEXTS), *(f"mailto:a@{text}" for text in TEXTS)):
            refused(await client.register(contact=[contact]), contact)
    assert await stored(served.owner) == before


async def test_any_payload_of_an_account_is_answered(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    with nothing_unexpected(caplog):
        await every(client, client.kid or "", {}, "contact", "status", "termsOfServiceAgreed", "externalAccountBinding")
        await every(client, f"{client.kid}/orders", {}, "cursor")
        for cursor in ("", "%00", "x", "%ff", "é", "0" * 5000, "{}", "urn:uuid:" + "0" * 32, "a&after=b", "%F0%9F"):
            found = await client.post(f"{client.kid}/orders?after={cursor}")
            check(found, cursor)


async def test_any_payload_of_key_change_is_refused(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    before, url, new = await stored(served.owner), BASE + "/key-change", new_key()
    header = {"alg": "ES256", "url": url, "jwk": jwk(new)}
    good = {"account": client.kid, "oldKey": jwk(client.key)}
    with nothing_unexpected(caplog):
        await every(client, "/key-change", jws(new, {}, header), "protected", "payload", "signature", "header")
        for inner in odd_payloads(seeded("inner"), good, ("account", "oldKey")):
            refused(await client.post("/key-change", jws(new, inner, header)), inner)
        for name in ("alg", "url", "jwk", "kid", "nonce", "crit"):
            for value in seeded(name).sample(VALUES, 12):
                refused(await client.post("/key-change", jws(new, good, {**header, name: value})), (name, value))
    assert await stored(served.owner) == before
