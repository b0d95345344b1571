"""A web server on loopback that answers each path as a test scripts it, faults included.

async with WebSimulator.start() as web:
    web.on("/x", Reply(body=b"hello"))
    web.port
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

DRIP_SECONDS = 0.01
BLOCK = b"x" * 16384


@dataclass(frozen=True)
class Reply:
    """A response. `framing`: how the body's end is told."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    framing: Literal["length", "chunked", "close"] = "length"


def redirect(location: str, status: int = 302) -> Reply:
    """A redirect to `location`."""
    return Reply(status, headers=[("Location", location)])


@dataclass(frozen=True)
class Raw:
    """Bytes sent as they are, then the connection closes."""

    data: bytes


@dataclass(frozen=True)
class Drip:
    """A 200 whose body never ends and comes one byte at a time."""


@dataclass(frozen=True)
class Endless:
    """A 200 whose body never ends and comes as fast as it is read."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset once the request is read."""


@dataclass(frozen=True)
class Silent:
    """The request is read and never answered."""


Action = Reply | Raw | Drip | Endless | Reset | Silent


@dataclass(frozen=True)
class Seen:
    """A request as it came. `server` is the address of ours it came to."""

    server: str
    method: str
    target: str
    headers: dict[str, str]


@dataclass
class WebSimulator:
    """What to answer, and what was asked. A path without an action is a 404."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    _actions: dict[str, Action] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def start(
        cls, hosts: Sequence[str] = ("127.0.0.1",), tls: ssl.SSLContext | None = None, port: int = 0
    ) -> AsyncIterator["WebSimulator"]:
        """A running server on one free port (or `port`) of every host."""
        simulator = cls()
        async with AsyncExitStack() as stack:
            for sock in _sockets(hosts, port):
                server = await asyncio.start_server(simulator._serve, sock=sock, ssl=tls)
                stack.push_async_callback(server.wait_closed)
                stack.callback(server.close)
                simulator.port = sock.getsockname()[1]
            yield simulator

    def on(self, path: str, action: Action) -> None:
        """What the path answers from now on."""
        self._actions[path] = action

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *fields = head.strip().split("\r\n")
            method, target, _ = line.split(" ")
            headers = dict(f.lower().split(": ", 1) for f in fields)
            self.seen.append(Seen(writer.get_extra_info("sockname")[0], method, target, headers))
            await _act(self._actions.get(target, Reply(404)), reader, writer)
        writer.close()


def _sockets(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Listening sockets on one port of all hosts."""
    for _ in range(50):
        made: list[socket.socket] = []
        try:
            for host in hosts:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                wanted = made[0].getsockname()[1] if made else port
                made.append(socket.create_server((host, wanted), family=family))
        except OSError:
            for sock in made:
                sock.close()
        else:
            return made
    raise RuntimeError(f"no port is free on all of {', '.join(hosts)}")


async def _act(action: Action, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match action:
        case Reply():
            writer.write(_rendered(action))
        case Raw(data):
            writer.write(data)
        case Drip():
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS)
        case Endless():
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not writer.is_closing():
                writer.write(BLOCK)
                await writer.drain()
        case Reset():
            writer.transport.abort()
        case Silent():
            await reader.read()
    await writer.drain()


def _rendered(reply: Reply) -> bytes:
    headers = list(reply.headers)
    body = reply.body
    if reply.framing == "length":
        headers.append(("Content-Length", str(len(body))))
    if reply.framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
        half = len(body) // 2 or 1
        parts = [body[:half], body[half:], b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for i, p in enumerate(parts) if p or i == 2)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {reply.status} Scripted\r\n{head}\r\n".encode() + body
