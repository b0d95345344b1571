"""Coordinates and signature halves have one width: no other split of the same octets is the same key or signature."""

import msgspec
import pytest

from acme_server.protocol import keys
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.jws import Jwk
from tests.acme_server.client import b64, jwk, new_key, unb64
from tests.acme_server.protocol.clients import refused
from tests.acme_server.protocol.test_keys import signed_by

ES256 = 32


def test_a_point_split_elsewhere_is_no_key() -> None:
    members = jwk(new_key())
    octets = unb64(members["x"]) + unb64(members["y"])
    assert keys.of_jwk(msgspec.convert(members, Jwk))
    for at in (ES256 - 1, ES256 + 1, 0, 2 * ES256):
        wrong = msgspec.convert(members | {"x": b64(octets[:at]), "y": b64(octets[at:])}, Jwk)
        with refused(ErrorType.BAD_PUBLIC_KEY, "32 octets"):
            keys.of_jwk(wrong)


@pytest.mark.std("A-027")
@pytest.mark.parametrize(
    "at",
    [pytest.param(ES256, id="a leading zero in s"), pytest.param(2 * ES256, id="an octet more")],
)
def test_a_signature_of_another_length_is_none(at: int) -> None:
    signed = signed_by("ES256")
    key = keys.of_signed(signed)
    keys.verify(signed, key)
    longer = signed.signature[:at] + b"\0" + signed.signature[at:]
    wrong = msgspec.structs.replace(signed, signature=longer)
    with refused(ErrorType.MALFORMED, "does not verify"):
        keys.verify(wrong, key)
