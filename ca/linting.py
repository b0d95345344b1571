"""To-be-signed bytes to Linted (pure): the exact profile check.

Shares nothing with `certificate.py` but the values it is given: the bytes are parsed afresh and every field, extension
and octet is expected, or the signature does not happen (C-064). What it expects is written here a second time.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address

import msgspec

from ca.certificate import Issuer, Subject, Wanted
from ca.der import DerError, Node, elements, tree
from ca.profiles import Profile, lifetime
from ca.public_keys import key_findings

EIGHT_FIELDS = (0xA0, 0x02, 0x30, 0x30, 0x30, 0x30, 0x30, 0xA3)
VERSION_3 = tree(bytes.fromhex("a003020102"))
ECDSA_SHA256 = tree(bytes.fromhex("300a06082a8648ce3d040302"))  # C-112
# attribute of Subject, object identifier, string tag (C-093), most characters (C-094), in the order of C-092
ATTRIBUTES = (
    ("country", bytes.fromhex("550406"), 0x13, 2),
    ("state_or_province", bytes.fromhex("550408"), 0x0C, 128),
    ("locality", bytes.fromhex("550407"), 0x0C, 128),
    ("organization", bytes.fromhex("55040a"), 0x0C, 64),
)
# extensions in order: name, object identifier, critical, rule
EXTENSIONS = (
    ("keyUsage", bytes.fromhex("551d0f"), True, "C-102"),
    ("extKeyUsage", bytes.fromhex("551d25"), False, "C-100"),
    ("authorityKeyIdentifier", bytes.fromhex("551d23"), False, "C-105"),
    ("authorityInfoAccess", bytes.fromhex("2b06010505070101"), False, "C-104"),
    ("certificatePolicies", bytes.fromhex("551d20"), False, "C-098"),
    ("subjectAltName", bytes.fromhex("551d11"), False, "C-096"),
    ("cRLDistributionPoints", bytes.fromhex("551d1f"), False, "C-106"),
)
POISON = ("poison", bytes.fromhex("2b06010401d679020403"), True, "C-121")  # the last one of a precertificate
POLICY_OIDS = {"2.23.140.1.2.2": bytes.fromhex("67810c010202")}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ABSENCE = re.compile(r"[\s.\-_*/?–—ー・‐－．]*")
NEAR = timedelta(hours=48)  # C-082


class LintError(Exception):
    """The bytes must not be signed. `findings` says all that is wrong, each with its rule."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)


class Linted(msgspec.Struct, frozen=True):
    """To-be-signed bytes that passed. Only `lint` makes one."""

    tbs: bytes


def lint(issuer: Issuer, wanted: Wanted, tbs: bytes, at: datetime) -> Linted:
    """The bytes hold exactly what the profile, the issuer and `wanted` say, signed at `at`. C-064, C-079..C-112.

    Raises LintError with every finding.
    """
    fields = parse(tbs)
    found = [
        *head(issuer, wanted, fields),
        *validity(issuer, wanted, fields[4], at),
        *subject(wanted.subject, fields[5]),
        *public_key(wanted, fields[6], tbs),
        *extensions(issuer, wanted, fields[7]),
    ]
    if found:
        raise LintError(found)
    return Linted(tbs)


def parse(tbs: bytes) -> tuple[Node, ...]:
    """The eight fields of a TBSCertificate. Unique identifiers are no part of it (C-084). Raises LintError."""
    try:
        tag, fields = tree(tbs)
    except DerError as fault:
        raise LintError([f"no DER: {fault}"]) from None
    if tag != 0x30 or isinstance(fields, bytes) or tuple(field[0] for field in fields) != EIGHT_FIELDS:
        raise LintError(["C-084: not the eight fields of a certificate without unique identifiers"])
    return fields


def recorded_key(tbs: bytes, spki_sha256: bytes) -> bytes:
    """The public key that recorded bytes hold, for a signer that has only its hash. Raises LintError."""
    parse(tbs)
    spki = elements(tbs)[6]
    if sha256(spki).digest() != spki_sha256:
        raise LintError(["C-110: public key is not the recorded one"])
    return spki


def head(issuer: Issuer, wanted: Wanted, fields: tuple[Node, ...]) -> list[str]:
    """Version, serial number, algorithm and issuer."""
    found = []
    serial = int.from_bytes(wanted.serial, "big", signed=True)
    if fields[0] != VERSION_3:
        found.append("C-079: version is not v3")
    if fields[1][1] != wanted.serial or wanted.serial != serial.to_bytes(
        serial.bit_length() // 8 + 1, "big", signed=True
    ):
        found.append("C-079: serial number is not the recorded one in its shortest form")
    if serial <= 0 or not 64 <= serial.bit_length() <= 159:
        found.append("C-079: serial number is not positive with 64 to 159 bits")
    if fields[2] != ECDSA_SHA256:
        found.append("C-112: signature algorithm is not ecdsa-with-SHA256 without parameters")
    if fields[3] != _tree_of(issuer.subject):
        found.append("C-084: issuer is not the issuing CA's subject")
    return found


def validity(issuer: Issuer, wanted: Wanted, field: Node, at: datetime) -> list[str]:
    """Both instants as recorded, near the signing time, not longer than allowed and not beyond the issuing CA's end."""
    found = []
    if field[1] != (expected_time(wanted.not_before), expected_time(wanted.not_after)):
        found.append("C-083: validity is not the recorded one as UTCTime or GeneralizedTime with whole seconds in Z")
    if wanted.not_before.microsecond or wanted.not_after.microsecond:
        found.append("C-083: validity has fractions of a second")
    if abs(wanted.not_before - at) > NEAR:
        found.append("C-082: notBefore is more than 48 hours from the signing time")
    elif not timedelta(0) <= wanted.not_after - wanted.not_before <= lifetime(wanted.profile, wanted.not_before):
        found.append("C-080: validity is longer than profile and Baseline Requirements allow, or negative")
    if wanted.not_after > issuer.not_after:
        found.append("RFC 5280 §6.1.3: notAfter is later than the issuing CA's")
    return found


def public_key(wanted: Wanted, field: Node, tbs: bytes) -> list[str]:
    """The wanted key, of a kind and size that the profile has. C-068..C-071, C-110."""
    if elements(tbs)[6] != wanted.spki_der:
        return ["C-110: public key is not the wanted one"]
    return key_findings(wanted.profile, field)


def expected_time(at: datetime) -> Node:
    """UTCTime before 2050, GeneralizedTime from then on. C-083."""
    text = at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    return (0x18, text) if text >= b"2050" else (0x17, text[2:])


def attributes(field: Node) -> list[tuple[bytes, int, str]]:
    """Object identifier, string tag and text of every attribute of a Name. Raises LintError."""
    found = []
    for rdn in _inside(field, 0x30):
        match _inside(rdn, 0x31):
            case ((0x30, ((0x06, bytes(kind)), (int(tag), bytes(value)))),):
                found.append((kind, tag, value.decode("utf-8", "replace")))
            case _:
                raise LintError(["C-092: a relative distinguished name has not exactly one attribute"])
    return found


@lru_cache(maxsize=4096)
def _subject_findings(expected: Subject, field: Node) -> tuple[str, ...]:
    values = [(name, kind, tag, most, getattr(expected, name)) for name, kind, tag, most in ATTRIBUTES]
    found = []
    if attributes(field) != [(kind, tag, text) for _, kind, tag, _, text in values if text is not None]:
        found.append("C-092, C-093: subject is not C, ST, L, O of the record in this order and their string types")
    for name, _, _, most, text in values:
        if text is None:
            continue
        if not 1 <= len(text) <= most:
            found.append(f"C-094: {name} has not 1 to {most} characters")
        if ABSENCE.fullmatch(text) or not text.isprintable() or text != text.strip() or "\ufffd" in text:
            found.append(f"C-088: {name} says nothing or has characters that nobody can see")
    if not re.fullmatch("[A-Z]{2}", expected.country):
        found.append("C-086: country is not two capital letters")
    if expected.state_or_province is None and expected.locality is None:
        found.append("C-086: neither stateOrProvince nor locality")
    return tuple(found)


def subject(expected: Subject, field: Node) -> tuple[str, ...]:
    """C, ST, L, O of the record, nothing else (C-087, C-090). C-086..C-095."""
    return _subject_findings(expected, field)


def extensions(issuer: Issuer, wanted: Wanted, field: Node) -> list[str]:
    """Exactly the profile's extensions, in order, with their criticality and content. C-096..C-109."""
    match field:
        case (0xA3, ((0x30, tuple(present)),)):
            pass
        case _:
            return ["C-107: extensions are not one sequence"]
    expected = (*EXTENSIONS, POISON) if wanted.precertificate else EXTENSIONS
    if len(present) != len(expected):
        return [f"C-107: {len(present)} extensions where the profile has {len(expected)}"]
    found = []
    for node, (name, identifier, critical, rule) in zip(present, expected, strict=True):
        value = content_of(node, identifier, critical)
        if value is None:
            found.append(f"{rule}, C-107: {name} is not here, or has another criticality")
        elif name == "subjectAltName":
            found += san_findings(wanted.names, value)
        elif value != expected_value(issuer, wanted.profile, wanted.shard, name):
            found.append(f"{rule}: {name} has another content than the profile's")
    return found


def content_of(node: Node, identifier: bytes, critical: bool) -> bytes | None:
    """The content of an Extension, when it has this identifier and criticality."""
    match node:
        case (0x30, ((0x06, kind), (0x04, bytes(value)))) if kind == identifier and not critical:
            return value
        case (0x30, ((0x06, kind), (0x01, b"\xff"), (0x04, bytes(value)))) if kind == identifier and critical:
            return value
    return None


@lru_cache(maxsize=8192)
def expected_value(issuer: Issuer, profile: Profile, shard: int, name: str) -> bytes:
    """The content of an extension that does not vary with the order."""
    match name:
        case "keyUsage":
            return bytes.fromhex("03020780")  # digitalSignature alone, C-102
        case "extKeyUsage":
            return bytes.fromhex("300a06082b06010505070301")  # serverAuth alone, C-100, C-101
        case "authorityKeyIdentifier":
            return _sequence(b"\x80" + bytes((len(issuer.key_id),)) + issuer.key_id)
        case "authorityInfoAccess":
            asked = _sequence(bytes.fromhex("06082b06010505073001") + _url(issuer.ocsp_url)) if profile.ocsp else b""
            return _sequence(asked + _sequence(bytes.fromhex("06082b06010505073002") + _url(issuer.certificate_url)))
        case "certificatePolicies":
            identifier = POLICY_OIDS[profile.policy]
            return _sequence(_sequence(b"\x06" + bytes((len(identifier),)) + identifier))
        case "cRLDistributionPoints":
            url = _url(issuer.crl_url(shard))
            return _sequence(_sequence(_short(0xA0, _short(0xA0, url))))
        case "poison":
            return b"\x05\x00"  # NULL, C-121
        case _:
            raise ValueError(f"{name} varies with the order")


def san_findings(names: tuple[str, ...], value: bytes) -> list[str]:
    """The wanted names in their order, each well-formed. C-096, C-097."""
    try:
        node = tree(value)
    except DerError as fault:
        return [f"C-096: subjectAltName is no DER: {fault}"]
    found = []
    shown = [name_of(tag, content) for tag, content in _inside(node, 0x30)]
    if shown != list(names) or not shown:
        found.append("C-096: subjectAltName is not the wanted names")
    if len(set(shown)) != len(shown):
        found.append("C-096: subjectAltName has a name twice")
    found += [f"C-097: {name!r} is no DNS name" for name in names if not is_ip(name) and not is_dns_name(name)]
    return found


def name_of(tag: int, content: "bytes | tuple[Node, ...]") -> str:
    """A GeneralName as an order writes it; text that no order holds for anything but dNSName and iPAddress."""
    if tag == 0x82 and isinstance(content, bytes):
        text = content.decode("ascii", "replace")
        return f"[dNSName {text}]" if is_ip(text) else text
    if tag == 0x87 and isinstance(content, bytes) and len(content) in (4, 16):
        return str(ip_address(content))
    return f"[{tag}]"


def is_ip(name: str) -> bool:
    """Whether a name of an order is an address."""
    return ":" in name or name.rpartition(".")[2].isdigit()


def is_dns_name(name: str) -> bool:
    """LDH labels in lower case, `*` only as whole first label, `xn--` only before valid Punycode. C-097."""
    labels = name.removeprefix("*.").split(".")
    return len(name) <= 253 and all(LABEL.fullmatch(label) and _is_p_label(label) for label in labels)


def _is_p_label(label: str) -> bool:
    if label[2:4] != "--":
        return True
    try:
        return label.startswith("xn--") and bool(label[4:].encode().decode("punycode"))
    except UnicodeError:
        return False


def _inside(node: Node, tag: int) -> tuple[Node, ...]:
    if node[0] != tag or isinstance(node[1], bytes):
        raise LintError([f"element {node[0]:#04x} where {tag:#04x} is expected"])
    return node[1]


def _short(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes((size,)) if size < 128 else bytes((0x81, size)) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


def _sequence(content: bytes) -> bytes:
    return _short(0x30, content)


def _url(text: str) -> bytes:
    return _short(0x86, text.encode("ascii"))


@lru_cache(maxsize=64)
def _tree_of(data: bytes) -> Node:
    return tree(data)
