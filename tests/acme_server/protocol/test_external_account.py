import hashlib
import hmac
import json
from typing import Any

import josepy
import pytest
from acme import messages
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import external_account, keys
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.external_account import read_binding, verify_binding
from acme_server.protocol.jws import parse_request
from tests.acme_server.protocol.clients import (
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

HMAC_KEY = b"0123456789abcdef0123456789abcdef"
JWK = jwk_of(private_key("ES256"))
OUTER = keys.of_signed(parse_request(body(header(kid=None, jwk=JWK))))


def binding(protected: Any = None, payload: Any = None, key: bytes = HMAC_KEY) -> bytes:
    """A binding signed by `key`, good as it stands; its members can be changed."""
    protected = {"alg": "HS256", "kid": "kid-1", "url": URL} | (protected or {})
    members = {name: value for name, value in protected.items() if value is not None}
    parts = b64(json.dumps(members).encode()), b64(json.dumps(JWK if payload is None else payload).encode())
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(members.get("alg", ""), hashlib.sha256)
    mac = hmac.digest(key, ".".join(parts).encode(), digest)
    return json.dumps({"protected": parts[0], "payload": parts[1], "signature": b64(mac)}).encode()


@pytest.mark.std("A-091", "A-094", "A-095")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_good_binding(alg: str) -> None:
    signed = read_binding(binding({"alg": alg}), URL)
    assert signed.kid == "kid-1"
    verify_binding(signed, HMAC_KEY, OUTER)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_the_binding_of_the_reference_client(alg: str) -> None:
    made = messages.ExternalAccountBinding.from_data(
        account_public_key=josepy_key(private_key("ES256")).public_key(),
        kid="kid-1",
        hmac_key=b64(HMAC_KEY),
        directory=messages.Directory({"newAccount": URL}),
        hmac_alg=alg,
    )
    verify_binding(read_binding(json.dumps(made).encode(), URL), HMAC_KEY, OUTER)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(binding({"alg": "none"}), id="A-091 alg none"),
        pytest.param(binding({"alg": "ES256"}), id="A-091 a signature alg"),
        pytest.param(binding({"alg": "HS1"}), id="A-091 an unknown MAC alg"),
        pytest.param(binding({"alg": None}), id="A-091 no alg"),
        pytest.param(b"{", id="A-091 broken JSON"),
        pytest.param(b"null", id="A-091 null"),
        pytest.param(b"{}", id="A-091 an empty object"),
        pytest.param(json.dumps(b64(binding())).encode(), id="A-091 a string"),
        pytest.param(json.dumps(json.loads(binding()) | {"header": {}}).encode(), id="A-091 an unprotected header"),
        pytest.param(json.dumps(flattened(header(nonce=None))).encode(), id="A-091 signed by the account key"),
        pytest.param(binding({"nonce": "bm9uY2U"}), id="A-092 a nonce"),
        pytest.param(binding({"kid": None}), id="A-092 no kid"),
        pytest.param(binding({"kid": None, "jwk": JWK}), id="A-092 jwk in place of kid"),
        pytest.param(binding({"kid": ""}), id="A-092 an empty kid"),
        pytest.param(binding({"kid": 1}), id="A-092 a kid that is a number"),
        pytest.param(binding({"kid": "契約"}), id="A-098 a kid that is not ASCII"),
        pytest.param(binding({"kid": "a\0b"}), id="A-098 a kid with a control character"),
        pytest.param(binding({"kid": "k" * 65}), id="A-098 a kid longer than any issued"),
        pytest.param(binding({"url": URL + "/"}), id="A-093 another url"),
        pytest.param(binding({"url": None}), id="A-093 no url"),
    ],
)
def test_a_binding_that_is_not_as_it_must_be_is_malformed(raw: bytes) -> None:
    with refused(ErrorType.MALFORMED, "externalAccountBinding"):
        read_binding(raw, URL)


@pytest.mark.std("A-094")
def test_a_wrong_mac_and_an_unknown_kid_look_alike() -> None:
    signed = read_binding(binding(key=b"wrong" * 8), URL)
    with refused(ErrorType.UNAUTHORIZED) as wrong:
        verify_binding(signed, HMAC_KEY, OUTER)
    with refused(ErrorType.UNAUTHORIZED) as unknown:
        verify_binding(signed, external_account.DUMMY_KEY, OUTER)
    assert str(wrong.error) == str(unknown.error) == str(external_account.refused())


@pytest.mark.std("A-094")
def test_a_mac_under_the_dummy_key_is_not_accepted() -> None:
    signed = read_binding(binding(key=external_account.DUMMY_KEY), URL)
    with refused(ErrorType.UNAUTHORIZED):
        verify_binding(signed, external_account.DUMMY_KEY, OUTER)


@pytest.mark.std("A-098")
def test_the_mac_key_is_the_decoded_one() -> None:
    signed = read_binding(binding(key=b64(HMAC_KEY).encode()), URL)
    with refused(ErrorType.UNAUTHORIZED, "decoded"):
        verify_binding(signed, HMAC_KEY, OUTER)


@pytest.mark.std("A-095")
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(dict(reversed(JWK.items())), id="members in another order"),
        pytest.param(JWK | {"use": "sig", "kid": "x"}, id="more members"),
    ],
)
def test_the_bound_key_is_compared_as_a_key(payload: dict[str, Any]) -> None:
    verify_binding(read_binding(binding(payload=payload), URL), HMAC_KEY, OUTER)


@pytest.mark.std("A-095")
@pytest.mark.parametrize(
    ("payload", "type_"),
    [
        pytest.param(jwk_of(private_key("ES256", 1)), ErrorType.MALFORMED, id="another key"),
        pytest.param({}, ErrorType.MALFORMED, id="no key"),
        pytest.param([JWK], ErrorType.MALFORMED, id="an array"),
        pytest.param(JWK | {"d": "AA"}, ErrorType.BAD_PUBLIC_KEY, id="a private key"),
    ],
)
def test_another_bound_key_is_refused(payload: Any, type_: ErrorType) -> None:
    with refused(type_):
        verify_binding(read_binding(binding(payload=payload), URL), HMAC_KEY, OUTER)


def test_josepy_verifies_what_we_accept() -> None:
    theirs = josepy.JWS.from_json(json.loads(binding()))
    assert theirs.verify(key=josepy.JWKOct(key=HMAC_KEY))


@given(st.binary(max_size=60) | st.text('{}":,[]', max_size=20).map(str.encode))
def test_any_octets_are_refused(raw: bytes) -> None:
    assert isinstance(attempt(lambda: read_binding(raw, URL)), AcmeError)
