"""What a look into the network found."""

from datetime import datetime
from typing import Any

import msgspec

from acme_server.protocol.errors import ErrorType

ECHO_LIMIT = 64


class Asked(msgspec.Struct, frozen=True):
    """A challenge to look at. `name` as in an order; `subdomains`: the proof must hold for those of it, too."""

    type: str
    name: str
    token: str
    key_authorization: str
    account_url: str
    subdomains: bool
    at: datetime


class Proven(msgspec.Struct, frozen=True, omit_defaults=True):
    """The look found what it was sent for. `address` is the one dialled for the name itself; `detail` is evidence.

    `ttl`: the seconds for which what was found may be relied on, where it says so itself (A-245).
    """

    address: str | None
    detail: dict[str, Any]
    ttl: int | None = None


class ForbiddenBy(msgspec.Struct, frozen=True):
    """The CAA records that forbid a certificate: whose, and the URLs they ask to tell (RFC 8659 §4.4), unread."""

    domain: str
    iodef: tuple[str, ...]


class NotProven(msgspec.Struct, frozen=True, omit_defaults=True):
    """The look failed; `detail` is fit for the client. `temporary`: the same look may succeed soon, so try again.

    `mpic`: what remote perspectives said, which is evidence of this attempt (C-063). `forbidden_by` is no evidence: it
    names people.
    """

    type: ErrorType
    detail: str
    temporary: bool = False
    mpic: dict[str, Any] | None = None
    forbidden_by: ForbiddenBy | None = None


def echo(found: bytes) -> str:
    """At most 64 printable ASCII characters of what a stranger sent, quoted. A-164."""
    text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in found[:ECHO_LIMIT])
    return f'"{text}"' + (" (cut)" if len(found) > ECHO_LIMIT else "")
