"""Certificate signing requests: names and key, nothing else. RFC 8555 §7.4, RFC 2986, BR §6.1.1.3, §6.1.5, §6.1.6.

Only the subject alternative names, the common name and the public key of a CSR matter. A common name counts as a name,
but for one that repeats an iPAddress: that says nothing (an address there alone is refused, A-206). Other subject
fields and extensions, a requested CA:TRUE too, are ignored and never reach a certificate (A-132), but must be readable.
"""

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address
from typing import NoReturn

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from acme_server.protocol import base64url
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.identifiers import MAX_IDENTIFIERS, is_ip

MAX_DER = 16 * 1024
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
DIGESTS = frozenset({"sha256", "sha384", "sha512"})
RSA_BITS = (2048, 4096)
RSA_EXPONENTS = (65537, (1 << 64) - 1)
_SHOWN = 5

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Csr(msgspec.Struct, frozen=True):
    """A request whose signature verifies and whose key fits the policy.

    `names` are the alternative names and the common name, folded to lower case, each once, in the order of the CSR;
    they are not checked further, as `matches` holds them against the order's. `key_type`: RSA, P-256, P-384 or P-521.
    """

    names: tuple[str, ...]
    spki_der: bytes
    spki_sha256: bytes
    key_type: str
    key_bits: int


def decode_field(value: str, what: str = "csr") -> bytes:
    """The DER in a base64url member of a payload, `csr` or `certificate`. Raises MALFORMED. A-126, A-178."""
    if value.startswith("-----BEGIN"):
        raise AcmeError(
            ErrorType.MALFORMED, f"{what} is PEM. Send base64url of the DER, without the BEGIN and END lines"
        )
    return base64url.field(value, what)


def parse_csr(der: bytes) -> Csr:
    """The CSR. Raises BAD_CSR with the reason. A-128, A-130, A-132, A-206."""
    if len(der) > MAX_DER:
        _refuse(f"has {len(der)} octets; at most {MAX_DER} are read")
    try:
        csr = x509.load_der_x509_csr(der)
        key = csr.public_key()
        key_type, bits = _key_policy(key)
        _check_signature(csr)
        if not der.endswith(b"\0" + csr.signature):  # whole octets: an edited count of unused bits still verifies
            _refuse("has a signature that is not of whole octets. Make it again, do not edit it")
        names = _names(csr)
    except _UNREADABLE:
        _refuse(
            "is not a DER PKCS#10 request that can be read (RFC 2986). Make it again with your client or openssl req"
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Csr(names, spki, hashlib.sha256(spki).digest(), key_type, bits)


def matches(csr: Csr, order_names: Iterable[str]) -> None:
    """Returns if the names of the CSR are the order's, no more and no less. Raises BAD_CSR that names both. A-128."""
    ordered, asked = set(order_names), set(csr.names)
    if ordered == asked:
        return
    parts = []
    if missing := sorted(ordered - asked):
        parts.append(f"lacks {_list(missing)} of the order")
    if extra := sorted(asked - ordered):
        parts.append(f"has {_list(extra)}, not in the order")
    _refuse(f"{' and '.join(parts)}. Make a CSR with exactly the names of the order")


def _key_policy(key: object) -> tuple[str, int]:
    """Type and size of a key that may be certified. BR §6.1.5, §6.1.6."""
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in CURVES:
            return CURVES[key.curve.name], key.curve.key_size
        case rsa.RSAPublicKey():
            _check_rsa(key.public_numbers())
            return "RSA", key.key_size
        case _:
            return _refuse(f"has a key that is not RSA, {', '.join(CURVES.values())}. Make a new key")


def _check_rsa(numbers: rsa.RSAPublicNumbers) -> None:
    bits = numbers.n.bit_length()
    if not RSA_BITS[0] <= bits <= RSA_BITS[1] or bits % 8:
        _refuse(f"has an RSA key of {bits} bits. Make one of {RSA_BITS[0]} to {RSA_BITS[1]} bits, a multiple of 8")
    if numbers.n % 2 == 0 or numbers.e % 2 == 0 or not RSA_EXPONENTS[0] <= numbers.e <= RSA_EXPONENTS[1]:
        _refuse("has an RSA key with an even modulus or an exponent that is even or below 65537. Make a new key")


def _check_signature(csr: x509.CertificateSigningRequest) -> None:
    digest = csr.signature_hash_algorithm
    if digest is None or digest.name not in DIGESTS:
        _refuse("is signed with a digest other than SHA-256, SHA-384 or SHA-512. Sign it with SHA-256")
    if not csr.is_signature_valid:
        _refuse("has a signature that does not verify under its own key. Make it again, do not edit it")


def _names(csr: x509.CertificateSigningRequest) -> tuple[str, ...]:
    names = dict.fromkeys(_alternative_names(csr))
    for attribute in csr.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        value = str(attribute.value)
        if not is_ip(value) or str(ip_address(value)) not in names:  # uacme repeats the first iPAddress there
            names[_domain(value, "common name")] = None
    if not names:
        _refuse("has no names. List the order's names as subject alternative names")
    if len(names) > MAX_IDENTIFIERS:
        _refuse(f"has {len(names)} names. An order has at most {MAX_IDENTIFIERS}")
    return tuple(names)


def _alternative_names(csr: x509.CertificateSigningRequest) -> Iterable[str]:
    try:
        extension = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    for name in extension.value:
        match name:
            case x509.DNSName():
                yield _domain(name.value, "dNSName")
            case x509.IPAddress():
                yield str(name.value)
            case _:
                _refuse("has an alternative name that is neither dNSName nor iPAddress. Leave it out")


def _domain(value: str, where: str) -> str:
    if is_ip(value):
        _refuse(f"has the address {value} as {where}. Addresses go into iPAddress alternative names only")
    return value.lower()


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(ascii(name[:80])[1:-1] for name in names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _refuse(why: str) -> NoReturn:
    raise AcmeError(ErrorType.BAD_CSR, f"The CSR {why}")
