"""dns-persist-01: a TXT record that stays names this CA and the account.

draft-ietf-acme-dns-persist-00, with accounturi in the challenge as from -01 on; BR §3.2.2.4.22.
A record is written as the value of a CAA issue property: `ca.example; accounturi=https://…; policy=wildcard`.
"""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of
from acme_server.validation.caa import parse_grant
from acme_server.validation.dns_01 import texts_of
from acme_server.validation.outcome import Asked, NotProven, Proven, echo
from acme_server.validation.resolver import Lookups
from acme_server.validation.settings import ValidationSettings

KNOWN = ("accounturi", "policy", "persistuntil")
UNIX_TIME = re.compile(r"[0-9]{1,12}")
LISTED = 512  # octets of a record that evidence keeps


class Fault(msgspec.Struct, frozen=True):
    """Why a record for this CA proves nothing."""

    type: ErrorType
    why: str


def record_name(name: str) -> str:
    """Where the TXT record stands, for a wildcard too. A-237."""
    return f"_validation-persist.{base_of(name)[0]}"


def is_ours(value: bytes, issuer_domains: Sequence[str]) -> bool:
    """Whether the record names this CA; others' records are passed over. A-238."""
    return value.partition(b";")[0].strip(b" \t").lower() in [domain.encode() for domain in issuer_domains]


def fault_of(value: bytes, account_url: str, broad: bool, at: datetime) -> Fault | None:
    """Why a record for this CA does not prove control to this account now; None when it does. A-239 to A-243.

    `broad`: for a wildcard or subdomains. Unknown parameters are ignored.
    """
    grant = parse_grant(value)
    if grant.issuer is None:
        return _malformed("it breaks the grammar of RFC 8659 §4.2")
    given = [key for key, _ in grant.parameters if key in KNOWN]
    if len(given) != len(set(given)):
        return _malformed("it has a parameter twice")
    parameters = dict(grant.parameters)
    if not parameters.get("accounturi"):
        return _malformed("it has no accounturi")
    until = parameters.get("persistuntil")
    if until is not None and not UNIX_TIME.fullmatch(until):
        return _malformed("its persistUntil is no UNIX time")
    if parameters["accounturi"] != account_url:
        return Fault(ErrorType.UNAUTHORIZED, f"its accounturi is another than {account_url}")
    if until is not None and at.timestamp() > int(until):
        return Fault(ErrorType.UNAUTHORIZED, "its persistUntil is over")
    if broad and parameters.get("policy", "").lower() != "wildcard":
        return Fault(ErrorType.UNAUTHORIZED, "it lacks policy=wildcard, which wildcards and subdomains need")
    return None


def _malformed(why: str) -> Fault:
    return Fault(ErrorType.MALFORMED, why)


async def look(asked: Asked, resolver: Lookups, settings: ValidationSettings) -> Proven | NotProven:
    """Whether any TXT record of the validation name is one for this CA and account. A-237 to A-245."""
    where = record_name(asked.name)
    found = await texts_of(where, resolver, settings)
    if isinstance(found, NotProven):
        return found
    if settings.persist_needs_dnssec and not found.authentic:
        said = f"TXT {where}: DNSSEC does not prove it. Sign the zone, or take another challenge than dns-persist-01"
        return NotProven(ErrorType.DNS, said)
    ours = [value for value in found.values if is_ours(value, settings.issuer_domains)]
    if not ours:
        wanted = f"{settings.issuer_domains[0]}; accounturi={asked.account_url}"
        return NotProven(ErrorType.UNAUTHORIZED, f'{where} has no TXT record for this CA; expected "{wanted}"')
    broad = asked.subdomains or asked.name.startswith("*.")
    faults = [fault_of(value, asked.account_url, broad, asked.at) for value in ours]
    for value, fault in zip(ours, faults, strict=True):
        if fault is None:
            record = value[:LISTED].decode("ascii")
            seen = {"name": where, "records": len(found.values), "value": record, "dnssec": found.authentic}
            return Proven(None, {"method": "dns-persist-01", **seen}, found.ttl)
    first = next(fault for fault in faults if fault is not None)
    return NotProven(first.type, f"TXT {where}: {first.why}; found {echo(ours[0])}")
