"""Request body to authenticated account and payload. RFC 8555 §6."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from aiohttp import web
from structlog.contextvars import bind_contextvars

from acme_server.clock import utc_now
from acme_server.edge.keys import CONTEXT, URLS
from acme_server.edge.problems import HttpRefused
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Signed, parse_request
from acme_server.protocol.keys import AccountKey
from acme_server.protocol.objects import Account
from acme_server.use_cases import authenticate
from acme_server.use_cases.context import Context

JOSE = "application/jose+json"
T = TypeVar("T")
ReadOwn: TypeAlias = Callable[[Context, Signed, str, datetime, UUID], Awaitable[tuple[Account, T]]]


async def read(request: web.Request) -> Signed:
    """The JWS in the body, its form right, nothing verified (A-009 to A-014, A-030, A-031)."""
    body = await body_of(request)
    try:
        if media_type_of(request) != JOSE:
            raise HttpRefused(415, f"Send the request as {JOSE}.", {"Accept": JOSE})
        return parse_request(body)
    except AcmeError:
        await authenticate.spend_refused(request.app[CONTEXT], body, utc_now())
        raise


async def body_of(request: web.Request) -> bytes:
    """The body as sent, for nothing here is ever decompressed; who encodes it hears so (RFC 9110 §15.5.16)."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        plain = {"Accept-Encoding": "identity"}
        raise HttpRefused(415, "Send the request body as it is, without Content-Encoding.", plain)
    try:
        return await request.read()
    except web.RequestPayloadError:
        raise HttpRefused(400, "The request body ends early or is not framed as its header says.") from None


def media_type_of(request: web.Request) -> str | None:
    """What the one Content-Type header says, parameters aside, of which this type has none; None for several."""
    sent = request.headers.getall("Content-Type", [])
    return sent[0].partition(";")[0].strip().lower() if len(sent) == 1 else None


def url_of(request: web.Request) -> str:
    """The URL of the request on the public host name; no header of the client counts (A-041, A-043)."""
    return request.app[URLS].base + request.raw_path


async def by_account(request: web.Request) -> tuple[Account, bytes]:
    """The account that signed the request, and the payload."""
    signed = await read(request)
    account = await authenticate.by_account(request.app[CONTEXT], signed, url_of(request), utc_now())
    bind_contextvars(account=str(account.id))
    return account, signed.payload


async def to_order(request: web.Request) -> tuple[Account, frozenset[UUID], bytes]:
    """The account that signed a newOrder, the revisions of the facts that may admit it, and the payload."""
    signed = await read(request)
    account, revisions = await authenticate.to_order(request.app[CONTEXT], signed, url_of(request), utc_now())
    bind_contextvars(account=str(account.id))
    return account, revisions, signed.payload


async def with_own(request: web.Request, read_own: ReadOwn[T], id: UUID) -> tuple[Account, T, bytes]:
    """The account that signed the request, its own resource of that id (a use case reads both at once), the payload."""
    signed = await read(request)
    account, found = await read_own(request.app[CONTEXT], signed, url_of(request), utc_now(), id)
    bind_contextvars(account=str(account.id))
    return account, found, signed.payload


async def by_owner(request: web.Request) -> tuple[Account, bytes]:
    """The same for a request to an account's own URL: its owner alone (A-038)."""
    account, payload = await by_account(request)
    if str(account.id) != request.match_info["id"]:
        raise AcmeError(ErrorType.UNAUTHORIZED, "This URL belongs to another account.")
    return account, payload


async def to_read(request: web.Request) -> Account:
    """The account that signed a POST-as-GET: the payload is empty, which `{}` is not (A-034, A-035)."""
    account, payload = await by_account(request)
    require_empty(payload)
    return account


def require_empty(payload: bytes) -> None:
    """The request is a POST-as-GET."""
    if payload:
        raise AcmeError(ErrorType.MALFORMED, "This URL can only be read: send a POST-as-GET, whose payload is empty.")


async def by_key(request: web.Request) -> tuple[AccountKey, Account | None, bytes]:
    """The key that signed the request, the account that it is or was of, and the payload."""
    signed = await read(request)
    key, account = await authenticate.by_key(request.app[CONTEXT], signed, url_of(request), utc_now())
    return key, account, signed.payload


async def by_account_or_key(request: web.Request) -> tuple[Account | AccountKey, bytes]:
    """Who signed a revocation: an account, or a certificate's key (A-016)."""
    signed = await read(request)
    context, url, now = request.app[CONTEXT], url_of(request), utc_now()
    if signed.jwk is None:
        return await authenticate.by_account(context, signed, url, now), signed.payload
    key, _ = await authenticate.by_key(context, signed, url, now)
    return key, signed.payload
