"""What an ACME client sends, made by hand so that each part can be wrong; josepy is the oracle beside it."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import josepy
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from acme_server.protocol.errors import AcmeError, ErrorType

T = TypeVar("T")

URL = "https://acme.example/new-order"
KID = "https://acme.example/account/1"
NONCE = "bm9uY2U"
EC_ALGS: dict[str, tuple[str, int, Any, Any]] = {
    "ES256": ("P-256", 32, ec.SECP256R1(), SHA256()),
    "ES384": ("P-384", 48, ec.SECP384R1(), SHA384()),
    "ES512": ("P-521", 66, ec.SECP521R1(), SHA512()),
}
ALL_ALGS = (*EC_ALGS, "EdDSA", "RS256")


def b64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def private_key(alg: str, which: int = 0) -> Any:
    """A private key of `alg`; another `which` is another key."""
    return _private_key(alg, which)


@cache
def _private_key(alg: str, which: int) -> Any:
    match alg:
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case _:
            return ec.generate_private_key(EC_ALGS[alg][2])


def jwk_of(key: Any) -> dict[str, Any]:
    """The public JWK of a private key."""
    public = key.public_key()
    match public:
        case ed25519.Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": b64_int(numbers.n), "e": b64_int(numbers.e)}
        case _:
            crv, size = next((c, s) for c, s, curve, _ in EC_ALGS.values() if curve.name == public.curve.name)
            point = public.public_numbers()
            return {"kty": "EC", "crv": crv, "x": b64(point.x.to_bytes(size)), "y": b64(point.y.to_bytes(size))}


def sign(key: Any, alg: str, message: bytes) -> bytes:
    """The JWS signature (RFC 7518 §3, RFC 8037 §3.1)."""
    if alg == "EdDSA":
        return bytes(key.sign(message))
    if alg == "RS256":
        return bytes(key.sign(message, padding.PKCS1v15(), SHA256()))
    size, digest = EC_ALGS[alg][1], EC_ALGS[alg][3]
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    return bytes(r.to_bytes(size) + s.to_bytes(size))


def header(alg: str = "ES256", **changes: Any) -> dict[str, Any]:
    """A good protected header with kid, changed; a member that is None is left out."""
    members = {"alg": alg, "nonce": NONCE, "url": URL, "kid": KID} | changes
    return {name: value for name, value in members.items() if value is not None}


def flattened(protected: Any, payload: bytes = b"", key: Any = None, alg: str = "ES256") -> dict[str, Any]:
    """A signed flattened JWS. `protected` may be the text itself."""
    text = protected if isinstance(protected, bytes) else json.dumps(protected).encode()
    parts = b64(text), b64(payload)
    signature = sign(key or private_key("ES256"), alg, ".".join(parts).encode())
    return {"protected": parts[0], "payload": parts[1], "signature": b64(signature)}


def body(protected: Any, payload: bytes = b"", key: Any = None, alg: str = "ES256") -> bytes:
    return json.dumps(flattened(protected, payload, key, alg)).encode()


def josepy_key(key: Any) -> Any:
    """josepy's reading of a private key; it has no OKP."""
    return josepy.JWKRSA(key=key) if isinstance(key, rsa.RSAPrivateKey) else josepy.JWKEC(key=key)


class Refused:
    """`with refused(type) as it:` the block raises an AcmeError of that type; `it.error` is the error."""

    def __init__(self, type_: ErrorType, text: str = "") -> None:
        self.type, self.text = type_, text
        self.error: AcmeError

    def __enter__(self) -> "Refused":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if error is None:
            pytest.fail(f"nothing refused it as {self.type.value}")
        if not isinstance(error, AcmeError):
            return False
        assert error.type is self.type, error
        assert self.text in error.detail
        self.error = error
        return True


def attempt(call: Callable[[], T]) -> T | AcmeError:
    """The value, or the AcmeError that refused it; every other exception is a fault."""
    try:
        return call()
    except AcmeError as error:
        return error


def refused(type_: ErrorType, text: str = "") -> Refused:
    return Refused(type_, text)
