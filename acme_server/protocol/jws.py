"""Signed requests as they come in: flattened JWS and nothing else. RFC 8555 §6.2, RFC 7515 §7.2.2.

Parsing verifies nothing (`keys.verify` does, A-026). As RFC 7515 §4 and §7.2.2 want, members unknown to us are ignored,
except those that would change what is signed or how: `header`, `signatures`, `crit` and `b64` are refused.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from acme_server.protocol import base64url, strict_json
from acme_server.protocol.errors import AcmeError, ErrorType

ALGORITHMS = ("ES256", "ES384", "ES512", "EdDSA", "RS256")  # each accepted alg of an outer JWS
MAX_BODY = 64 * 1024

_Secret = Any | UnsetType


class Jwk(msgspec.Struct, frozen=True):
    """A JWK as sent (RFC 7517 §4), nothing of it checked but that the texts are texts; `keys.of_jwk` checks."""

    kty: str
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""
    d: _Secret = UNSET
    p: _Secret = UNSET
    q: _Secret = UNSET
    dp: _Secret = UNSET
    dq: _Secret = UNSET
    qi: _Secret = UNSET
    oth: _Secret = UNSET
    k: _Secret = UNSET

    @property
    def is_secret(self) -> bool:
        """Whether it holds any member of a private or symmetric key (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2)."""
        members = (self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k)
        return any(member is not UNSET for member in members)


class Signed(msgspec.Struct, frozen=True):
    """A JWS whose form is right; its signature is not verified. Exactly one of `kid` and `jwk` is present.

    `payload` is decoded (b"" is POST-as-GET, A-034). `nonce` None is for the caller to refuse (A-048).
    """

    alg: str
    nonce: str | None
    url: str
    kid: str | None
    jwk: Jwk | None
    payload: bytes
    signing_input: bytes
    signature: bytes


class _Flattened(msgspec.Struct, frozen=True):
    protected: str
    payload: str
    signature: str
    header: Any | UnsetType = UNSET
    signatures: Any | UnsetType = UNSET


class _Protected(msgspec.Struct, frozen=True):
    alg: str
    url: str
    nonce: str | UnsetType = UNSET
    kid: str | UnsetType = UNSET
    jwk: Jwk | UnsetType = UNSET
    crit: Any | UnsetType = UNSET
    b64: Any | UnsetType = UNSET


class _AnyBody(msgspec.Struct, frozen=True):
    protected: str


class _AnyProtected(msgspec.Struct, frozen=True):
    nonce: str


_any_body = msgspec.json.Decoder(_AnyBody)
_any_protected = msgspec.json.Decoder(_AnyProtected)
_flattened = msgspec.json.Decoder(_Flattened)
_protected = msgspec.json.Decoder(_Protected)


def parse_request(body: bytes, max_bytes: int = MAX_BODY) -> Signed:
    """The body of a signed request. A-003, A-004, A-009 to A-014, A-028, A-029, A-031, A-042.

    Raises MALFORMED. `nonce_of_refused` tells the nonce that such a body holds all the same.
    """
    if len(body) > max_bytes:
        raise _malformed(f"The request body has {len(body)} octets. At most {max_bytes} are read")
    return _parse(body, "The request body")


def parse_nested(value: bytes | msgspec.Raw, what: str) -> Signed:
    """A JWS inside a payload: external account binding, key change. It must not have a nonce (A-092, A-102)."""
    signed = _parse(bytes(value), what)
    if signed.nonce is not None:
        raise _malformed(f"{what} has a nonce in its protected header. Only the outer JWS may have one")
    return signed


def _parse(text: bytes, what: str) -> Signed:
    flat = strict_json.read(text, _flattened, f"{what}, which must be a flattened JWS,")
    if flat.header is not UNSET or flat.signatures is not UNSET:
        raise _malformed(f"{what} has a header or signatures member. Send one signature, all header in protected")
    header_text = base64url.field(flat.protected, f"{what}: protected")
    header = strict_json.read(header_text, _protected, f"{what}: the protected header")
    return _signed(flat, header, what)


def nonce_of_refused(body: bytes) -> str | None:
    """The nonce of a body that is refused for its form, if one can be read: it has appeared, so it is dead (A-046)."""
    try:
        return _any_protected.decode(base64url.decode(_any_body.decode(body).protected)).nonce
    except (ValueError, RecursionError):
        return None


def _signed(flat: _Flattened, header: _Protected, what: str) -> Signed:
    if header.crit is not UNSET or header.b64 is not UNSET:
        raise _malformed(f"{what}: crit and b64 in the protected header are not supported. Leave them out")
    if (header.kid is UNSET) == (header.jwk is UNSET):
        raise _malformed(f"{what}: the protected header must have exactly one of jwk and kid")
    payload = base64url.field(flat.payload, f"{what}: payload")
    signature = base64url.field(flat.signature, f"{what}: signature")
    return Signed(
        header.alg,
        None if header.nonce is UNSET else header.nonce,
        header.url,
        None if header.kid is UNSET else header.kid,
        None if header.jwk is UNSET else header.jwk,
        payload,
        f"{flat.protected}.{flat.payload}".encode(),
        signature,
    )


def _malformed(detail: str) -> AcmeError:
    return AcmeError(ErrorType.MALFORMED, detail)
