"""The certificate of an OCSP responder: its profile, and the exact check of it (pure). BR 7.1.2.8, C-118.

Its key is in the signer's memory alone, so it is short-lived: whoever starts a signer anew has another one. With
id-pkix-ocsp-nocheck nobody asks whether it is revoked, for as long as it lives.
"""

from datetime import datetime, timedelta
from hashlib import sha1

from ca.authority_linting import P256, key_id
from ca.certificate import (
    AUTHORITY_KEY_ID,
    DIGITAL_SIGNATURE,
    ECDSA_SHA256,
    EXT_KEY_USAGE,
    KEY_USAGE,
    VERSION_3,
    Issuer,
    extension,
)
from ca.der import INTEGER, NULL, OCTET_STRING, SEQUENCE, SET, UTF8_STRING, elements, oid, time, tlv
from ca.linting import ECDSA_SHA256 as ECDSA_SHA256_NODE
from ca.linting import VERSION_3 as VERSION_3_NODE
from ca.linting import LintError, attributes, content_of, expected_time, parse

LIFETIME = timedelta(days=30)
RENEW_BEFORE = timedelta(days=14)  # longer than an answer is valid
COMMON_NAME, SUBJECT_KEY_ID = oid("2.5.4.3"), oid("2.5.29.14")
OCSP_SIGNING, NO_CHECK = oid("1.3.6.1.5.5.7.3.9"), oid("1.3.6.1.5.5.7.48.1.5")
SECOND = timedelta(seconds=1)


def common_name(now: datetime) -> str:
    """Of the responder made at `now`."""
    return f"OCSP Responder {now:%Y%m%d%H%M%S}"


def to_be_signed(issuer: Issuer, spki: bytes, serial: bytes, now: datetime) -> bytes:
    """The TBSCertificate; its subject is the issuer's but for the common name. C-115, C-118."""
    country, organization = elements(issuer.subject)[:2]
    name = tlv(SET, tlv(SEQUENCE, COMMON_NAME, tlv(UTF8_STRING, common_name(now).encode())))
    subject_key_id = sha1(spki[-65:], usedforsecurity=False).digest()
    extensions = (
        extension(KEY_USAGE, DIGITAL_SIGNATURE, critical=True),
        extension(EXT_KEY_USAGE, tlv(SEQUENCE, OCSP_SIGNING)),
        extension(AUTHORITY_KEY_ID, tlv(SEQUENCE, tlv(0x80, issuer.key_id))),
        extension(SUBJECT_KEY_ID, tlv(OCTET_STRING, subject_key_id)),
        extension(NO_CHECK, tlv(NULL)),
    )
    return tlv(
        SEQUENCE,
        VERSION_3,
        tlv(INTEGER, serial),
        ECDSA_SHA256,
        issuer.subject,
        tlv(SEQUENCE, time(now), time(now + LIFETIME - SECOND)),
        tlv(SEQUENCE, country, organization, name),
        spki,
        tlv(0xA3, tlv(SEQUENCE, *extensions)),
    )


def lint(issuer: Issuer, spki: bytes, serial: bytes, tbs: bytes, now: datetime) -> None:
    """The bytes are exactly the profile's: parsed afresh, each octet expected a second time. C-064, C-118.

    Raises LintError.
    """
    fields = parse(tbs)
    found = []
    if fields[0] != VERSION_3_NODE or fields[1][1] != serial or not 9 <= len(serial) <= 20 or serial[0] & 0x80:
        found.append("C-079: version is not v3, or the serial number not the one that was drawn")
    if fields[2] != ECDSA_SHA256_NODE or elements(tbs)[3] != issuer.subject:
        found.append("C-084, C-112: algorithm or issuer is another one")
    if fields[4][1] != (expected_time(now), expected_time(now + timedelta(days=30) - SECOND)) or now.microsecond:
        found.append("C-083: validity is not 30 days from now in whole seconds")
    of_issuer = attributes(parse(elements(issuer.certificate)[0])[5])
    if attributes(fields[5]) != [*of_issuer[:2], (bytes.fromhex("550403"), 0x0C, common_name(now))]:
        found.append("C-115: subject is not the issuer's C and O with the responder's name")
    if not spki.startswith(P256) or elements(tbs)[6] != spki or spki == issuer.spki:
        found.append("C-110: public key is not the one that was made, on P-256")
    if not has_extensions(issuer, spki, fields[7]):
        found.append("C-118: extensions are not exactly those of an OCSP responder")
    if found:
        raise LintError(found)


def has_extensions(issuer: Issuer, spki: bytes, field: object) -> bool:
    """Whether the extensions are the five of the profile, in order, with their criticality and content."""
    expected = (
        ("551d0f", True, bytes.fromhex("03020780")),  # digitalSignature alone
        ("551d25", False, bytes.fromhex("300a06082b06010505070309")),  # OCSPSigning alone
        ("551d23", False, tlv(SEQUENCE, tlv(0x80, issuer.key_id))),
        ("551d0e", False, b"\x04\x14" + key_id(spki)),
        ("2b0601050507300105", False, b"\x05\x00"),
    )
    match field:
        case (0xA3, ((0x30, tuple(present)),)) if len(present) == len(expected):
            return all(
                content_of(node, bytes.fromhex(identifier), critical) == content
                for node, (identifier, critical, content) in zip(present, expected, strict=True)
            )
    return False
