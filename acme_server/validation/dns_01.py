"""dns-01: a TXT record holds the digest of the key authorization. RFC 8555 §8.4, BR §3.2.2.4.7."""

import asyncio

from acme_server.protocol.challenges import dns_value
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of
from acme_server.validation.outcome import NotProven, Proven, echo
from acme_server.validation.resolver import DnsFailure, Lookups
from acme_server.validation.settings import ValidationSettings


def record_name(name: str) -> str:
    """Where the TXT record stands; the same for `*.a.example` as for `a.example`. A-166."""
    return f"_acme-challenge.{base_of(name)[0]}"


async def look(
    name: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """Whether any TXT record of the validation name is the expected one. A-166 to A-169."""
    where, expected = record_name(name), dns_value(key_authorization)
    try:
        async with asyncio.timeout(settings.timeout):
            found = await resolver.txt(where)
    except TimeoutError:
        return NotProven(ErrorType.DNS, f"TXT {where}: not finished in {settings.timeout:g} s", temporary=True)
    if isinstance(found, DnsFailure):
        return NotProven(ErrorType.DNS, found.detail, found.temporary)
    if not found.values:
        return NotProven(ErrorType.UNAUTHORIZED, f"{where} has no TXT record; expected one with {expected}")
    if expected.encode() not in found.values:
        others = f" and {len(found.values) - 1} more" if len(found.values) > 1 else ""
        said = f"TXT {where}: expected {expected}, found {echo(found.values[0])}{others}"
        return NotProven(ErrorType.INCORRECT_RESPONSE, said)
    seen = {"name": where, "records": len(found.values), "value": expected, "dnssec": found.authentic}
    return Proven(None, {"method": "dns-01", **seen})
