"""The exact check of what makes a CA (pure): certificates of root and issuing CA, and the first CRLs.

As `linting.py` does for subscribers, it parses the bytes afresh and says a second time what each octet must be; nothing
is signed that does not pass (C-064, C-065).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha1
from typing import TypeAlias

import msgspec
from cryptography import x509
from cryptography.x509.oid import CRLEntryExtensionOID

from ca.certificate import Issuer
from ca.crl import Revocation
from ca.der import Node, elements, tlv
from ca.linting import ECDSA_SHA256, VERSION_3, LintError, attributes, content_of, expected_time, parse

P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")  # C-110; the point follows
COUNTRY, ORGANIZATION, COMMON_NAME = (bytes.fromhex(x) for x in ("550406", "55040a", "550403"))
ROOT_DAYS, ISSUING_DAYS = 7300, 3650  # C-116: a root has 2922 to 9132
KEY_USAGE = bytes.fromhex("03020186")  # digitalSignature, keyCertSign, cRLSign
ECDSA_SHA256_DER = bytes.fromhex("300a06082a8648ce3d040302")  # C-112
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
CRL_SPAN = {True: 365 * DAY, False: 10 * DAY}  # of a root, of an issuing CA: C-135
Extension: TypeAlias = tuple[str, str, bool, bytes]
REASONS = {  # C-140
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.privilege_withdrawn: 9,
}


class Authority(msgspec.Struct, frozen=True):
    """A CA certificate as it shall be: names, key, and who issues it (None: itself)."""

    country: str
    organization: str
    common_name: str
    spki: bytes
    parent: Issuer | None
    not_before: datetime


def lint_authority(wanted: Authority, tbs: bytes, at: datetime) -> None:
    """The bytes are exactly the profile's, signed at `at`. C-079, C-112, C-114, C-115, C-116. Raises LintError."""
    fields = parse(tbs)
    found = [
        *head(wanted, tbs, fields),
        *validity(wanted, fields[4], at),
        *name(wanted, fields[5]),
        *extensions(wanted, fields[7]),
    ]
    if found:
        raise LintError(found)


def head(wanted: Authority, tbs: bytes, fields: tuple[Node, ...]) -> list[str]:
    """Version, serial number, algorithm, issuer, key."""
    found = []
    serial = fields[1][1]
    if fields[0] != VERSION_3:
        found.append("C-079: version is not v3")
    if not isinstance(serial, bytes) or not 9 <= len(serial) <= 20 or serial[0] & 0x80:
        found.append("C-079: serial number is not positive with 64 bits or more")
    if fields[2] != ECDSA_SHA256:
        found.append("C-112: signature algorithm is not ecdsa-with-SHA256 without parameters")
    if elements(tbs)[3] != (elements(tbs)[5] if wanted.parent is None else wanted.parent.subject):
        found.append("C-084: issuer is not the subject of the CA that signs")
    if not wanted.spki.startswith(P256) or elements(tbs)[6] != wanted.spki:
        found.append("C-110: public key is not the one that was made, on P-256")
    return found


def validity(wanted: Authority, field: Node, at: datetime) -> list[str]:
    """As long as the profile has, but no longer than the CA above, from at most a day before the signature. BR 7.1.2.1,
    7.1.2.10.
    """
    days = ROOT_DAYS if wanted.parent is None else ISSUING_DAYS
    ends = wanted.not_before + days * DAY - SECOND  # both ends count
    if wanted.parent is not None:
        ends = min(ends, x509.load_der_x509_certificate(wanted.parent.certificate).not_valid_after_utc)
    found = []
    if field[1] != (expected_time(wanted.not_before), expected_time(ends)) or wanted.not_before.microsecond:
        found.append(f"C-083, C-116: validity is not {days} days from the recorded instant, in whole seconds")
    if not timedelta(0) <= at - wanted.not_before <= DAY:
        found.append("C-116: notBefore is not within the day before the signature")
    return found


def name(wanted: Authority, field: Node) -> list[str]:
    """C, O and CN, and no OU. C-115."""
    expected = [
        (COUNTRY, 0x13, wanted.country),
        (ORGANIZATION, 0x0C, wanted.organization),
        (COMMON_NAME, 0x0C, wanted.common_name),
    ]
    if attributes(field) != expected:
        return ["C-115: subject is not C, O, CN as given, in this order and their string types"]
    if len(wanted.country) != 2 or not all(1 <= len(text) <= 64 for _, _, text in expected):
        return ["C-094: country has not two letters, or another attribute not 1 to 64 characters"]
    return []


def extensions(wanted: Authority, field: Node) -> list[str]:
    """Exactly the profile's, in order, with their criticality and content. C-114, C-116, C-107."""
    match field:
        case (0xA3, ((0x30, tuple(present)),)):
            pass
        case _:
            return ["C-107: extensions are not one sequence"]
    expected = of_root(wanted) if wanted.parent is None else of_issuing(wanted, wanted.parent)
    if len(present) != len(expected):
        return [f"C-107: {len(present)} extensions where the profile has {len(expected)}"]
    rule = "C-116" if wanted.parent is None else "C-114"
    return [
        f"{rule}: {what} is not here, or has another criticality or content"
        for node, (what, identifier, critical, content) in zip(present, expected, strict=True)
        if content_of(node, bytes.fromhex(identifier), critical) != content
    ]


def of_root(wanted: Authority) -> list[Extension]:
    """A root has no EKU, no policies and no path length. C-116."""
    return [
        ("basicConstraints", "551d13", True, bytes.fromhex("30030101ff")),
        ("keyUsage", "551d0f", True, KEY_USAGE),
        ("subjectKeyIdentifier", "551d0e", False, b"\x04\x14" + key_id(wanted.spki)),
        ("authorityKeyIdentifier", "551d23", False, b"\x30\x16\x80\x14" + key_id(wanted.spki)),
    ]


def of_issuing(wanted: Authority, parent: Issuer) -> list[Extension]:
    """An issuing CA issues to TLS servers only, and no CA. C-114."""
    crl, certificate = parent.crl_url(0).encode(), parent.certificate_url.encode()
    issuers = tlv(0x30, tlv(0x30, bytes.fromhex("06082b06010505073002"), tlv(0x86, certificate)))
    return [
        ("basicConstraints", "551d13", True, bytes.fromhex("30060101ff020100")),
        ("keyUsage", "551d0f", True, KEY_USAGE),
        ("extKeyUsage", "551d25", False, bytes.fromhex("300a06082b06010505070301")),
        ("certificatePolicies", "551d20", False, bytes.fromhex("300a3008060667810c010202")),
        ("subjectKeyIdentifier", "551d0e", False, b"\x04\x14" + key_id(wanted.spki)),
        ("authorityKeyIdentifier", "551d23", False, tlv(0x30, tlv(0x80, parent.key_id))),
        ("authorityInfoAccess", "2b06010505070101", False, issuers),
        ("cRLDistributionPoints", "551d1f", False, tlv(0x30, tlv(0x30, tlv(0xA0, tlv(0xA0, tlv(0x86, crl)))))),
    ]


def key_id(spki: bytes) -> bytes:
    """SHA-1 of the public key's bits: an identifier, no signature. RFC 5280 §4.2.1.2 (1)."""
    return sha1(spki[len(P256) :], usedforsecurity=False).digest()


def lint_crl(
    issuer: Issuer, shard: int, tbs: bytes, at: datetime, *, of_root: bool, wanted: int = 1,
    entries: Sequence[Revocation] = (),
) -> None:  # fmt: skip
    """A CRL of this shard with the wanted number and entries, made within the day before. C-133..C-140.

    Raises LintError.
    """
    try:
        fields = elements(tbs)
        crl = x509.load_der_x509_crl(tlv(0x30, tbs, ECDSA_SHA256_DER, tlv(0x03, b"\0")))
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        key = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (ValueError, IndexError, x509.ExtensionNotFound) as fault:
        raise LintError([f"no CRL as it shall be: {fault}"]) from None
    starts, ends = crl.last_update_utc, crl.next_update_utc
    found = []
    if fields[1] != ECDSA_SHA256_DER:
        found.append("C-112: signature algorithm is not ecdsa-with-SHA256 without parameters")
    if fields[2] != issuer.subject or key != issuer.key_id or len(crl.extensions) != (2 if of_root else 3):
        found.append("C-135: issuer or its key identifier is another one, or there are other extensions")
    if number != wanted:
        found.append("C-136: not the number that is next")
    found += entry_faults(crl, entries)
    if ends is None or not timedelta(0) <= at - starts <= DAY or ends - starts > CRL_SPAN[of_root]:
        found.append("C-135: not made within the day before, or valid for too long")
    if not of_root and not is_of_shard(crl, issuer.crl_url(shard)):
        found.append("C-137, C-138: distribution point is not that of the shard, critical, with its scope")
    if found:
        raise LintError(found)


def is_of_shard(crl: x509.CertificateRevocationList, url: str) -> bool:
    """Whether it says critically that it is about subscribers' certificates with this address. C-137, C-138."""
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    except x509.ExtensionNotFound:
        return False
    urls = [each.value for each in scope.value.full_name or []]
    only_users = scope.value.only_contains_user_certs and not scope.value.only_contains_ca_certs
    return scope.critical and urls == [url] and only_users


def entry_faults(crl: x509.CertificateRevocationList, wanted: Sequence[Revocation]) -> list[str]:
    """What it has are the entries it shall have, in order, each with a reason and nothing else. C-139, C-140, C-160."""
    if len(crl) != len(wanted):
        return [f"C-139, C-160: {len(crl)} entries, not {len(wanted)}"]
    shown: list[tuple[int, datetime, int | None]] = []
    for each in crl:
        if [(one.oid, one.critical) for one in each.extensions] != [(CRLEntryExtensionOID.CRL_REASON, False)]:
            return ["C-140: an entry has no reason, or something else"]
        reason = each.extensions.get_extension_for_class(x509.CRLReason).value.reason
        shown.append((each.serial_number, each.revocation_date_utc, REASONS.get(reason)))
    expected = [(int.from_bytes(one.serial), one.revoked_at.replace(microsecond=0), one.reason) for one in wanted]
    return [] if shown == expected else ["C-139, C-160: not the entries that it shall have"]
