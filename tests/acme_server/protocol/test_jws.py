"""The form of signed requests. Whose signature it is: test_keys."""

import json
from typing import Any

import josepy
import pytest
from acme import jws as client
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Jwk, nonce_of_refused, parse_nested, parse_request
from tests.acme_server.protocol.clients import (
    KID,
    NONCE,
    URL,
    attempt,
    b64,
    body,
    flattened,
    header,
    josepy_key,
    jwk_of,
    private_key,
    refused,
)


def test_a_good_request_reads() -> None:
    signed = parse_request(body(header(), b'{"a": 1}'))
    assert (signed.alg, signed.nonce, signed.url, signed.kid, signed.jwk) == ("ES256", NONCE, URL, KID, None)
    assert signed.payload == b'{"a": 1}'
    assert len(signed.signature) == 64
    assert signed.signing_input.count(b".") == 1


def test_a_jwk_reads_with_members_of_no_meaning_to_us() -> None:
    members = jwk_of(private_key("ES256"))
    signed = parse_request(body(header(kid=None, jwk=members | {"use": "sig", "kid": "1", "alg": "ES256"})))
    assert signed.kid is None
    assert signed.jwk == Jwk(kty="EC", crv="P-256", x=members["x"], y=members["y"])


def test_header_parameters_of_no_meaning_to_us_are_ignored() -> None:
    """RFC 7515 §4."""
    assert parse_request(body(header(typ="JOSE+JSON", extra={"a": [1]}))).url == URL


def test_an_absent_nonce_is_left_to_the_caller() -> None:
    assert parse_request(body(header(nonce=None))).nonce is None


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("with_kid", [True, False])
def test_the_reference_client_is_understood(indent: int | None, with_kid: bool) -> None:
    key = josepy_key(private_key("ES256"))
    sent = client.JWS.sign(
        b"{}", key=key, alg=josepy.ES256, nonce=b"nonce", url=URL, kid=KID if with_kid else None
    ).json_dumps(indent=indent)
    signed = parse_request(sent.encode())
    assert (signed.nonce, signed.url, signed.kid) == (NONCE, URL, KID if with_kid else None)
    assert (signed.jwk is None) is with_kid


def test_the_reference_client_understands_what_we_read() -> None:
    text = body(header(), b"{}")
    theirs = client.JWS.from_json(json.loads(text))
    assert theirs.signature.combined.url == parse_request(text).url


GOOD = flattened(header(), b"{}")
PARTS = [GOOD["protected"], GOOD["payload"], GOOD["signature"]]
GENERAL = {"payload": GOOD["payload"], "signatures": [{k: GOOD[k] for k in ("protected", "signature")}]}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(".".join(PARTS).encode(), id="A-009 compact form"),
        pytest.param(json.dumps(GENERAL).encode(), id="A-009 A-010 general form with one signature"),
        pytest.param(b"{}", id="A-009 bare JSON"),
        pytest.param(b'{"identifiers": []}', id="A-009 the payload itself"),
        pytest.param(json.dumps([GOOD]).encode(), id="A-009 an array"),
        pytest.param(b'"x"', id="A-009 a string"),
        pytest.param(json.dumps(GOOD | {"signatures": []}).encode(), id="A-010 signatures beside a good signature"),
        pytest.param(json.dumps(GOOD | {"signatures": None}).encode(), id="A-010 signatures null"),
        pytest.param(json.dumps(GOOD | {"header": {}}).encode(), id="A-011 an empty unprotected header"),
        pytest.param(json.dumps(GOOD | {"header": {"kid": "x"}}).encode(), id="A-011 an unprotected header"),
        pytest.param(json.dumps({k: GOOD[k] for k in ("protected", "signature")}).encode(), id="A-013 no payload"),
        pytest.param(json.dumps(GOOD | {"payload": None}).encode(), id="A-013 payload null"),
        pytest.param(json.dumps(GOOD | {"payload": {}}).encode(), id="A-013 payload an object"),
        pytest.param(json.dumps({k: GOOD[k] for k in ("protected", "payload")}).encode(), id="no signature"),
        pytest.param(json.dumps(GOOD | {"payload": "e30="}).encode(), id="A-004 payload padded"),
        pytest.param(json.dumps(GOOD | {"payload": "e3 0"}).encode(), id="A-004 payload with a space"),
        pytest.param(json.dumps(GOOD | {"protected": PARTS[0] + "="}).encode(), id="A-004 protected padded"),
        pytest.param(json.dumps(GOOD | {"signature": "+/" + PARTS[2][2:]}).encode(), id="A-004 signature in base64"),
        pytest.param(json.dumps(GOOD).encode()[:-1] + b', "payload": ""}', id="A-029 payload twice"),
        pytest.param(json.dumps(GOOD).encode()[:-1] + b', "x": 1, "x": 2}', id="A-029 an unknown member twice"),
        pytest.param(json.dumps(GOOD).encode()[:-1], id="A-003 cut short"),
        pytest.param(b"\xff" + json.dumps(GOOD).encode(), id="A-003 not UTF-8"),
        pytest.param(json.dumps(GOOD).encode().ljust(64 * 1024 + 1), id="A-031 too long"),
    ],
)
def test_a_body_that_is_no_flattened_jws_is_malformed(sent: bytes) -> None:
    with refused(ErrorType.MALFORMED):
        parse_request(sent)


def test_the_parts_of_that_table_are_good() -> None:
    assert parse_request(json.dumps(GOOD).encode().ljust(64 * 1024)).payload == b"{}"


JWK = jwk_of(private_key("ES256"))


@pytest.mark.parametrize(
    "protected",
    [
        pytest.param(header(b64=False, crit=["b64"]), id="A-012 unencoded payload"),
        pytest.param(header(b64=False), id="A-012 unencoded payload not marked critical"),
        pytest.param(header(jwk=JWK), id="A-014 kid and jwk"),
        pytest.param(header(kid=None), id="A-014 neither kid nor jwk"),
        pytest.param({k: v for k, v in header().items() if k != "alg"}, id="A-014 no alg"),
        pytest.param(header() | {"alg": None}, id="A-014 alg null"),
        pytest.param(header() | {"nonce": 1}, id="A-014 a nonce that is a number"),
        pytest.param(header() | {"kid": None}, id="A-014 kid null"),
        pytest.param(header(kid=None, jwk="x"), id="A-014 a jwk that is a string"),
        pytest.param(header(kid=None, jwk={"kty": "EC", "crv": "P-256", "x": 1, "y": "AA"}), id="a number in a jwk"),
        pytest.param(header(crit=["exp"], exp=1), id="A-028 crit"),
        pytest.param(header(crit=[]), id="A-028 crit empty"),
        pytest.param(header(url=None), id="A-042 no url"),
        pytest.param(header() | {"url": None}, id="A-042 url null"),
        pytest.param(header(url=[URL]), id="A-042 url not a string"),
        pytest.param([header()], id="protected not an object"),
        pytest.param(b"", id="protected empty"),
        pytest.param(b"\xff\xfe", id="A-003 protected not UTF-8"),
        pytest.param(json.dumps(header()).encode()[:-1] + b', "alg": "none"}', id="A-029 alg twice"),
        pytest.param(json.dumps(header()).encode()[:-1] + b', "\\u0061lg": "none"}', id="A-029 alg twice, escaped"),
        pytest.param(
            json.dumps(header(kid=None)).encode()[:-1] + b', "jwk": {"kty": "EC", "kty": "RSA"}}',
            id="A-029 kty twice in the jwk",
        ),
    ],
)
def test_a_protected_header_that_is_not_as_it_must_be_is_malformed(protected: Any) -> None:
    with refused(ErrorType.MALFORMED):
        parse_request(body(protected))


@pytest.mark.parametrize(
    ("sent", "nonce"),
    [
        pytest.param(body(header(jwk=JWK)), NONCE, id="kid and jwk"),
        pytest.param(body(header(crit=["x"])), NONCE, id="crit"),
        pytest.param(body(header(url=None)), NONCE, id="no url"),
        pytest.param(json.dumps(GOOD | {"header": {}}).encode(), NONCE, id="an unprotected header"),
        pytest.param(json.dumps({"protected": GOOD["protected"]}).encode(), NONCE, id="protected alone"),
        pytest.param(body(header(nonce=None, crit=["x"])), None, id="no nonce"),
        pytest.param(body(header(crit=["x"]) | {"nonce": 1}), None, id="a nonce that is a number"),
        pytest.param(b"[" * 60_000, None, id="nesting without end"),
        pytest.param(b"\xff", None, id="not JSON"),
    ],
)
def test_the_nonce_of_a_refused_body_is_known(sent: bytes, nonce: str | None) -> None:
    with refused(ErrorType.MALFORMED):
        parse_request(sent)
    assert nonce_of_refused(sent) == nonce


@given(st.binary(max_size=100))
def test_any_octets_have_a_nonce_or_none(octets: bytes) -> None:
    assert nonce_of_refused(octets) is None
    assert nonce_of_refused(json.dumps({"protected": b64(octets)}).encode()) is None


def test_a_nested_jws_has_no_nonce() -> None:
    assert parse_nested(body(header(nonce=None)), "The inner JWS").nonce is None
    with refused(ErrorType.MALFORMED, "nonce"):
        parse_nested(body(header()), "The inner JWS")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["alg", "nonce", "url", "kid", "jwk", "crit", "b64", "typ"])


@given(st.binary(max_size=100))
def test_octets_are_malformed(octets: bytes) -> None:
    found = attempt(lambda: parse_request(octets))
    assert isinstance(found, AcmeError)
    assert found.type is ErrorType.MALFORMED


@given(st.dictionaries(NAMES, json_values | st.sampled_from([KID, JWK])), json_values)
def test_any_header_gives_a_request_or_malformed(members: dict[str, Any], payload: Any) -> None:
    protected = b64(json.dumps(members).encode())
    sent = {"protected": protected, "payload": payload if isinstance(payload, str) else "", "signature": ""}
    match attempt(lambda: parse_request(json.dumps(sent).encode())):
        case AcmeError(type=type_):
            assert type_ is ErrorType.MALFORMED
        case signed:
            assert (signed.kid is None) != (signed.jwk is None)
            assert members["url"] == signed.url
