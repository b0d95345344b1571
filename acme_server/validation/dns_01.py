"""dns-01 and dns-account-01: a TXT record holds the digest of the key authorization.

RFC 8555 §8.4, BR §3.2.2.4.7; draft-ietf-acme-dns-account-label, BR §3.2.2.4.21.
"""

import asyncio
from base64 import b32encode
from hashlib import sha256

from acme_server.protocol.challenges import dns_value
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of
from acme_server.validation.outcome import NotProven, Proven, echo
from acme_server.validation.resolver import DnsFailure, Lookups, Texts
from acme_server.validation.settings import ValidationSettings

LABEL_OCTETS = 10


def record_name(name: str) -> str:
    """Where the TXT record stands; the same for `*.a.example` as for `a.example`. A-166."""
    return f"_acme-challenge.{base_of(name)[0]}"


def record_name_of_account(name: str, account_url: str) -> str:
    """The same below a label of the account's own, which its URL makes as it is sent in `kid`. A-231, A-232."""
    label = b32encode(sha256(account_url.encode()).digest()[:LABEL_OCTETS]).decode().lower()
    return f"_{label}.{record_name(name)}"


async def look(
    name: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """Whether any TXT record of the validation name is the expected one. A-166 to A-169."""
    return await _look("dns-01", record_name(name), dns_value(key_authorization), resolver, settings)


async def look_of_account(
    name: str, account_url: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """The same for dns-account-01. A-231 to A-235."""
    where, expected = record_name_of_account(name, account_url), dns_value(key_authorization)
    return await _look("dns-account-01", where, expected, resolver, settings)


async def _look(
    method: str, where: str, expected: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    found = await texts_of(where, resolver, settings)
    if isinstance(found, NotProven):
        return found
    if not found.values:
        return NotProven(ErrorType.UNAUTHORIZED, f"{where} has no TXT record; expected one with {expected}")
    if expected.encode() not in found.values:
        others = f" and {len(found.values) - 1} more" if len(found.values) > 1 else ""
        said = f"TXT {where}: expected {expected}, found {echo(found.values[0])}{others}"
        return NotProven(ErrorType.INCORRECT_RESPONSE, said)
    seen = {"name": where, "records": len(found.values), "value": expected, "dnssec": found.authentic}
    return Proven(None, {"method": method, **seen})


async def texts_of(where: str, resolver: Lookups, settings: ValidationSettings) -> Texts | NotProven:
    """The TXT records of a name, looked up in the time of one look."""
    try:
        async with asyncio.timeout(settings.timeout):
            found = await resolver.txt(where)
    except TimeoutError:
        return NotProven(ErrorType.DNS, f"TXT {where}: not finished in {settings.timeout:g} s", temporary=True)
    return NotProven(ErrorType.DNS, found.detail, found.temporary) if isinstance(found, DnsFailure) else found
