"""CAA: does the domain's owner permit this CA, account and method? RFC 8659, RFC 8657, BR §3.2.2.8."""

import asyncio
import re
from collections.abc import Sequence

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of, is_ip
from acme_server.validation.outcome import ForbiddenBy, NotProven, Proven, echo
from acme_server.validation.resolver import CaaRecord, CaaSet, DnsFailure, Lookups
from acme_server.validation.settings import ValidationSettings

CRITICAL = 0x80
KNOWN_TAGS = frozenset(("issue", "issuewild", "iodef", "issuemail"))  # RFC 8659 §4, RFC 9495 §3
LABEL = r"[A-Za-z0-9](?:-*[A-Za-z0-9])*"
PARAMETER = rf"[ \t]*({LABEL})[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)[ \t]*"
ISSUER = re.compile(rf"[ \t]*({LABEL}(?:\.{LABEL})*)?[ \t]*")
PARAMETER_OF_VALUE = re.compile(PARAMETER)
METHODS = re.compile(r"[A-Za-z0-9-]+(?:,[A-Za-z0-9-]+)*")
MAX_VALUE = 4096
MOST_IODEF, LONGEST_IODEF = 5, 300


class Grant(msgspec.Struct, frozen=True):
    """What an issue or issuewild property says: an issuer (None: nobody) and its parameters, names in lower case."""

    issuer: str | None
    parameters: list[tuple[str, str]]


class Forbidden(msgspec.Struct, frozen=True):
    """The records do not permit issuance; says why."""

    why: str


def parse_grant(value: bytes) -> Grant:
    """The property value; one that breaks the grammar permits nobody. RFC 8659 §4.2, C-044."""
    nobody = Grant(None, [])
    if len(value) > MAX_VALUE or not value.isascii():
        return nobody
    head, semicolon, tail = value.decode().partition(";")
    if not (issuer := ISSUER.fullmatch(head)):
        return nobody
    if not semicolon or not tail.strip(" \t"):
        return Grant(issuer[1] and issuer[1].lower(), [])
    found = [PARAMETER_OF_VALUE.fullmatch(part) for part in tail.split(";")]
    if not all(found):
        return nobody
    return Grant(issuer[1] and issuer[1].lower(), [(m[1].lower(), m[2]) for m in found if m])


def permits(grant: Grant, issuer_domains: Sequence[str], account_uri: str, method: str) -> bool:
    """Whether the property names this CA, and this account and method if it limits them. A-247 to A-252, C-043."""
    if grant.issuer is None or grant.issuer not in issuer_domains:
        return False
    accounts = [value for key, value in grant.parameters if key == "accounturi"]
    methods = [value for key, value in grant.parameters if key == "validationmethods"]
    if accounts and accounts != [account_uri]:
        return False
    return not methods or (
        len(methods) == 1 and METHODS.fullmatch(methods[0]) is not None and method in methods[0].split(",")
    )


def decide_caa(
    records: Sequence[CaaRecord], issuer_domains: Sequence[str], wildcard: bool, account_uri: str, method: str
) -> Forbidden | None:
    """Why the relevant RRset forbids issuance; None when it permits. RFC 8659 §4.3, C-042 to C-045."""
    for record in records:
        if record.flags & CRITICAL and record.tag not in KNOWN_TAGS:
            return Forbidden(f"it has the critical property {record.tag}, which this CA does not know")
    issue = [r for r in records if r.tag == "issue"]
    issuewild = [r for r in records if r.tag == "issuewild"]
    relevant = issuewild if wildcard and issuewild else issue
    grants = [parse_grant(r.value) for r in relevant]
    if not relevant or any(permits(g, issuer_domains, account_uri, method) for g in grants):
        return None
    if any(g.issuer in issuer_domains for g in grants):
        return Forbidden(f"it names this CA, but not for this account ({account_uri}) with {method}")
    return Forbidden(f"it does not name this CA; add {relevant[0].tag} {echo(issuer_domains[0].encode())} to permit it")


def iodef_of(records: Sequence[CaaRecord]) -> tuple[str, ...]:
    """The URLs of the iodef properties, as far as they are ASCII of a bearable length and number. RFC 8659 §4.4."""
    values = [r.value for r in records if r.tag == "iodef" and r.value.isascii() and len(r.value) <= LONGEST_IODEF]
    return tuple(value.decode() for value in values[:MOST_IODEF])


def names_to_ask(base: str) -> list[str]:
    """The name and its parents, without the root. C-040; never the parents of an alias's target (C-041)."""
    labels = base.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


async def check(
    name: str, wildcard: bool, account_uri: str, method: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """Whether CAA permits issuance for `name`. C-039 to C-045. A lookup that fails, retried, refuses (C-047)."""
    base, star = base_of(name)
    if is_ip(base):
        return Proven(None, {"method": "caa", "name": base, "found_at": None, "records": [], "dnssec": False})
    try:
        async with asyncio.timeout(settings.timeout):
            found = await _relevant(base, resolver)
    except TimeoutError:
        return NotProven(ErrorType.DNS, f"CAA of {base}: not finished in {settings.timeout:g} s", temporary=True)
    if isinstance(found, DnsFailure):
        return NotProven(ErrorType.DNS, found.detail, found.temporary)
    found_at, relevant = found
    if forbidden := decide_caa(relevant.records, settings.issuer_domains, wildcard or star, account_uri, method):
        said = f"The CAA record of {found_at} forbids a certificate for {name}: {forbidden.why}"
        return NotProven(ErrorType.CAA, said, forbidden_by=ForbiddenBy(found_at or base, iodef_of(relevant.records)))
    listed = [f"{r.flags} {r.tag} {echo(r.value)}" for r in relevant.records]
    seen = {"method": "caa", "name": name, "found_at": found_at, "records": listed, "dnssec": relevant.authentic}
    return Proven(None, seen)


async def _relevant(base: str, resolver: Lookups) -> tuple[str | None, CaaSet] | DnsFailure:
    """The first non-empty RRset up the tree and where it stands. A name that does not exist has none. C-040."""
    for asked in names_to_ask(base):
        answer = await resolver.caa(asked)
        if isinstance(answer, DnsFailure):
            if answer.kind != "nxdomain":
                return answer
        elif answer.records:
            return asked, answer
    return None, CaaSet([])
