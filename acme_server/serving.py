"""How a listener runs: TLS, bounded waits for slow clients, probes, and an orderly end."""

import asyncio
import socket
import ssl

from aiohttp import web

from acme_server.config import Address, Settings
from acme_server.connections import BACKLOG, Connections
from acme_server.database import within
from acme_server.edge.health import Health
from acme_server.observing import Observer

KEEP_ALIVE = 75.0
DRAIN = 15.0  # longer than any request may take
LINGER = 2.0  # seconds for the rest of a body that nobody wants


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the certificate of the settings (A-002); None when a proxy in front has it."""
    if settings.acme.tls_certificate is None or settings.acme.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(within(settings, settings.acme.tls_certificate), within(settings, settings.acme.tls_key))
    return context


def bound(listen: Address) -> socket.socket:
    """A listening socket. SO_REUSEPORT: several processes share one address."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.create_server((listen.host, listen.port), family=family, reuse_port=True, backlog=BACKLOG)
    sock.setblocking(False)
    return sock


async def serve(
    name: str, app: web.Application, sock: socket.socket, settings: Settings, health: Health, stop: asyncio.Event,
    tls: ssl.SSLContext | None = None,
) -> None:  # fmt: skip
    """The application answers until `stop`; requests begun by then are answered (SIGTERM drains)."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    server = runner.server
    assert server is not None  # after setup
    observer = Observer(name, server.request_handler, health, lines=settings.log.requests)
    server.request_handler = observer.handle
    limit = settings.acme.slow_client_timeout.total_seconds()
    connections = Connections(
        name, server, settings.acme.max_connections, limit, tls,
        access_log=None, keepalive_timeout=KEEP_ALIVE, lingering_time=LINGER, auto_decompress=False,
    )  # fmt: skip
    accepting = asyncio.create_task(connections.accept(sock))
    watching = asyncio.create_task(connections.watch())
    try:
        await stopped(stop, accepting, watching)
    finally:
        accepting.cancel()
        sock.close()
        observer.draining = True
        await connections.drain(DRAIN)
        watching.cancel()
        await runner.cleanup()


async def stopped(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """`stop` is set. Raises what ended a task that should never end."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
