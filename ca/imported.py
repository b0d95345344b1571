"""Certificates and CRLs of this CA that its database does not know, read from files and verified (pure).

Nothing that a file says is believed: it counts when an issuing CA that is known here has signed it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from ca import precertificate
from ca.certificate import Issuer, Subject
from ca.issuers import LONGEST, SERVED_AFTER
from ca.profiles import PROFILES, SECOND

UNKNOWN = "unknown"  # the profile of a certificate that fits none
CODES = {
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.privilege_withdrawn: 9,
}
SERIAL_OCTETS = range(9, 21)
SERVER_AUTH, OCSP = ExtendedKeyUsageOID.SERVER_AUTH, AuthorityInformationAccessOID.OCSP


class NotOurs(Exception):
    """The file does not hold what this CA signed for a customer, or not all of it is readable; says what it holds."""


class Found(msgspec.Struct, frozen=True):
    """A certificate, or precertificate, that this CA signed, with the columns of its record."""

    issuer_id: int
    serial: bytes
    profile: str
    der: bytes
    tbs: bytes
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    subject: Subject
    is_precertificate: bool


class Entry(msgspec.Struct, frozen=True):
    """A revoked certificate on a CRL; `reason` None: unspecified."""

    serial: bytes
    revoked_at: datetime
    reason: int | None


class FoundCrl(msgspec.Struct, frozen=True):
    """A CRL of a shard that this CA signed. `until`: by then every certificate that it may be about has ended."""

    issuer_id: int
    shard: int
    number: int
    this_update: datetime
    until: datetime
    entries: list[Entry]


def certificates(data: bytes, issuers: Sequence[Issuer], own: frozenset[bytes]) -> list[Found]:
    """The certificates in PEM, or the one in DER, without those of CAs (`own`) that a chain holds. Raises NotOurs."""
    try:
        found = x509.load_pem_x509_certificates(data) if is_pem(data) else [x509.load_der_x509_certificate(data)]
        parsed = [(each, each.public_bytes(Encoding.DER)) for each in found]
        made = [read(each, der, issuers) for each, der in parsed if der not in own]
    except ValueError as fault:
        raise NotOurs(f"holds what is no certificate: {fault}") from None
    if not made:
        raise NotOurs("holds no certificate but those of CAs")
    return made


def is_pem(data: bytes) -> bool:
    """Whether it is text."""
    return b"-----BEGIN" in data


def read(one: x509.Certificate, der: bytes, issuers: Sequence[Issuer]) -> Found:
    """One certificate, verified. Raises NotOurs, ValueError."""
    serial = octets(one.serial_number)
    issuer = next((each for each in issuers if is_signed(one, each)), None)
    if issuer is None:
        raise NotOurs(f"holds certificate {serial.hex()}, which no issuing CA that is known here has signed")
    if SERVER_AUTH not in usages(one):
        raise NotOurs(f"holds certificate {serial.hex()}, which is no customer's: it is not for TLS servers")
    names, shard = names_of(one), shard_of(one, issuer)
    if shard is None or not names or len(serial) not in SERIAL_OCTETS:
        raise NotOurs(f"holds certificate {serial.hex()}, which names no CRL of {issuer.name}, or no host")
    spki = one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs = one.tbs_certificate_bytes
    return Found(
        issuer.id, serial, profile_of(one), der, tbs, names, sha256(spki).digest(), one.not_valid_before_utc,
        one.not_valid_after_utc, shard, subject_of(one), precertificate.is_precertificate(tbs),
    )  # fmt: skip


def octets(number: int) -> bytes:
    """The content octets of a positive INTEGER."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def is_signed(one: x509.Certificate, issuer: Issuer) -> bool:
    """Whether the issuer's key signed it, in the issuer's name."""
    try:
        one.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.certificate))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def usages(one: x509.Certificate) -> list[x509.ObjectIdentifier]:
    """What it is for."""
    try:
        return list(one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def names_of(one: x509.Certificate) -> list[str]:
    """Its names, as in an order."""
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in found if isinstance(each, x509.DNSName | x509.IPAddress)]


def shard_of(one: x509.Certificate, issuer: Issuer) -> int | None:
    """The shard of whose CRL it has the address; None: it names none of the issuer's."""
    try:
        points = one.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return None
    return shard_at([name for point in points for name in point.full_name or ()], issuer)


def shard_at(names: Sequence[x509.GeneralName], issuer: Issuer) -> int | None:
    """The shard whose CRL has one of these addresses."""
    shards = {issuer.crl_url(shard): shard for shard in range(issuer.shard_count)}
    return next((shards[each.value] for each in names if each.value in shards), None)


def subject_of(one: x509.Certificate) -> Subject:
    """The organisation that it names; what it lacks is empty."""

    def value(kind: x509.ObjectIdentifier) -> str | None:
        found = one.subject.get_attributes_for_oid(kind)
        return str(found[0].value) if found else None

    place = value(NameOID.STATE_OR_PROVINCE_NAME), value(NameOID.LOCALITY_NAME)
    return Subject(value(NameOID.ORGANIZATION_NAME) or "", value(NameOID.COUNTRY_NAME) or "", *place)


def profile_of(one: x509.Certificate) -> str:
    """The profile that it fits, of several that with the shortest lifetime; UNKNOWN when it fits none.

    An order may ask for less than its profile's lifetime, and no certificate says of which it is.
    """
    span = one.not_valid_after_utc - one.not_valid_before_utc + SECOND
    asked = names_ocsp(one)
    fitting = [each for each in PROFILES.values() if each.ocsp == asked and span <= each.lifetime]
    return min(fitting, key=lambda each: each.lifetime).name if fitting else UNKNOWN


def names_ocsp(one: x509.Certificate) -> bool:
    """Whether it names an OCSP responder."""
    try:
        found = one.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return False
    return any(each.access_method == OCSP for each in found)


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two to-be-signed bytes may have one serial number: the same, or precertificate and certificate."""
    first = precertificate.is_precertificate(one)
    return one == other or precertificate.faults(*((other, one) if first else (one, other))) is None


def crl(data: bytes, issuers: Sequence[Issuer]) -> FoundCrl:
    """The CRL in PEM or DER, if it is of a shard of an issuing CA. Raises NotOurs."""
    try:
        found = x509.load_pem_x509_crl(data) if is_pem(data) else x509.load_der_x509_crl(data)
        issuer = next((each for each in issuers if is_crl_of(found, each)), None)
        if issuer is None:
            raise NotOurs("holds a CRL that no issuing CA that is known here has signed")
        shard = crl_shard(found, issuer)
        if shard is None:
            raise NotOurs(f"holds a CRL of {issuer.name} that is none of its shards'")
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        this_update = found.last_update_utc
        until = min(issuer.not_after, this_update + LONGEST + SERVED_AFTER)
        return FoundCrl(issuer.id, shard, number, this_update, until, list(entries(found)))
    except (ValueError, x509.ExtensionNotFound) as fault:
        raise NotOurs(f"holds what is no CRL: {fault}") from None


def is_crl_of(found: x509.CertificateRevocationList, issuer: Issuer) -> bool:
    """Whether the issuer's key signed it, in the issuer's name."""
    above = x509.load_der_x509_certificate(issuer.certificate)
    key = above.public_key()
    return found.issuer == above.subject and found.is_signature_valid(key)  # type: ignore[arg-type]  # a CA's key signs


def crl_shard(found: x509.CertificateRevocationList, issuer: Issuer) -> int | None:
    """The shard that it is of, by its address (C-137)."""
    point = found.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    return shard_at(point.full_name or [], issuer)


def entries(found: x509.CertificateRevocationList) -> Iterator[Entry]:
    """What is on it. Raises NotOurs."""
    for each in found:
        serial, reason = octets(each.serial_number), None
        if len(each.extensions):
            flag = each.extensions.get_extension_for_class(x509.CRLReason).value.reason
            if (reason := CODES.get(flag)) is None:
                raise NotOurs(f"holds a CRL on which {serial.hex()} has the reason {flag.value}, which is none of ours")
        yield Entry(serial, each.revocation_date_utc, reason)
