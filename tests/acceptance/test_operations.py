"""Running the product: PostgreSQL goes away and comes back; SIGTERM drains, a second one does not wait."""

import asyncio
import os
import signal
import socket
import ssl
import struct
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientSession, TCPConnector

from tests.acceptance.crash import children, until
from tests.acceptance.dev import Dev, left_over, running
from tests.acme_server.client import Client

PATIENCE = 30.0
SETTINGS = {"KEIYAKU_VALIDATION__MODE": "always_valid", "KEIYAKU_ACME__INLINE_WAIT": "10s"}
LISTENERS = ("acme", "office", "status")


@asynccontextmanager
async def session_with(dev: Dev, *, keep: bool = False) -> AsyncIterator[ClientSession]:
    """HTTP that trusts the server; each request with a connection of its own, unless they are kept."""
    trusting = ssl.create_default_context(cafile=dev.ca_file)
    async with ClientSession(connector=TCPConnector(ssl=trusting, force_close=not keep)) as session:
        yield session


async def account(dev: Dev, session: ClientSession) -> Client:
    """A client whose account is bound to the demo contract."""
    base = dev.url("acme", "")
    made = Client(session, base, base)
    assert (await made.register(dev.key)).status == 201
    return made


async def issued(client: Client) -> bool:
    """Whether a certificate comes, nonces of an old epoch forgiven."""
    try:
        return b"BEGIN CERTIFICATE" in await client.certificate("www.demo.test")
    except (AssertionError, KeyError):
        client.nonce = None
        return False


async def readiness(dev: Dev, session: ClientSession) -> dict[str, int]:
    """Status of each listener's /readyz."""
    found = {}
    for listener in LISTENERS:
        async with session.get(dev.url(listener, "/readyz")) as answer:
            found[listener] = answer.status
    return found


def postmaster(dev: Dev) -> int:
    return int((dev.data / "postgres/data/postmaster.pid").read_text().split()[0])


def signer(dev: Dev) -> int:
    """Who listens on the signer's socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(dev.data / "signer.sock"))
        return int(struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


async def test_database_that_dies_is_answered_503_and_all_recovers_without_a_restart() -> None:
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder, running(Path(folder) / "data", **SETTINGS) as dev:
        async with session_with(dev, keep=True) as session:
            client = await account(dev, session)
            await until(lambda: issued(client), "a certificate")
            old = await client.fresh_nonce()
            dev.process.send_signal(signal.SIGSTOP)  # or it starts PostgreSQL again at once
            dead = postmaster(dev)
            before = set(children(dev.process.pid)) - {dead}
            os.kill(dead, signal.SIGKILL)
            await refused_everywhere(dev, session, client)
            os.kill(dev.process.pid, signal.SIGCONT)
            await until(lambda: all_ready(dev, session), "readiness")
            client.nonce = old  # of the epoch that ended with the unlogged tables
            refused = await client.order("www.demo.test")
            assert (refused.status, refused.error) == (400, "badNonce")
            assert (await client.order("www.demo.test")).status == 201
            await until(lambda: issued(client), "a certificate after the crash")
            assert before <= set(children(dev.process.pid))  # nobody but PostgreSQL was started again
            await until(lambda: is_counted(dev, session), "both certificates in the sum of all processes")


async def is_counted(dev: Dev, session: ClientSession) -> bool:
    async with session.get(dev.url("management", "/metrics")) as answer:
        return "keiyaku_certificates_issued_total 2.0" in await answer.text()


async def all_ready(dev: Dev, session: ClientSession) -> bool:
    return set((await readiness(dev, session)).values()) == {200}


async def refused_everywhere(dev: Dev, session: ClientSession, client: Client) -> None:
    """Every listener lives, says that it is not ready, and answers 503 with Retry-After."""

    async def is_away() -> bool:
        return set((await readiness(dev, session)).values()) == {503}

    await until(is_away, "the death is noticed")
    refused = await client.order("www.demo.test")
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "5")
    for listener, path in (("office", "/terms"), ("status", "/crl/1/0.crl")):
        async with session.get(dev.url(listener, path)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert "postgres" not in (await answer.text()).lower()
    for listener in LISTENERS:
        async with session.get(dev.url(listener, "/healthz")) as answer:
            assert answer.status == 200


async def test_sigterm_answers_a_finalize_that_waits_for_the_signer() -> None:
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder, running(Path(folder) / "data", **SETTINGS) as dev:
        async with session_with(dev, keep=True) as session:
            clients = [await account(dev, session) for _ in range(3)]
            await until(lambda: issued(clients[0]), "the first seal")
            orders = [(await client.ready("www.demo.test"))[1] for client in clients]
            slow = signer(dev)
            os.kill(slow, signal.SIGSTOP)
            asked = [asyncio.create_task(client.finalize(order)) for client, order in zip(clients, orders, strict=True)]
            conn = await asyncpg.connect(dev.owner_dsn)

            async def all_begun() -> bool:
                return await conn.fetchval("SELECT count(*) = 3 FROM acme.orders WHERE status = 'processing'")

            await until(all_begun, "three orders in processing")
            await conn.close()
            dev.process.send_signal(signal.SIGTERM)
            await until(lambda: is_closed(dev), "the listener is closed")
            assert not any(task.done() for task in asked)
            os.kill(slow, signal.SIGCONT)
            for answer in await asyncio.gather(*asked):
                assert (answer.status, answer.json["status"]) == (200, "valid")
                assert answer.headers["Connection"] == "close"
        began = time.monotonic()
        assert await asyncio.to_thread(dev.process.wait, PATIENCE) == 0
        assert time.monotonic() - began < 10


async def is_closed(dev: Dev) -> bool:
    """Whether nobody listens for ACME clients any more."""
    try:
        _, writer = await asyncio.open_connection("localhost", dev.ports["acme"])
    except OSError:
        return True
    writer.close()
    return False


async def test_sigterm_under_load_loses_no_request_that_it_took() -> None:
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder, running(Path(folder) / "data", **SETTINGS) as dev:
        cut: list[Exception] = []
        answered = 0

        async def load() -> None:
            nonlocal answered
            request = b"HEAD /new-nonce HTTP/1.1\r\nHost: localhost\r\n\r\n"
            trusting = ssl.create_default_context(cafile=dev.ca_file)
            while True:
                try:
                    reader, writer = await asyncio.open_connection("localhost", dev.ports["acme"], ssl=trusting)
                except OSError:
                    return  # refused: the listener is closed
                try:
                    while True:
                        writer.write(request)
                        head = await reader.readuntil(b"\r\n\r\n")
                        assert head.startswith(b"HTTP/1.1 200 OK")
                        answered += 1
                        if b"Connection: close" in head:
                            break
                except asyncio.IncompleteReadError as error:
                    if error.partial:
                        cut.append(error)
                    # nothing at all: the idle connection was closed as the request came, which clients send again
                except OSError:
                    pass
                finally:
                    writer.close()

        loads = [asyncio.create_task(load()) for _ in range(20)]
        async with asyncio.timeout(PATIENCE):
            while answered < 500:
                await asyncio.sleep(0.01)
            dev.process.send_signal(signal.SIGTERM)
            await asyncio.gather(*loads)
        assert cut == []
        assert await asyncio.to_thread(dev.process.wait, PATIENCE) == 0


async def test_second_sigterm_does_not_wait() -> None:
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder, running(Path(folder) / "data", **SETTINGS) as dev:
        async with session_with(dev, keep=True) as session:
            client = await account(dev, session)
            await until(lambda: issued(client), "the first seal")
            _, order = await client.ready("www.demo.test")
            os.kill(signer(dev), signal.SIGSTOP)
            asked = asyncio.create_task(client.finalize(order))
            dev.process.send_signal(signal.SIGTERM)
            await until(lambda: is_closed(dev), "the listener is closed")
            dev.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(dev.process.wait, 8) == 0
            await asyncio.wait({asked})
        assert left_over(dev.data) == []


pytestmark = pytest.mark.timeout(180)
