"""A request, read: its token, parameters and body, each bounded and checked. Raises Problem."""

import re
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from contract_gate.calendar import YEARS
from office.edge.api.calls import Operation
from office.edge.api.problems import Problem

T = TypeVar("T")
BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{1,200})")
KEY = re.compile(r"[\x21-\x7e]{1,255}")
CHUNK = 64 * 1024
FILE = "application/octet-stream"


def token_of(request: web.Request) -> str:
    """The token of the Authorization header (RFC 6750 §2.1)."""
    found = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise unauthenticated("send `Authorization: Bearer TOKEN`; `keiyaku token new` makes one")
    return found[1]


def unauthenticated(detail: str) -> Problem:
    """401, with the scheme that is asked for."""
    return Problem("unauthenticated", detail, {"WWW-Authenticate": 'Bearer realm="keiyaku"'})


def key_of(request: web.Request, operation: Operation) -> str | None:
    """The Idempotency-Key, which operations that make something demand."""
    if not operation.once:
        return None
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        raise Problem("malformed", "send an Idempotency-Key of 1 to 255 visible characters, a new one for each deed")
    return key


def query_of(request: web.Request, kind: type[T]) -> T:
    """The query, no parameter twice and none that the operation does not know."""
    if len(request.query) != len(set(request.query)):
        raise Problem("malformed", "a parameter is given twice")
    return converted(dict(request.query), kind, strict=False)


async def octets_of(request: web.Request, largest: int) -> bytes:
    """The body, as it came."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem("unsupported-media-type", "send the body without Content-Encoding")
    octets = bytearray()
    while chunk := await request.content.read(CHUNK):
        octets += chunk
        if len(octets) > largest:
            raise Problem("too-large", f"at most {largest} octets")
    return bytes(octets)


def body_of(octets: bytes, content_type: str, operation: Operation) -> Any:
    """What the body says. An operation without content takes an empty body or {}."""
    if operation.body is None:
        return None
    if operation.body is bytes:
        if content_type != FILE:
            raise Problem("unsupported-media-type", f"send {FILE}")
        return octets
    return json_of(octets, content_type, operation.body)


def json_of(octets: bytes, content_type: str, kind: type[T]) -> T:
    """A JSON body as `kind`."""
    if content_type != "application/json" and octets:
        raise Problem("unsupported-media-type", "send application/json")
    try:
        return converted(msgspec.json.decode(octets or b"{}"), kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem("malformed", f"the body does not fit: {error}") from error


def converted(value: object, kind: type[T], *, strict: bool = True) -> T:
    """The value as `kind`, with texts that PostgreSQL takes and instants of this and the next century."""
    try:
        found = msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise Problem("malformed", str(error)) from error
    if fault := strange(value) or strange(found):
        raise Problem("malformed", fault)
    return found


def strange(value: object) -> str | None:
    """What of a value nobody may write, anywhere inside it."""
    match value:
        case str():
            bad = any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in value)
            return "texts hold no control characters" if bad else None
        case datetime() | date():
            return None if value.year in YEARS else f"the date lies outside the years {YEARS.start} to {YEARS.stop - 1}"
        case msgspec.Struct():
            return next((f for n in value.__struct_fields__ if (f := strange(getattr(value, n)))), None)
        case dict():
            return next((f for pair in value.items() for each in pair if (f := strange(each))), None)
        case list():
            return next((f for each in value if (f := strange(each))), None)
        case _:
            return None
