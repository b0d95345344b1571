"""What tests of hostile input share: a raw socket, what holds for every answer, and what no refused request changes."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from acme_server.config import Address, load
from acme_server.edge import handlers
from acme_server.edge.health import Health
from acme_server.edge.routes import make_app
from acme_server.edge.urls import Urls
from acme_server.protocol.jws import MAX_BODY
from acme_server.serving import bound, serve
from sql import Pool
from tests.acme_server.client import Answer
from tests.acme_server.conftest import BASE, IDENTITIES, PEOPLE, Served

SECONDS, A_WHILE = 10.0, 0.01
KEPT = ("acme.accounts", "acme.account_keys", "acme.orders", "acme.authorizations", "ca.to_be_signed", "ca.revocations")
TRACES = (b"Traceback", b'File "', b"asyncpg", handlers.__file__.encode())


@dataclass(frozen=True)
class Raw:
    """An HTTP answer read from a socket."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), None)


@asynccontextmanager
async def listening(app: web.Application, name: str = "acme") -> AsyncIterator[str]:
    """The application on a listener as `keiyaku serve` has it. Gives where it is reached."""
    stop, sock = asyncio.Event(), bound(Address("127.0.0.1", 0))
    serving = asyncio.create_task(serve(name, app, sock, load(None, {}), Health({}), stop))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def acme_listening(served: Served) -> AsyncIterator[str]:
    """The ACME application of `served` once more, as `listening` has it."""
    app = make_app(
        served.context, Urls(BASE, PEOPLE), website=None, identities=IDENTITIES, require_binding=False,
        max_body=MAX_BODY,
    )  # fmt: skip
    async with listening(app) as reach:
        yield reach


async def converse(reach: str, octets: bytes, *, end: bool = False) -> list[Raw]:
    """Every answer to the octets, until the server closes; `end` says that no more will come, once nothing came back
    for a while: a server that hears the end drops what it has not answered yet.
    """
    url = urlsplit(reach)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(octets)
        answered = asyncio.ensure_future(reader.read(-1))
        if end and not (await asyncio.wait({answered}, timeout=A_WHILE))[0]:
            writer.write_eof()
        return answers(await asyncio.wait_for(answered, SECONDS))
    finally:
        writer.close()


def answers(octets: bytes) -> list[Raw]:
    """The HTTP answers in the octets. An answer to HEAD must be the last."""
    found = []
    while octets:
        head, _, octets = octets.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        status, size = int(first.split(" ")[1]), int(dict(headers).get("Content-Length", "0"))
        body, octets = octets[:size], octets[size:]
        if status != 100:
            found.append(Raw(status, headers, body))
    return found


def check_raw(raw: Raw, sent: object) -> None:
    """What holds for every answer."""
    assert raw.status < 500, (sent, raw)
    assert not any(trace in raw.body for trace in TRACES), (sent, raw)
    if raw.status >= 400 and raw.body:
        check_problem(raw.header("Content-Type"), raw.body, sent)


def check_problem(content_type: str | None, body: bytes, sent: object) -> None:
    """A problem document with a type and something to read."""
    assert content_type == "application/problem+json", (sent, content_type, body[:300])
    document = json.loads(body)
    assert document["type"].startswith("urn:ietf:params:acme:error:") or document["type"] == "about:blank", document
    assert document["detail"], (sent, document)
    assert document["status"] >= 400, (sent, document)


def check(found: Answer, sent: object, *, post: bool = True) -> None:
    """What holds for every answer to a POST of a client."""
    assert found.status < 500, (sent, found)
    assert not any(trace in found.body for trace in TRACES), (sent, found)
    if found.status >= 400:
        check_problem(found.headers["Content-Type"], found.body, sent)
    if post:
        assert found.headers["Replay-Nonce"], sent


def refused(found: Answer, sent: object, *, post: bool = True) -> None:
    """The same, and the request is refused."""
    check(found, sent, post=post)
    assert found.status >= 400, (sent, found)


async def stored(owner: Pool) -> list[str]:
    """Every row that a client can make, as text."""
    return [
        await owner.fetchval(f"SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {table} t")
        for table in KEPT
    ]


@contextmanager
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No error is logged meanwhile, by us or by a library: whatever came in was foreseen."""
    caplog.clear()
    with capture_logs() as logged:
        yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    bad = [entry for entry in logged if entry["log_level"] in ("error", "critical") or entry["event"] == "unexpected"]
    assert not bad, bad
