"""Public keys of accounts, and the signatures they make. RFC 8555 §6.2, RFC 7518 §3, §6, RFC 7638, RFC 8037."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from acme_server.protocol import base64url
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import ALGORITHMS as ALGORITHMS
from acme_server.protocol.jws import Jwk, Signed

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

RSA_BITS = (2048, 4096)
RSA_EXPONENTS = (65537, (1 << 64) - 1)  # BR §6.1.6 advises 2^16+1 at least; beyond 64 bits OpenSSL verifies nothing


@dataclass(frozen=True, slots=True)
class _Curve:
    name: str
    octets: int  # of one coordinate, and of R and of S (RFC 7518 §3.4)
    alg: str
    curve: ec.EllipticCurve
    scheme: ec.ECDSA


_CURVES = (
    _Curve("P-256", 32, "ES256", ec.SECP256R1(), ec.ECDSA(SHA256())),
    _Curve("P-384", 48, "ES384", ec.SECP384R1(), ec.ECDSA(SHA384())),
    _Curve("P-521", 66, "ES512", ec.SECP521R1(), ec.ECDSA(SHA512())),
)
_CURVE_OF_NAME = {curve.name: curve for curve in _CURVES}
_CURVE_OF_KEY = {curve.curve.name: curve for curve in _CURVES}
_PKCS1 = padding.PKCS1v15()
_SHA256 = SHA256()

# Octets of the Edwards points of small order (RFC 7748 §6.1): under such a key anybody's signature verifies.
_ED25519_PRIME = 2**255 - 19
_ED25519_D = -121665 * pow(121666, -1, _ED25519_PRIME) % _ED25519_PRIME
_ED25519_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_ED25519_SMALL = frozenset({0, 1, _ED25519_PRIME - 1, _ED25519_ORDER_8, _ED25519_PRIME - _ED25519_ORDER_8})


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key that passed the policy. Two of them are the same key if and only if `thumbprint` is the same (A-095)."""

    public_key: PublicKey
    spki_der: bytes
    spki_sha256: bytes
    thumbprint: bytes
    algs: tuple[str, ...]


def of_signed(signed: Signed) -> AccountKey:
    """The key in the jwk of a JWS. An unsupported alg is said before anything about the key (A-023)."""
    _require_supported(signed.alg)
    if signed.jwk is None:
        raise AcmeError(ErrorType.MALFORMED, "The protected header has kid. This request needs jwk, the public key")
    return of_jwk(signed.jwk)


def of_jwk(jwk: Jwk) -> AccountKey:
    """The key of a JWK. A-020 to A-022, A-024. Raises BAD_PUBLIC_KEY that says why, MALFORMED for bad base64url.

    Stricter than RFC 8555: coordinates of full width (RFC 7518 §6.2.1.2), integers without leading zero octets
    (§6.3.1), so that the client's thumbprint is ours; no member of a private key.
    """
    if jwk.is_secret:
        _refuse(
            "jwk holds a private or symmetric key. Send the public members only, and replace this key: it was shown"
        )
    match jwk.kty:
        case "EC":
            return _account_key(_ec_key(jwk))
        case "OKP":
            return _account_key(_okp_key(jwk))
        case "RSA":
            return _account_key(_rsa_key(jwk))
        case _:
            return _refuse("jwk has a kty that is not EC, OKP or RSA")


@lru_cache(maxsize=4096)
def of_spki(spki_der: bytes) -> AccountKey:
    """The key of a SubjectPublicKeyInfo, under the same policy as `of_jwk`."""
    try:
        key = load_der_public_key(spki_der)
    except (ValueError, UnsupportedAlgorithm):
        _refuse("the SubjectPublicKeyInfo is not one of a key this server knows")
    if not isinstance(key, PublicKey):
        _refuse("the key is not an EC, Ed25519 or RSA key")
    return _account_key(key)


def verify(signed: Signed, key: AccountKey) -> None:
    """Returns if the signature is the key's. A-019, A-023, A-025, A-027.

    Raises BAD_SIGNATURE_ALGORITHM, BAD_PUBLIC_KEY (alg and key do not agree) or MALFORMED (any other signature).
    """
    _require_supported(signed.alg)
    if signed.alg not in key.algs:
        _refuse(f"alg {signed.alg} does not go with this key. Sign with {' or '.join(key.algs)}")
    try:
        _verify(key.public_key, signed.signature, signed.signing_input)
    except InvalidSignature:
        raise AcmeError(
            ErrorType.MALFORMED,
            "The JWS signature does not verify under the key of this request. Sign protected and payload as sent",
        ) from None


def _require_supported(alg: str) -> None:
    if alg not in ALGORITHMS:
        raise AcmeError(
            ErrorType.BAD_SIGNATURE_ALGORITHM,
            f"The JWS alg is not supported. Sign with one of {', '.join(ALGORITHMS)}",
            fields={"algorithms": list(ALGORITHMS)},
        )


def _verify(key: PublicKey, signature: bytes, message: bytes) -> None:
    match key:
        case ec.EllipticCurvePublicKey():
            curve = _CURVE_OF_KEY[key.curve.name]
            if len(signature) != 2 * curve.octets:
                raise InvalidSignature
            r = int.from_bytes(signature[: curve.octets], "big")
            s = int.from_bytes(signature[curve.octets :], "big")
            key.verify(encode_dss_signature(r, s), message, curve.scheme)
        case ed25519.Ed25519PublicKey():
            key.verify(signature, message)
        case rsa.RSAPublicKey():
            key.verify(signature, message, _PKCS1, _SHA256)


def _ec_key(jwk: Jwk) -> ec.EllipticCurvePublicKey:
    curve = _CURVE_OF_NAME.get(jwk.crv)
    if curve is None:
        _refuse(f"jwk has an EC curve other than {', '.join(_CURVE_OF_NAME)}")
    x, y = base64url.field(jwk.x, "jwk: x"), base64url.field(jwk.y, "jwk: y")
    if len(x) != curve.octets or len(y) != curve.octets:
        _refuse(f"jwk: x and y of {curve.name} must have {curve.octets} octets each, leading zeros included")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, b"\x04" + x + y)
    except ValueError:
        return _refuse(f"jwk: x and y are not a point on {curve.name}")


def _okp_key(jwk: Jwk) -> ed25519.Ed25519PublicKey:
    if jwk.crv != "Ed25519":
        _refuse("jwk has an OKP curve other than Ed25519")
    x = base64url.field(jwk.x, "jwk: x")
    if len(x) != 32:
        _refuse("jwk: x of Ed25519 must have 32 octets")
    return ed25519.Ed25519PublicKey.from_public_bytes(x)


def _rsa_key(jwk: Jwk) -> rsa.RSAPublicKey:
    n, e = base64url.field(jwk.n, "jwk: n"), base64url.field(jwk.e, "jwk: e")
    if n[:1] in (b"", b"\0") or e[:1] in (b"", b"\0"):
        _refuse("jwk: n and e of RSA must be present and have no leading zero octets")
    if len(n) > RSA_BITS[1] // 8 or len(e) > 8:
        _refuse(_RSA_POLICY)
    try:
        return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
    except ValueError:
        return _refuse(_RSA_POLICY)


_RSA_POLICY = f"an RSA key must have {RSA_BITS[0]} to {RSA_BITS[1]} bits, an odd modulus and an odd exponent from 65537"


def _account_key(key: PublicKey) -> AccountKey:
    _check_policy(key)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    members, algs = _canonical(key)
    return AccountKey(key, spki, hashlib.sha256(spki).digest(), hashlib.sha256(members.encode()).digest(), algs)


def _check_policy(key: PublicKey) -> None:
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name not in _CURVE_OF_KEY:
            _refuse(f"the key's curve is not one of {', '.join(_CURVE_OF_NAME)}")
        case ed25519.Ed25519PublicKey() if not _is_ed25519_point(key.public_bytes_raw()):
            _refuse("the Ed25519 key is not a point of the curve, or one of small order. Make a new key")
        case rsa.RSAPublicKey() if not _is_rsa_fit(key.public_numbers()):
            _refuse(_RSA_POLICY)
        case _:
            return


def _is_rsa_fit(numbers: rsa.RSAPublicNumbers) -> bool:
    bits = RSA_BITS[0] <= numbers.n.bit_length() <= RSA_BITS[1]
    return bits and numbers.n % 2 == 1 and numbers.e % 2 == 1 and RSA_EXPONENTS[0] <= numbers.e <= RSA_EXPONENTS[1]


def _is_ed25519_point(octets: bytes) -> bool:
    """Whether the octets are the canonical encoding of a point (RFC 8032 §5.1.3) of large order."""
    y = int.from_bytes(octets, "little") & ((1 << 255) - 1)
    if y >= _ED25519_PRIME or y in _ED25519_SMALL:
        return False
    u, v = y * y - 1, _ED25519_D * y * y + 1  # x² = u / v; it has a root if and only if u v has one
    return pow(u * v, (_ED25519_PRIME - 1) // 2, _ED25519_PRIME) == 1


def _canonical(key: PublicKey) -> tuple[str, tuple[str, ...]]:
    """Required JWK members in lexicographic order without spaces (RFC 7638 §3), and the algs of the key. A-154."""
    match key:
        case ec.EllipticCurvePublicKey():
            curve, numbers = _CURVE_OF_KEY[key.curve.name], key.public_numbers()
            x, y = (base64url.encode(c.to_bytes(curve.octets, "big")) for c in (numbers.x, numbers.y))
            return f'{{"crv":"{curve.name}","kty":"EC","x":"{x}","y":"{y}"}}', (curve.alg,)
        case ed25519.Ed25519PublicKey():
            x = base64url.encode(key.public_bytes_raw())
            return f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}', ("EdDSA",)
        case rsa.RSAPublicKey():
            n, e = _minimal(key.public_numbers().n), _minimal(key.public_numbers().e)
            return f'{{"e":"{e}","kty":"RSA","n":"{n}"}}', ("RS256",)


def _minimal(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _refuse(why: str) -> NoReturn:
    raise AcmeError(ErrorType.BAD_PUBLIC_KEY, why[0].upper() + why[1:])
