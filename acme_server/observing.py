"""What every request of every listener has: an id, a line in the log, a place in the metrics; and a probe's answer.

Nothing of the client is written but what it asked for: the route, never the path, whose parts may be secrets (T16-3).
"""

import os
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from acme_server import tally
from acme_server.connections import SERVER, Connection, problem
from acme_server.edge.health import PROBES, Health
from acme_server.edge.keys import PROBLEM
from sql.away import DATABASE_AWAY

LOG = structlog.get_logger(__name__)
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
REQUEST_ID = "Request-Id"


class Observer:
    """Wraps the handler of a listener's application."""

    def __init__(self, listener: str, inner: Handler, health: Health, *, lines: bool) -> None:
        self.listener, self.inner, self.health, self.lines = listener, inner, health, lines
        self.draining = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The application's answer or the probe's, with its Request-Id. Draining, it is the connection's last."""
        began = time.perf_counter()
        request_id = os.urandom(8).hex()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.begin(request)
        try:
            response = await self.answer(request)
        finally:
            if isinstance(connection, Connection):
                connection.end()
        response.headers[REQUEST_ID] = request_id
        response.headers["Server"] = SERVER
        if self.draining:
            response.force_close()
        self.note(request, response, time.perf_counter() - began)
        return response

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The application's answer; what it refuses by exception, and a database that is away, are answers too."""
        if expects_too_much(request):
            return problem(417, 'Leave out "Expect", or send "Expect: 100-continue".')
        try:
            return await self.health.answer(request) or await self.inner(request)
        except web.HTTPException as refused:
            kept = {name: refused.headers[name] for name in ("Allow", "Location") if name in refused.headers}
            return problem(refused.status, refused.text or refused.reason, kept)
        except (*DATABASE_AWAY, TimeoutError):
            if request.transport is not None:
                LOG.warning("database_away", listener=self.listener)
            return problem(503, "The service is not available just now. Try again.", {"Retry-After": "5"})

    def note(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> None:
        """The request is counted, and has its line where the settings want lines."""
        route = route_of(request)
        method = request.method if request.method in METHODS else "other"
        tally.observe(seconds, "request", self.listener, route, method, str(response.status))
        if response.status >= 400 and (refusal := response.get(PROBLEM)):
            tally.count("problem", refusal)
        if self.lines:
            LOG.info(
                "request", listener=self.listener, route=route, method=method, status=response.status,
                ms=round(seconds * 1000, 1),
            )  # fmt: skip


def expects_too_much(request: web.BaseRequest) -> bool:
    """Whether the client waits for what no server knows, in any octets (RFC 9110 §10.1.1)."""
    return request.headers.get("Expect", "").lower() not in ("", "100-continue")


def route_of(request: web.BaseRequest) -> str:
    """The route as the URL table writes it; `none` for a path that is not in it, and when nobody looked for it."""
    if request.path in PROBES:
        return request.path
    if not isinstance(request, web.Request) or expects_too_much(request):
        return "none"
    resource = request.match_info.route.resource
    return "none" if resource is None else resource.canonical
