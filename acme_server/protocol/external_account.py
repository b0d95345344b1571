"""The proof that a new account belongs to a contract: external account binding. RFC 8555 §7.3.4."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from acme_server.protocol import keys, strict_json
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Jwk, Signed, parse_nested

MAC_ALGORITHMS: Mapping[str, Callable[[], Any]] = {
    "HS256": hashlib.sha256,
    "HS384": hashlib.sha384,
    "HS512": hashlib.sha512,
}
# For a kid that names no key, so that the answer takes as long. `verify_binding` never accepts it.
DUMMY_KEY = bytes(32)

_KID = re.compile(r"[!-~]{1,64}")
_WHAT = "externalAccountBinding"
_jwk = msgspec.json.Decoder(Jwk)


def read_binding(raw: bytes | msgspec.Raw, outer_url: str) -> Signed:
    """The binding; its form, alg, kid and url are right, its MAC is not checked. A-091 to A-093, A-098."""
    signed = parse_nested(raw, _WHAT)
    if signed.alg not in MAC_ALGORITHMS:
        raise _malformed(f"alg must be one of {', '.join(MAC_ALGORITHMS)}, made with the HMAC key of the binding")
    if signed.kid is None or not _KID.fullmatch(signed.kid):
        raise _malformed("kid must be the ASCII key identifier that came with the HMAC key, and there must be no jwk")
    if signed.url != outer_url:
        raise _malformed("url must be the same as in the outer JWS, the newAccount URL")
    return signed


def verify_binding(signed: Signed, hmac_key: bytes, outer_key: keys.AccountKey) -> None:
    """Returns if the MAC is of `hmac_key` and binds `outer_key`. A-094, A-095, A-099.

    For an unknown kid pass DUMMY_KEY: the refusal is the one of a wrong MAC, after the same work.
    """
    expected = hmac.digest(hmac_key, signed.signing_input, MAC_ALGORITHMS[signed.alg])
    good = hmac.compare_digest(expected, signed.signature)
    if not good or hmac.compare_digest(hmac_key, DUMMY_KEY):
        raise refused()
    bound = keys.of_jwk(strict_json.read(signed.payload, _jwk, f"{_WHAT}: the payload, which must be a JWK,"))
    if bound.thumbprint != outer_key.thumbprint:
        raise _malformed("the payload must be the public key in the jwk of the outer JWS; it is another key")


def refused() -> AcmeError:
    """The one answer for an unknown kid and for a wrong MAC."""
    return AcmeError(
        ErrorType.UNAUTHORIZED,
        "The external account binding does not verify. Check the key identifier and the HMAC key (base64url, decoded "
        "before use) that the CA gave you",
    )


def _malformed(why: str) -> AcmeError:
    return AcmeError(ErrorType.MALFORMED, f"{_WHAT}: {why}")
