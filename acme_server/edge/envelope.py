"""What every answer has: a nonce, links, CORS, a request id; and what becomes of errors. RFC 8555 §6.5, §6.7, §7.1."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from acme_server.clock import utc_now
from acme_server.edge import problems, signed
from acme_server.edge.keys import CONTEXT, URLS
from acme_server.edge.problems import HttpRefused
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.use_cases import authenticate
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
EXPOSED = "Link, Location, Replay-Nonce, Request-Id, Retry-After"


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the problem document of what it raised, with the headers of every answer."""
    response = preflight() if request.method == "OPTIONS" else await answered(request, handler)
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = EXPOSED
    path = request.path
    if path not in ("/dir", "/directory") or response.status >= 400:
        headers.add("Link", f'<{request.app[URLS].base}/directory>;rel="index"')
    if request.method == "POST":
        headers["Replay-Nonce"] = authenticate.new_nonce(request.app[CONTEXT], utc_now())
        headers["Cache-Control"] = "no-store"
    return response


def preflight() -> web.Response:
    """The answer to a CORS preflight (A-006)."""
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, HEAD, POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "86400",
        },
    )


async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or a problem document: 4xx for what the client can mend, 5xx without a word of ours."""
    try:
        if request.method == "POST" and request.match_info.http_exception is not None:
            await signed.by_account(request)  # its nonce is spent, before it hears that there is nothing here
        return await handler(request)
    except AcmeError as error:
        return problems.of_error(error)
    except web.HTTPException as error:
        return problems.of_error(of_http(error, f"{request.app[URLS].base}/directory"))
    except (*DATABASE_AWAY, TimeoutError) as error:
        if request.transport is not None:  # else it is the client who is away
            LOG.warning("database_away", reason=type(error).__name__)
        return problems.of_error(away())
    except Exception:
        LOG.exception("unexpected")
        return problems.of_error(AcmeError(ErrorType.SERVER_INTERNAL, "Something went wrong here. It is recorded."))


def of_http(error: web.HTTPException, directory: str) -> HttpRefused:
    """aiohttp's own refusal as ours, with its Allow header (A-032, A-033); who mistyped a URL hears where to begin."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    details = {
        404: f"There is no such resource. The directory is {directory}",
        405: f"This URL answers {headers.get('Allow', 'other methods')} only. To read it, send a POST-as-GET.",
        413: "The request body is too large.",
    }
    return HttpRefused(error.status, details.get(error.status, "This request cannot be answered."), headers)


def away() -> AcmeError:
    """The answer while PostgreSQL is away (503)."""
    return AcmeError(ErrorType.SERVER_INTERNAL, "The service is not available just now. Try again.", retry_after=5)
