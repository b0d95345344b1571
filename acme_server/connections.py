"""Connections of a listener: so many and no more, none for ever. A client that dawdles is cut off.

What is timed is the client's share alone: the TLS handshake, headers and body, and taking the answer. An idle
connection ends with aiohttp's keep-alive; how long a handler may take is not our business here.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from aiohttp import web

from acme_server import tally

LOG = structlog.get_logger(__name__)
LOOK = 0.5  # seconds between looks at all connections
SHUT = 2.0  # seconds for a client to answer our end of TLS
BACKLOG = 1024
SERVER = "keiyaku"  # in place of the library and its version
NO_HTTP = "This is not HTTP/1.1 as RFC 9112 has it, or a line of its header is too long."


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A refusal of HTTP itself, before any application has a say. RFC 7807 §4.2."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return web.Response(
        body=msgspec.json.encode(document), status=status, content_type="application/problem+json",
        headers={**(headers or {}), "Server": SERVER},
    )  # fmt: skip


class Connection(web.RequestHandler):
    """aiohttp's connection, which knows since when its client owes us something."""

    __slots__ = ("began", "ended", "owing_since", "request", "stuck_since", "told")

    def __init__(
        self, manager: web.Server, began: "Callable[[Connection], None]", ended: "Callable[[Connection], None]",
        **settings: Any,
    ) -> None:  # fmt: skip
        super().__init__(manager, loop=asyncio.get_running_loop(), **settings)
        self.began, self.ended = began, ended
        self.owing_since: float | None = None  # the rest of a request, or a first one
        self.stuck_since: float | None = None  # room for our answer
        self.request: web.BaseRequest | None = None
        self.told = False  # whether the client said anything yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.owing_since = time.monotonic()
        self.began(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.ended(self)

    def data_received(self, data: bytes) -> None:
        self.told = True
        if self.owing_since is None and self.request is None:
            self.owing_since = time.monotonic()
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stuck_since = time.monotonic()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.stuck_since = None

    def begin(self, request: web.BaseRequest) -> None:
        """The headers of a request are there; its body may be still to come."""
        self.request, self.owing_since = request, time.monotonic()

    def end(self) -> None:
        """The request has its answer."""
        self.request = self.owing_since = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The last answer of a connection: to what is no HTTP, or when we failed. No address is logged (T16-3)."""
        if status >= 500:
            LOG.error("unexpected", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        response = problem(status, NO_HTTP if status < 500 else "Something went wrong here. It is recorded.")
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Faults of ours alone: a body that breaks off is the client's doing."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)

    def is_late(self, limit: float) -> bool:
        """Whether the client has owed us something for longer than `limit`."""
        before = time.monotonic() - limit
        if self.stuck_since is not None and self.stuck_since < before:
            return True
        if self.owing_since is None or self.owing_since > before:
            return False
        return self.request is None or not self.request.content.is_eof()

    def is_idle(self) -> bool:
        """Whether closing loses nothing: no request begun, no answer under way."""
        nothing_begun = self.owing_since is None or not self.told
        return self.request is None and nothing_begun and not self.writing_paused

    def cut(self) -> None:
        """The connection is gone, whatever was still to be sent."""
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """The connections of one listener of this process, from the accepted socket on."""

    def __init__(
        self, listener: str, server: web.Server, most: int, limit: float, tls: ssl.SSLContext | None, **settings: Any
    ) -> None:
        self.listener, self.server, self.most, self.limit, self.tls = listener, server, most, limit, tls
        self.settings = settings
        self.greeted: set[Connection] = set()
        self.greeting: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    async def accept(self, sock: socket.socket) -> None:
        """Takes connections until cancelled. One too many is closed at once, before TLS."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(sock)
            except OSError as fault:  # no file descriptor left, or the client has gone already
                LOG.warning("not_accepted", listener=self.listener, reason=fault.strerror)
                await asyncio.sleep(0.05)
                continue
            if len(self.greeted) + len(self.greeting) >= self.most:
                client.close()
                tally.count("connection", self.listener, "limit")
                continue
            task = asyncio.create_task(self.greet(client))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def greet(self, client: socket.socket) -> None:
        """TLS is up and the connection is aiohttp's, or it is gone within the limit."""
        timing: dict[str, Any] = {}
        if self.tls is not None:
            timing = {"ssl": self.tls, "ssl_handshake_timeout": self.limit, "ssl_shutdown_timeout": SHUT}
        connection = Connection(self.server, self.greeted.add, self.greeted.discard, **self.settings)
        self.greeting.add(connection)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, client, **timing)
        except OSError:  # no TLS, or not in time
            client.close()
        finally:
            self.greeting.discard(connection)

    async def watch(self) -> None:
        """Cuts whoever is late, until cancelled."""
        while True:
            await asyncio.sleep(min(LOOK, self.limit / 4))
            for connection in [each for each in self.greeted if each.is_late(self.limit)]:
                tally.count("connection", self.listener, "slow")
                connection.cut()

    async def drain(self, bound: float) -> None:
        """Idle connections are closed; the others when they have their answers, cut when `bound` seconds are over."""
        until = time.monotonic() + bound
        for task in list(self.tasks):
            task.cancel()
        while self.greeted and time.monotonic() < until:
            for connection in [each for each in self.greeted if each.is_idle()]:
                connection.force_close()
            await asyncio.sleep(0.01)
        for connection in list(self.greeted):
            connection.cut()
