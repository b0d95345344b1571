"""The only map from errors and refusals to problem documents (RFC 9457)."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import asyncpg
import msgspec
from aiohttp import web

from office.use_cases.asked import NoSuch, Unfit
from office.use_cases.idempotency import Busy, Reused
from office.use_cases.tenants import NotThere
from sql.away import DATABASE_AWAY

TITLES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "malformed": (400, "The request is not understood"),
        "unauthenticated": (401, "No valid token"),
        "forbidden": (403, "The token's role may not do this"),
        "not-found": (404, "There is no such thing"),
        "method-not-allowed": (405, "The resource knows no such method"),
        "busy": (409, "The same key is being answered, or somebody else was first"),
        "too-large": (413, "The body is too large"),
        "unsupported-media-type": (415, "The body has another media type than the operation"),
        "unfit": (422, "It cannot be done, and nothing was"),
        "key-reused": (422, "The Idempotency-Key was used for another request"),
        "too-many": (429, "Too many requests"),
        "failed": (500, "Something went wrong on our side"),
        "unavailable": (503, "The service is away for a moment"),
    }
)


class Problem(Exception):
    """A refusal of the edge: a type of TITLES, and what is wrong."""

    def __init__(self, type: str, detail: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.type, self.detail, self.headers = type, detail, headers


def of(error: Exception, path: Collection[str] = ()) -> Problem | None:
    """What the caller is told; None for what nobody expected. `path`: the things that the address names."""
    match error:
        case Problem():
            return error
        case NoSuch() if error.name in path:
            return of(NotThere())
        case Unfit():
            return Problem("unfit", str(error))
        case NotThere() | web.HTTPNotFound():
            return Problem("not-found", "there is no such thing, or it is not yours to see")
        case web.HTTPMethodNotAllowed():
            return Problem("method-not-allowed", "see /api/openapi.json", {"Allow": error.headers["Allow"]})
        case Busy():
            return Problem("busy", "wait for the answer to the first call, then ask again", {"Retry-After": "1"})
        case Reused():
            return Problem("key-reused", "use a new Idempotency-Key for another request")
        case (
            asyncpg.IntegrityConstraintViolationError()
            | asyncpg.LockNotAvailableError()
            | asyncpg.DeadlockDetectedError()
        ):
            return Problem("busy", "somebody else changed it at the same time: look, and ask again")
        case TimeoutError():
            return Problem("unavailable", "try again in a few seconds", {"Retry-After": "5"})
        case _ if isinstance(error, DATABASE_AWAY):
            return Problem("unavailable", "try again in a few seconds", {"Retry-After": "5"})
        case _:
            return None


def response(problem: Problem, request_id: str) -> web.Response:
    """The problem as application/problem+json; `instance` names the request in our log."""
    status, title = TITLES[problem.type]
    document = {
        "type": f"urn:keiyaku:problem:{problem.type}", "title": title, "status": status, "detail": problem.detail,
        "instance": f"urn:uuid:{request_id}",
    }  # fmt: skip
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
        headers={**problem.headers},
    )
