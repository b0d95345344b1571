"""A listener of ours around small applications: probes, request ids, slow and too many clients, draining."""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import structlog
from aiohttp import ClientSession, web

from acme_server import logs, tally
from acme_server.clock import utc_now
from acme_server.config import Address, Settings
from acme_server.config_sections import Acme, Log
from acme_server.dev.tls import ensure_tls
from acme_server.edge.health import Health
from acme_server.serving import bound, serve, tls_of

SETTINGS = Settings()
IMPATIENT = Settings(acme=Acme(slow_client_timeout=timedelta(milliseconds=300)))
SOON = 10.0


@dataclass
class Running:
    """A listener, what stops it, and whether the handler /slow may answer."""

    port: int
    stop: asyncio.Event
    go: asyncio.Event
    entered: asyncio.Event
    task: "asyncio.Task[None]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def listener(health: Health | None = None, settings: Settings = SETTINGS) -> AsyncIterator[Running]:
    go, entered = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        entered.set()
        await go.wait()
        return web.Response(text="done")

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def big(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 50_000_000)

    app = web.Application()
    app.router.add_get("/slow", slow)
    app.router.add_post("/echo/{secret}", echo)
    app.router.add_get("/big", big)
    sock, stop = bound(Address("127.0.0.1", 0)), asyncio.Event()
    port = sock.getsockname()[1]
    task = asyncio.create_task(serve("test", app, sock, settings, health or Health({}), stop, tls_of(settings)))
    yield Running(port, stop, go, entered, task)
    go.set()
    stop.set()
    await asyncio.wait_for(task, SOON)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that came until the server ended the connection."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), SOON)
    return b""


async def answered(reader: asyncio.StreamReader) -> int:
    """Status of the next answer, read whole."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)).decode()
    await reader.readexactly(int(head.lower().partition("content-length: ")[2].split()[0]))
    return int(head.split()[1])


async def ready() -> str | None:
    return None


async def broken() -> str | None:
    return "does not answer"


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_probes_name_what_is_not_ready() -> None:
    health = Health({"database": ready, "signer": broken})
    async with listener(health) as running, ClientSession(running.url) as client:
        async with client.get("/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "alive"})
        async with client.get("/readyz") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert await answer.json() == {"status": "not ready", "faults": {"signer": "does not answer"}}
            assert "Replay-Nonce" not in answer.headers
            assert "Link" not in answer.headers
    async with listener(Health({"database": ready})) as running, ClientSession(running.url) as client:
        async with client.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ready"})
        async with client.post("/readyz") as answer:
            assert answer.status == 405


async def test_a_check_that_hangs_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acme_server.edge.health.PATIENCE", 0.05)
    answer = await Health({"database": hanging}).readiness()
    assert (answer.status, json.loads(answer.body or b"")["faults"]) == (503, {"database": "does not answer in time"})


async def test_every_answer_has_a_request_id_of_its_own() -> None:
    async with listener() as running, ClientSession(running.url) as client:
        seen = set()
        for path in ("/healthz", "/nothing", "/echo/1", "/healthz"):
            async with client.get(path) as answer:
                seen.add(answer.headers["Request-Id"])
        assert len(seen) == 4
        assert all(len(bytes.fromhex(one)) == 8 for one in seen)


async def test_no_answer_names_a_library_or_its_version() -> None:
    async with listener() as running, ClientSession(running.url) as client:
        for path in ("/healthz", "/nothing", "/echo/1"):
            async with client.get(path) as answer:
                assert answer.headers["Server"] == "keiyaku"
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"no HTTP\r\n\r\n")
        told = await reader.read()
        writer.close()
        assert told.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        assert b"Server: keiyaku\r\n" in told


async def test_requests_are_counted_by_route_never_by_path() -> None:
    async with listener() as running, ClientSession(running.url) as client:
        await (await client.post("/echo/hunter2", data=b"x")).read()
        await (await client.request("PROPFIND", "/nothing/hunter2")).read()
    assert sum(tally.HERE.durations["request", "test", "/echo/{secret}", "POST", "200"][:-1]) >= 1
    assert sum(tally.HERE.durations["request", "test", "none", "other", "404"][:-1]) >= 1
    assert not any("hunter2" in part for key in tally.HERE.durations for part in key)


async def test_what_is_no_http_is_refused_without_a_word_of_the_client(caplog: pytest.LogCaptureFixture) -> None:
    async with listener() as running:
        reader, writer = await running.connect()
        writer.write(b"BREW /coffee HTTP/1.1\r\n\r\n")
        said = await ended(reader)
        assert b" 400 Bad Request\r\n" in said
        assert b"BREW" not in said
        assert caplog.records == []
        writer.close()


@pytest.mark.rule("T16-3")
async def test_line_of_a_request_has_its_id_and_nothing_of_the_client(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(log=Log(requests=True, format="json"))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure(settings)
    try:
        async with (
            listener(settings=settings) as running,
            ClientSession(running.url) as client,
            client.post("/echo/hunter2?who=hunter2", data=b"hunter2", headers={"User-Agent": "h2"}) as answer,
        ):
            request_id = answer.headers["Request-Id"]
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
    text = capsys.readouterr().err
    (line,) = [json.loads(each) for each in text.splitlines()]
    assert (line["route"], line["method"], line["status"]) == ("/echo/{secret}", "POST", 200)
    assert line["request_id"] == request_id
    assert line["ms"] >= 0
    assert not any(secret in text for secret in ("hunter2", "127.0.0.1", "h2"))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"GET /slow HTTP/1.1\r\nHost: x\r\nX-Half: ", id="half of the headers"),
        pytest.param(b"POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", id="half of the body"),
    ],
)
async def test_client_that_sends_half_is_cut(sent: bytes) -> None:
    async with listener(settings=IMPATIENT) as running:
        reader, writer = await running.connect()
        writer.write(sent)
        assert await ended(reader) == b""
        writer.close()


async def test_client_that_sends_half_of_a_second_request_is_cut() -> None:
    async with listener(settings=IMPATIENT) as running:
        reader, writer = await running.connect()
        writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await answered(reader) == 404
        writer.write(b"GET /sl")
        assert await ended(reader) == b""
        writer.close()


async def test_client_that_sends_byte_by_byte_is_cut() -> None:
    async with listener(settings=IMPATIENT) as running:
        reader, writer = await running.connect()
        reading = asyncio.create_task(ended(reader))
        for octet in b"GET /nothing HTTP/1.1\r\n" + b"X-Long: header\r\n" * 1000:
            if reading.done():
                break
            writer.write(bytes([octet]))
            await asyncio.wait({reading}, timeout=0.02)
        assert await reading == b""
        writer.close()


async def test_client_that_does_not_read_is_cut() -> None:
    async with listener(settings=IMPATIENT) as running:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", running.port))
            before = tally.HERE.counts["connection", "test", "slow"]
            await loop.sock_sendall(client, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(SOON):
                while tally.HERE.counts["connection", "test", "slow"] == before:
                    await asyncio.sleep(0.01)


async def test_slow_handler_is_not_the_clients_fault() -> None:
    async with listener(settings=IMPATIENT) as running:
        reader, writer = await running.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await running.entered.wait()
        _, other = await running.connect()  # says nothing, so it is cut later than a request that began before it
        quiet, _ = await running.connect()
        assert await ended(quiet) == b""
        running.go.set()
        assert b"200 OK" in await reader.readline()
        for each in (writer, other):
            each.close()


async def test_tls_handshake_that_never_ends_is_cut(tmp_path: Path) -> None:
    ensure_tls(tmp_path, utc_now())
    acme = msgspec.structs.replace(
        IMPATIENT.acme, tls_certificate=tmp_path / "server.pem", tls_key=tmp_path / "server.key"
    )
    async with listener(settings=Settings(acme=acme)) as running:
        reader, writer = await running.connect()
        writer.write(b"\x16\x03\x01")
        assert await ended(reader) == b""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        async with (
            ClientSession() as client,
            client.get(f"https://127.0.0.1:{running.port}/healthz", ssl=trusting) as ok,
        ):
            assert ok.status == 200
        writer.close()


async def test_one_connection_too_many_is_closed_and_the_next_is_served() -> None:
    async with listener(settings=Settings(acme=Acme(max_connections=2))) as running:
        first, second = await running.connect(), await running.connect()
        for reader, writer in (first, second):
            writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"404" in await reader.readline()
        refused, writer = await running.connect()
        assert await ended(refused) == b""
        writer.close()
        first[1].close()
        async with asyncio.timeout(SOON):
            while True:
                reader, writer = await running.connect()
                with contextlib.suppress(ConnectionError):
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    line = await reader.readline()
                    if line:
                        break
                writer.close()
        assert b"200" in line
        for each in (writer, second[1]):
            each.close()


async def test_stop_answers_what_began_and_takes_nothing_new() -> None:
    async with listener() as running:
        idle, idle_writer = await running.connect()
        idle_writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await answered(idle) == 404
        reader, writer = await running.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await running.entered.wait()
        half, half_writer = await running.connect()
        half_writer.write(b"POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        await asyncio.sleep(0)
        running.stop.set()
        assert await ended(idle) == b""
        with pytest.raises(ConnectionError):
            await running.connect()
        half_writer.write(b"cd")
        assert (await ended(half)).endswith(b"abcd")
        running.go.set()
        answer = await ended(reader)
        assert answer.endswith(b"done")
        assert b"Connection: close" in answer
        await asyncio.wait_for(running.task, SOON)
        for each in (idle_writer, writer, half_writer):
            each.close()
