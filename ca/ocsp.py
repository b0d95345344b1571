"""OCSP: what is asked, and a certificate's status and time to the answer, to be signed (pure).

RFC 6960, in the profile of RFC 9919, with the nonces of RFC 9654; BR 4.9.9, 4.9.10, 7.3.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from typing import Literal, TypeAlias

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from ca.certificate import ECDSA_SHA256, Issuer, extension
from ca.der import (
    BIT_STRING,
    ENUMERATED,
    GENERALIZED_TIME,
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    elements,
    header,
    oid,
    tlv,
)

LIFETIME = timedelta(days=7)  # from thisUpdate to nextUpdate: 8 hours to 10 days, C-148
REFRESH_AFTER = timedelta(days=3)  # before half time; at most 4 days, and 8 hours before nextUpdate, C-148
NONCE_LEAST, NONCE_MOST, NONCE_HIGHEST = 16, 32, 128  # octets, C-155
BASIC, NONCE = oid("1.3.6.1.5.5.7.48.1.1"), oid("1.3.6.1.5.5.7.48.1.2")
Digest: TypeAlias = Literal["sha1", "sha256"]
DIGESTS: dict[Digest, bytes] = {"sha1": oid("1.3.14.3.2.26"), "sha256": oid("2.16.840.1.101.3.4.2.1")}
MALFORMED, TRY_LATER, UNAUTHORIZED = (
    tlv(SEQUENCE, tlv(ENUMERATED, bytes((status,)))) for status in (1, 3, 6)
)  # unsigned answers: RFC 6960 §4.2.1


class Malformed(Exception):
    """The octets are no request that is answered; says why."""


class Asked(msgspec.Struct, frozen=True):
    """Whose status is asked: issuer by the digests of its name and key, and content octets of a serial number.

    `digest` None: digests of a kind that nothing is known by. A requestor's name changes nothing (C-153).
    """

    digest: Digest | None
    name_hash: bytes
    key_hash: bytes
    serial: bytes
    nonce: bytes | None


class Status(msgspec.Struct, frozen=True):
    """Of an issued certificate: good, or since when it is revoked and why (`reason` None: unspecified)."""

    revoked_at: datetime | None = None
    reason: int | None = None


def asked(der: bytes) -> Asked:
    """What one request asks. RFC 6960 §4.1; C-155. Raises Malformed."""
    try:
        request = ocsp.load_der_ocsp_request(der)
        number, nonce = request.serial_number, nonce_of(request.extensions)
        name_hash, key_hash = request.issuer_name_hash, request.issuer_key_hash
    except (ValueError, NotImplementedError, x509.DuplicateExtension) as fault:
        raise Malformed(str(fault)) from None
    try:
        algorithm = request.hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    digest: Digest | None = None
    if isinstance(algorithm, hashes.SHA1 | hashes.SHA256):
        digest = "sha1" if isinstance(algorithm, hashes.SHA1) else "sha256"
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    return Asked(digest, name_hash, key_hash, serial, nonce)


def nonce_of(extensions: x509.Extensions) -> bytes | None:
    """The nonce to be answered with. One of another length than 16 to 32 octets is ignored. C-155. Raises Malformed."""
    try:
        nonce = extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None
    if not nonce or len(nonce) > NONCE_HIGHEST:
        raise Malformed(f"a nonce of {len(nonce)} octets")
    return nonce if NONCE_LEAST <= len(nonce) <= NONCE_MOST else None


def is_about(issuer: Issuer, question: Asked) -> bool:
    """Whether the question is about a certificate of this issuer."""
    if question.digest is None:
        return False
    return (question.name_hash, question.key_hash) == issuer_hashes(issuer, question.digest)


def issuer_hashes(issuer: Issuer, digest: Digest) -> tuple[bytes, bytes]:
    """issuerNameHash and issuerKeyHash. RFC 6960 §4.1.1."""
    if digest == "sha1":
        return _sha1(issuer.subject), _sha1(key_bits(issuer.spki))
    return sha256(issuer.subject).digest(), sha256(key_bits(issuer.spki)).digest()


def key_bits(spki: bytes) -> bytes:
    """The public key of a SubjectPublicKeyInfo, without tag, length and number of unused bits."""
    bits = elements(spki)[1]
    return bits[header(bits, 0, len(bits))[1] + 1 :]


def to_be_signed(
    issuer: Issuer,
    responder_spki: bytes,
    serial: bytes,
    digest: Digest,
    status: Status,
    this_update: datetime,
    nonce: bytes | None = None,
) -> bytes:
    """ResponseData about one certificate. C-151, C-152, C-154."""
    name_hash, key_hash = issuer_hashes(issuer, digest)
    certificate = tlv(
        SEQUENCE,
        tlv(SEQUENCE, DIGESTS[digest], tlv(NULL)),
        tlv(OCTET_STRING, name_hash),
        tlv(OCTET_STRING, key_hash),
        tlv(INTEGER, serial),
    )
    at, until = instant(this_update), instant(this_update + LIFETIME)
    by_key = _sha1(key_bits(responder_spki))
    single = tlv(SEQUENCE, certificate, status_of(status), at, tlv(0xA0, until))
    more = b""
    if nonce is not None:
        more = tlv(0xA1, tlv(SEQUENCE, extension(NONCE, tlv(OCTET_STRING, nonce))))
    return tlv(SEQUENCE, tlv(0xA2, tlv(OCTET_STRING, by_key)), at, tlv(SEQUENCE, single), more)


def status_of(status: Status) -> bytes:
    """CertStatus; the reason is in RevokedInfo, and absent when unspecified. C-151."""
    if status.revoked_at is None:
        return tlv(0x80)
    reason = b"" if status.reason is None else tlv(0xA0, tlv(ENUMERATED, bytes((status.reason,))))
    return tlv(0xA1, instant(status.revoked_at), reason)


def instant(at: datetime) -> bytes:
    """GeneralizedTime in Z without fractions. C-152."""
    return tlv(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def assemble(tbs: bytes, signature: bytes, responder: bytes) -> bytes:
    """The OCSPResponse of these bytes, with the responder's certificate. RFC 6960 §4.2.1."""
    basic = tlv(SEQUENCE, tbs, ECDSA_SHA256, tlv(BIT_STRING, b"\0", signature), tlv(0xA0, tlv(SEQUENCE, responder)))
    return tlv(SEQUENCE, tlv(ENUMERATED, b"\0"), tlv(0xA0, tlv(SEQUENCE, BASIC, tlv(OCTET_STRING, basic))))


def _sha1(data: bytes) -> bytes:
    """An identifier, no signature: RFC 6960 §4.1.1, §4.2.1."""
    return sha1(data, usedforsecurity=False).digest()
