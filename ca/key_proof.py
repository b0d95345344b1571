"""Proof that somebody has a private key, who thereby says that it is compromised (pure). C-076, C-163.

A CSR whose subject is the common name NAME alone, or the signature of STATEMENT as `openssl dgst -sha256 -sign` makes
it. Nobody signs either by mistake, and the private key itself is never sent.
"""

from hashlib import sha256
from typing import Literal, NoReturn

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

NAME = "Proof of Key Compromise"
STATEMENT = b"The private key of this public key is compromised.\n"
LONGEST = 16 * 1024
RSA_BITS = 8192  # the longest that is certified
DIGESTS = frozenset({"sha256", "sha384", "sha512"})

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class NotProven(Exception):
    """No proof; says why and what to send."""


class Proof(msgspec.Struct, frozen=True):
    """Whose key it is that is proven, in DER, and what proves it."""

    kind: Literal["csr", "statement"]
    spki: bytes
    proof: bytes

    @property
    def spki_sha256(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo, by which keys are blocked."""
        return sha256(self.spki).digest()


def of_csr(octets: bytes) -> Proof:
    """The key that signed the CSR, which is PEM or DER. Raises NotProven."""
    checked_octets(octets)
    try:
        pem = octets.lstrip().startswith(b"-----BEGIN")
        csr = x509.load_pem_x509_csr(octets) if pem else x509.load_der_x509_csr(octets)
        key, digest, valid = supported(csr.public_key()), csr.signature_hash_algorithm, csr.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        refuse("it is no certificate signing request that can be read: make it with openssl req")
    if [(one.oid, one.value) for one in csr.subject] != [(x509.NameOID.COMMON_NAME, NAME)]:
        refuse(f"the subject of the request must be the common name '{NAME}' alone")
    if (digest is None) is not isinstance(key, ed25519.Ed25519PublicKey) or (digest and digest.name not in DIGESTS):
        refuse("sign the request with SHA-256")
    if not valid:
        refuse("the signature of the request is not by its key")
    return Proof("csr", spki_of(key), csr.public_bytes(Encoding.DER))


def of_statement(public_key: bytes, signature: bytes) -> Proof:
    """The key, in PEM, that signed the statement. Raises NotProven."""
    checked_octets(public_key)
    try:
        key = supported(load_pem_public_key(public_key))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        refuse("it is no public key in PEM: make it with openssl pkey -pubout")
    try:
        verify(key, signature)
    except (InvalidSignature, ValueError):
        refuse(f"the signature is not by this key over {STATEMENT!r}")
    return Proof("statement", spki_of(key), signature)


def checked_octets(octets: bytes) -> None:
    """Returns if they are short, and hold no secret. Raises NotProven."""
    if len(octets) > LONGEST:
        refuse(f"{len(octets)} octets are too many: at most {LONGEST} are read")
    if b"PRIVATE KEY-----" in octets:
        refuse("do not send the private key: sign with it, and send the request or the signature")


def supported(key: object) -> PublicKey:
    """A key of a kind that this CA meets. Raises NotProven."""
    match key:
        case rsa.RSAPublicKey() if key.key_size <= RSA_BITS:
            return key
        case ec.EllipticCurvePublicKey() | ed25519.Ed25519PublicKey():
            return key
        case _:
            return refuse(f"no certificate or account here has such a key: RSA to {RSA_BITS} bits, EC or Ed25519")


def verify(key: PublicKey, signature: bytes) -> None:
    """Returns if the key signed the statement. Raises InvalidSignature."""
    match key:
        case rsa.RSAPublicKey():
            key.verify(signature, STATEMENT, padding.PKCS1v15(), SHA256())
        case ec.EllipticCurvePublicKey():
            key.verify(signature, STATEMENT, ec.ECDSA(SHA256()))
        case ed25519.Ed25519PublicKey():
            key.verify(signature, STATEMENT)


def spki_of(key: PublicKey) -> bytes:
    """As certificates have it (C-110), whatever the encoding it came in."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def refuse(why: str) -> NoReturn:
    """Raises NotProven."""
    raise NotProven(why)
