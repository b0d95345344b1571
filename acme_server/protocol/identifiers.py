"""Names an order may ask for. RFC 8555 §7.1.4, RFC 8738 §3, BR §4.2.2, §7.1.4.

A name is one plain str everywhere: `www.demo.test`, `*.demo.test`, `127.0.0.1`, `::1`. Two readings of RFC 8555 are
ours: upper case is folded to lower case, and duplicates collapse into the first of them (A-121).
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import NoReturn

import idna

from acme_server.protocol.errors import AcmeError, ErrorType, Subproblem

MAX_IDENTIFIERS = 100
MAX_NAME = 253
MAX_LABEL = 63
REFUSED_ZONES = ("in-addr.arpa", "ip6.arpa", "home.arpa", "onion")  # BR §4.2.2 (C-014), RFC 8375, Appendix B (C-032)

_LDH_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_IPV4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def is_ip(name: str) -> bool:
    """Whether the text is an IP address, in any textual form, rather than a domain name."""
    if ":" not in name and not name[-1:].isdigit():
        return False
    try:
        return "%" not in name and bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def identifier_of(name: str) -> tuple[str, str]:
    """Type and value of the ACME identifier (RFC 8555 §7.1.3) that names it."""
    return ("ip" if is_ip(name) else "dns"), name


def base_of(name: str) -> tuple[str, bool]:
    """The name without `*.`, and whether it had one: identifier value and `wildcard` of its authorization (A-140)."""
    return (name[2:], True) if name.startswith("*.") else (name, False)


def parse(type: str, value: str) -> str:
    """The canonical name. A-116, A-118 to A-121, A-202.

    Raises MALFORMED for text that is not in certificate form, REJECTED_IDENTIFIER for a well-formed name that no
    public CA serves, UNSUPPORTED_IDENTIFIER for another type.
    """
    match type:
        case "dns":
            return _dns(value)
        case "ip":
            return _ip(value)
        case _:
            raise AcmeError(
                ErrorType.UNSUPPORTED_IDENTIFIER,
                f"Identifier type {_shown(type)} is not supported. Use dns for a domain name or ip for an address",
            )


def parse_all(identifiers: Sequence[tuple[str, str]]) -> list[str]:
    """Canonical names in the order given, each once. A-117, A-121.

    Raises one error that tells of every bad identifier in a subproblem of its own; its type is theirs if they agree,
    else `compound` (A-065, A-066).
    """
    if not identifiers:
        raise AcmeError(ErrorType.MALFORMED, "identifiers is empty. Name at least one domain name or IP address")
    if len(identifiers) > MAX_IDENTIFIERS:
        raise AcmeError(
            ErrorType.MALFORMED,
            f"{len(identifiers)} identifiers in one order. Use at most {MAX_IDENTIFIERS} in each",
        )
    names: dict[str, None] = {}
    faults: list[Subproblem] = []
    for type_, value in identifiers:
        try:
            names[parse(type_, value)] = None
        except AcmeError as error:
            faults.append(Subproblem(error.type, error.detail, value, type_))
    if faults:
        raise _of_faults(faults)
    return list(names)


def _of_faults(faults: Sequence[Subproblem]) -> AcmeError:
    types = {fault.type for fault in faults}
    kind = types.pop() if len(types) == 1 else ErrorType.COMPOUND
    if len(faults) == 1:
        return AcmeError(kind, faults[0].detail, subproblems=faults)
    detail = f"{len(faults)} identifiers are refused: {faults[0].detail}; the others are in subproblems"
    return AcmeError(kind, detail, subproblems=faults)


def _dns(value: str) -> str:
    name = value.lower() if value.isascii() else _refuse(value, "is not ASCII: write each label as an A-label (xn--…)")
    if not name or len(name) > MAX_NAME:
        _refuse(value, f"must have 1 to {MAX_NAME} characters")
    if name.endswith("."):
        _refuse(value, "ends in a dot: leave it out")
    if is_ip(name):
        _refuse(value, "is an IP address: use identifier type ip, without brackets")
    base, _ = base_of(name)
    labels = base.split(".")
    for label in labels:
        _check_label(value, label)
    _check_zone(value, base, labels)
    return name


def _check_label(value: str, label: str) -> None:
    """LDH, at most 63 octets, and either not reserved or a correct A-label. A-118 to A-120, RFC 5890 §2.3.1."""
    if "*" in label:
        _refuse(value, "has a * that is not one whole leading label: write *.example.com")
    if not label:
        _refuse(value, "has an empty label: write single dots between labels")
    if len(label) > MAX_LABEL:
        _refuse(value, f"has a label longer than {MAX_LABEL} characters")
    if not _LDH_LABEL.fullmatch(label):
        _refuse(value, "has a label that is not letters, digits and inner hyphens")
    if label[2:4] == "--" and not _is_a_label(label):
        _refuse(value, f"has the label {label}, which is not a valid A-label (IDNA 2008)")


def _check_zone(value: str, base: str, labels: Sequence[str]) -> None:
    if labels[-1].isdigit():
        _refuse(value, "ends in a label of digits only, which no domain name does")
    if len(labels) < 2:
        raise AcmeError(
            ErrorType.REJECTED_IDENTIFIER,
            f"{_shown(value)} is a single label. Certificates need a full name such as www.example.com",
        )
    for zone in REFUSED_ZONES:
        if base == zone or base.endswith("." + zone):
            raise AcmeError(
                ErrorType.REJECTED_IDENTIFIER,
                f"{_shown(value)} is under {zone}, for which no certificate is issued. Use a registered domain name",
            )


def _is_a_label(label: str) -> bool:
    """Whether it decodes, is valid under IDNA 2008, and encodes to itself again. RFC 5891 §5.4."""
    if not label.startswith("xn--"):
        return False
    try:
        return idna.alabel(idna.ulabel(label)) == label.encode()
    except ValueError:  # every error of idna and of the punycode codec is one
        return False


def _ip(value: str) -> str:
    if not value.isascii() or len(value) > MAX_NAME or "%" in value:
        _refuse(value, "is not a plain IP address: no zone, no prefix length")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        _refuse(value, "is not an IP address: write it as 192.0.2.1 or 2001:db8::1, without brackets or prefix length")
    if isinstance(address, ipaddress.IPv6Address) and address in _IPV4_MAPPED:
        raise AcmeError(
            ErrorType.REJECTED_IDENTIFIER,
            f"{_shown(value)} is an IPv4-mapped address. Ask for the IPv4 address {address.ipv4_mapped} itself",
        )
    if str(address) != value:
        _refuse(value, f"is not in canonical form (RFC 5952): write {address}")
    return value


def _refuse(value: str, why: str) -> NoReturn:
    raise AcmeError(ErrorType.MALFORMED, f"{_shown(value)} {why}")


def _shown(text: str) -> str:
    """The text quoted for a message: printable ASCII, at most 80 characters of it."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
