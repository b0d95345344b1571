"""http-01: the host serves the key authorization at a well-known address. RFC 8555 §8.3, RFC 8738, BR §3.2.2.4.19."""

import asyncio
from typing import Any

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.validation import dial
from acme_server.validation.dial import Connected
from acme_server.validation.http_message import (
    REDIRECTS,
    BadHop,
    Head,
    Hop,
    first_hop,
    parse_head,
    redirected,
    request,
)
from acme_server.validation.outcome import NotProven, Proven, echo
from acme_server.validation.resolver import Lookups
from acme_server.validation.settings import ValidationSettings

MAX_REDIRECTS = 10
MAX_INTERIM = 4
TRAILING = 1024  # bytes read beyond the key authorization: trailing whitespace, the rest is only echoed
WHITESPACE = b" \t\r\n\x0b\x0c"
MAX_CHUNK_LINE = 1024
ANY_CERTIFICATE = dial.tls_context(["http/1.1"])


class Response(msgspec.Struct, frozen=True):
    """What a hop answered; the body is read for a 200 only, and no further than asked."""

    head: Head
    body: bytes


class BadResponse(Exception):
    """What came is no HTTP/1 response; says why."""


def is_expected(body: bytes, key_authorization: str) -> bool:
    """Whether the body is the key authorization; whitespace after it is ignored, before it is not. A-159."""
    return body.rstrip(WHITESPACE) == key_authorization.encode()


async def look(
    name: str, token: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """Whether the host `name` serves the key authorization. A-158 to A-165, C-024, C-025."""
    hop = first_hop(name, token, settings.http_port)
    trail: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(settings.timeout):
            return await _follow(hop, key_authorization, resolver, settings, trail)
    except TimeoutError:
        return dial.timed_out(_where(trail) if trail else hop.url, settings.timeout)


async def _follow(
    hop: Hop, key_authorization: str, resolver: Lookups, settings: ValidationSettings, trail: list[dict[str, Any]]
) -> Proven | NotProven:
    """The outcome at the end of the redirects; every hop stands in `trail` with its addresses."""
    first_host, visited = hop.host, {hop.url}
    while True:
        response = await _get(hop, len(key_authorization) + TRAILING, resolver, settings, trail)
        if isinstance(response, NotProven):
            return response
        if response.head.status not in REDIRECTS:
            return _judged(response, key_authorization, trail)
        following = redirected(hop, response.head.fields.get("location", ""), first_host, settings)
        if isinstance(following, BadHop):
            return NotProven(ErrorType.CONNECTION, f"{_where(trail)}: redirect not followed: {following.why}")
        if following.url in visited:
            return NotProven(ErrorType.CONNECTION, f"{_where(trail)}: its redirects form a loop")
        if len(trail) > MAX_REDIRECTS:
            return NotProven(ErrorType.CONNECTION, f"{_where(trail)}: more than {MAX_REDIRECTS} redirects")
        visited.add(following.url)
        hop = following


def _judged(response: Response, key_authorization: str, trail: list[dict[str, Any]]) -> Proven | NotProven:
    """A 200 with the key authorization proves control; nothing else does. C-024."""
    if response.head.status != 200:
        said = f"{_where(trail)}: status {response.head.status}, expected 200 with the key authorization"
        return NotProven(ErrorType.UNAUTHORIZED, said)
    if not is_expected(response.body, key_authorization):
        said = f"{_where(trail)}: expected the key authorization {key_authorization}, found {echo(response.body)}"
        return NotProven(ErrorType.INCORRECT_RESPONSE, said)
    first = trail[0]
    evidence = {
        "method": "http-01",
        "url": first["url"],
        "addresses": first["addresses"],
        "address": first["address"],
        "redirects": trail[1:],
    }
    return Proven(first["address"], evidence)


def _where(trail: list[dict[str, Any]]) -> str:
    return f"{trail[-1]['url']} ({trail[-1]['address']})"


async def _get(
    hop: Hop, most: int, resolver: Lookups, settings: ValidationSettings, trail: list[dict[str, Any]]
) -> Response | NotProven:
    connected = await dial.connect(hop.host, hop.port, resolver, settings)
    if isinstance(connected, NotProven):
        return connected
    trail.append({"url": hop.url, "addresses": connected.addresses, "address": connected.address})
    try:
        return await _exchange(connected, hop, most)
    except BadResponse as fault:
        return NotProven(ErrorType.INCORRECT_RESPONSE, f"{_where(trail)}: {fault}")
    except (OSError, asyncio.IncompleteReadError):  # an SSLError is an OSError
        if hop.scheme == "https":
            return NotProven(ErrorType.TLS, f"{_where(trail)}: the TLS connection failed", temporary=True)
        return NotProven(ErrorType.CONNECTION, f"{_where(trail)}: the connection broke off", temporary=True)


async def _exchange(connected: Connected, hop: Hop, most: int) -> Response:
    """One request and its response. The connection is closed, whatever happens."""
    context = ANY_CERTIFICATE if hop.scheme == "https" else None
    reader, writer = await dial.open_streams(connected.sock, context, hop.host if context else None)
    try:
        writer.write(request(hop))
        head = await _read_head(reader)
        return Response(head, await _read_body(reader, head, most) if head.status == 200 else b"")
    finally:
        writer.transport.abort()


async def _read_head(reader: asyncio.StreamReader) -> Head:
    """The head of the final response, after at most a few interim ones."""
    for _ in range(MAX_INTERIM):
        try:
            head = parse_head((await reader.readuntil(b"\r\n\r\n"))[:-4])
        except asyncio.LimitOverrunError:
            raise BadResponse(f"the response has a head over {dial.READ_LIMIT} bytes") from None
        if head is None:
            raise BadResponse("the answer is no HTTP/1 response")
        if head.status >= 200:
            return head
    raise BadResponse("only interim responses came")


async def _read_body(reader: asyncio.StreamReader, head: Head, most: int) -> bytes:
    """The body, or its first `most` bytes. RFC 9112 §6.3. A-164."""
    if head.fields.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunked(reader, most)
    length = head.fields.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 16:
        return await reader.readexactly(min(int(length), most))
    body = b""
    while len(body) < most and (more := await reader.read(most - len(body))):
        body += more
    return body


async def _read_chunked(reader: asyncio.StreamReader, most: int) -> bytes:
    body = b""
    while len(body) < most:
        try:
            line = await reader.readuntil(b"\r\n")
            size = int(line[:MAX_CHUNK_LINE].split(b";")[0].strip(), 16)
        except (ValueError, asyncio.LimitOverrunError):
            raise BadResponse("the response is wrongly chunked") from None
        if size <= 0:
            break
        body += await reader.readexactly(min(size, most - len(body)))
        if len(body) < most:
            await reader.readexactly(2)
    return body
