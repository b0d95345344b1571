"""How a listener runs: TLS, bounded waits for slow clients, and an orderly end."""

import asyncio
import ssl

from aiohttp import web

from acme_server.config import Address, Settings
from acme_server.database import within

KEEP_ALIVE = 75.0
DRAIN = 20.0


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the certificate of the settings (A-002); None when a proxy in front has it."""
    if settings.acme.tls_certificate is None or settings.acme.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(within(settings, settings.acme.tls_certificate), within(settings, settings.acme.tls_key))
    return context


async def serve(app: web.Application, listen: Address, stop: asyncio.Event, tls: ssl.SSLContext | None = None) -> None:
    """The application answers until `stop`; requests begun by then are answered (SIGTERM drains).

    SO_REUSEPORT: several processes share one address.
    """
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=DRAIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen.host, listen.port, ssl_context=tls, reuse_port=True).start()
        await stop.wait()
    finally:
        await runner.cleanup()
