import hashlib
import re

import josepy
import pytest
from acme import challenges as client
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import challenges, keys
from acme_server.protocol.jws import parse_request
from tests.acme_server.protocol.clients import body, header, josepy_key, jwk_of, private_key

random16 = st.binary(min_size=16, max_size=16)


@pytest.mark.std("A-156")
@given(random16, random16)
def test_a_token_holds_its_random_octets(first: bytes, second: bytes) -> None:
    token = challenges.new_token(first)
    assert re.fullmatch("[A-Za-z0-9_-]{22}", token)
    assert josepy.b64decode(token) == first
    assert (token == challenges.new_token(second)) == (first == second)


def test_a_token_has_no_less_than_128_bits() -> None:
    with pytest.raises(ValueError, match="16"):
        challenges.new_token(bytes(15))


@pytest.mark.std("A-154", "A-167")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256"])
def test_the_reference_client_makes_the_same(alg: str) -> None:
    key = private_key(alg)
    ours = keys.of_signed(parse_request(body(header(alg, kid=None, jwk=jwk_of(key)), key=key, alg=alg)))
    token = challenges.new_token(bytes(range(16)))
    authorization = challenges.key_authorization(token, ours.thumbprint)
    account_key = josepy_key(key)
    http = client.HTTP01(token=josepy.b64decode(token))
    dns = client.DNS01(token=josepy.b64decode(token))
    assert authorization == http.key_authorization(account_key)
    assert authorization == dns.key_authorization(account_key)
    assert challenges.dns_value(authorization) == dns.validation(account_key)
    assert challenges.tls_alpn_digest(authorization) == hashlib.sha256(authorization.encode()).digest()
