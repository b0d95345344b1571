import json
from typing import Any

import josepy
import pytest
from acme import jws as client
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import keys
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import parse_request
from acme_server.protocol.key_change import read_inner
from tests.acme_server.protocol.clients import (
    ALL_ALGS,
    KID,
    URL,
    attempt,
    body,
    header,
    josepy_key,
    jwk_of,
    private_key,
    refused,
)

OLD, NEW = private_key("ES256"), private_key("ES256", 1)
OLD_JWK = jwk_of(OLD)
CURRENT = keys.of_signed(parse_request(body(header(kid=None, jwk=OLD_JWK))))


def inner(protected: dict[str, Any] | None = None, payload: Any = None, key: Any = NEW, alg: str = "ES256") -> bytes:
    """An inner JWS signed by the new key, good as it stands; its members can be changed."""
    members = header(alg, nonce=None, kid=None, jwk=jwk_of(key)) | (protected or {})
    change = {"account": KID, "oldKey": OLD_JWK} | (payload or {})
    return body({k: v for k, v in members.items() if v is not None}, json.dumps(change).encode(), key, alg)


@pytest.mark.std("A-101", "A-102", "A-103")
@pytest.mark.parametrize("alg", ALL_ALGS)
def test_the_new_key_of_a_good_change(alg: str) -> None:
    new = private_key(alg, 1)
    found = read_inner(inner(key=new, alg=alg), URL, KID, CURRENT)
    assert found.public_key == new.public_key()


def test_the_change_of_the_reference_client() -> None:
    payload = json.dumps({"account": KID, "oldKey": josepy_key(OLD).public_key().to_json()}).encode()
    sent = client.JWS.sign(payload, key=josepy_key(NEW), alg=josepy.ES256, nonce=None, url=URL)
    assert read_inner(sent.json_dumps().encode(), URL, KID, CURRENT).public_key == NEW.public_key()


@pytest.mark.parametrize(
    ("payload", "type_"),
    [
        pytest.param(b"", ErrorType.MALFORMED, id="A-101 no payload"),
        pytest.param(b"{}", ErrorType.MALFORMED, id="A-101 not a JWS"),
        pytest.param(json.dumps({"account": KID, "oldKey": OLD_JWK}).encode(), ErrorType.MALFORMED, id="A-101 bare"),
        pytest.param(inner({"jwk": None, "kid": KID}), ErrorType.MALFORMED, id="A-101 kid in place of jwk"),
        pytest.param(inner({"kid": KID}), ErrorType.MALFORMED, id="A-101 kid beside jwk"),
        pytest.param(inner({"jwk": OLD_JWK}), ErrorType.MALFORMED, id="A-101 signed by another key than its jwk"),
        pytest.param(inner({"nonce": "bm9uY2U"}), ErrorType.MALFORMED, id="A-102 a nonce"),
        pytest.param(inner({"url": URL + "x"}), ErrorType.MALFORMED, id="A-102 another url"),
        pytest.param(inner(payload={"account": KID + "/"}), ErrorType.MALFORMED, id="A-103 another account"),
        pytest.param(inner(payload={"account": None}), ErrorType.MALFORMED, id="A-103 no account"),
        pytest.param(inner(payload={"oldKey": jwk_of(NEW)}), ErrorType.MALFORMED, id="A-103 another old key"),
        pytest.param(inner(payload={"oldKey": {}}), ErrorType.MALFORMED, id="A-103 no old key"),
        pytest.param(inner({"alg": "none"}), ErrorType.BAD_SIGNATURE_ALGORITHM, id="A-104 alg none"),
        pytest.param(inner({"alg": "HS256"}), ErrorType.BAD_SIGNATURE_ALGORITHM, id="A-104 a MAC"),
        pytest.param(inner({"alg": "RS256"}), ErrorType.BAD_PUBLIC_KEY, id="A-104 alg of another key type"),
        pytest.param(inner({"jwk": jwk_of(NEW) | {"d": "AA"}}), ErrorType.BAD_PUBLIC_KEY, id="A-104 a private key"),
        pytest.param(
            inner({"alg": "RS256", "jwk": {"kty": "RSA", "n": "wQ", "e": "AQAB"}}),
            ErrorType.BAD_PUBLIC_KEY,
            id="A-104 a short RSA key",
        ),
    ],
)
def test_another_change_is_refused(payload: bytes, type_: ErrorType) -> None:
    with refused(type_):
        read_inner(payload, URL, KID, CURRENT)


@pytest.mark.std("A-103")
def test_the_old_key_is_compared_as_a_key() -> None:
    written_otherwise = dict(reversed((OLD_JWK | {"use": "sig"}).items()))
    read_inner(inner(payload={"oldKey": written_otherwise}), URL, KID, CURRENT)


@given(st.binary(max_size=60))
def test_any_octets_are_refused(payload: bytes) -> None:
    assert isinstance(attempt(lambda: read_inner(payload, URL, KID, CURRENT)), AcmeError)
