"""The management listener of `keiyaku dev`, with the paths that ACME client authors know from Pebble (design §3).

It hands out private keys of the demo CA, so it exists in dev alone and listens on loopback.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import asyncpg
import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.database import embedded, make_pool, within
from acme_server.dev.set_clock import ClockPaths
from acme_server.edge.health import Health
from acme_server.protocol.pem import pem
from acme_server.serving import bound, serve, tls_of
from acme_server.storage import certificates
from acme_server.use_cases.backlog import asker
from ca import hierarchy, keys
from ca import storage as ca
from ca.der import split
from sql import Pool

POOL = web.AppKey("pool", Pool)
SETTINGS = web.AppKey("settings", Settings)
MAX_BODY = 64 * 1024
SERIAL = re.compile(r"[0-9A-Fa-f]{1,40}")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
PEM_FILE = "application/pem-certificate-chain"


class RenewalInfo(msgspec.Struct):
    """Body of /set-renewal-info/: a PEM certificate and the JSON text that ARI shall answer."""

    certificate: str
    ariResponse: str  # noqa: N815


class SuggestedWindow(msgspec.Struct):
    """A window of ARI."""

    start: Instant
    end: Instant


class AriAnswer(msgspec.Struct):
    """An answer of ARI (RFC 9773 §4.2)."""

    suggestedWindow: SuggestedWindow  # noqa: N815
    explanationURL: str | None = None  # noqa: N815


async def serve_management(settings: Settings, stop: asyncio.Event) -> None:
    """The listener, if the settings give it an address."""
    if settings.management.listen is None:
        return
    async with await make_pool(settings, "operator", size=2) as pool:
        app, asked = make_app(pool, settings), asker(settings, pool)

        async def metrics(request: web.Request) -> web.StreamResponse:
            from acme_server.edge.metrics import handler  # with prometheus_client, when somebody asks

            return await handler(settings.metrics.folder, asked, utc_now)(request)

        app.router.add_get("/metrics", metrics)
        clock = ClockPaths(pool, embedded(settings).dsn())
        app.router.add_get("/clock", clock.read)
        app.router.add_post("/set-clock", clock.set)
        sock = bound(settings.management.listen)
        await serve("management", app, sock, settings, Health({}), stop, tls=tls_of(settings))


def make_app(pool: Pool, settings: Settings) -> web.Application:
    """The application; the pool is of role keiyaku_operator."""
    app = web.Application(client_max_size=MAX_BODY)
    app[POOL], app[SETTINGS] = pool, settings
    app.add_routes(ROUTES)
    return app


async def chain_certificates(pool: Pool) -> list[tuple[bytes, bytes]]:
    """(intermediate, root) of the default chain and of each alternate one, DER."""
    async with pool.acquire() as conn:
        issuer = (await ca.active_issuer(conn, utc_now())).issuer
        default = await ca.issuer_chain(conn, issuer.id)
        crosses = [split(chain) for chain in await ca.cross_chains(conn, issuer.id)]
    return [(chain[0], chain[-1]) for chain in (default, *crosses)]


def index_of(request: web.Request) -> int:
    """The chain asked for."""
    return int(request.match_info["index"])


async def root(request: web.Request) -> web.Response:
    """Root certificate of a chain, PEM."""
    chains = await chain_certificates(request.app[POOL])
    return web.Response(body=pem(chains[index_of(request)][1]), content_type=PEM_FILE)


async def intermediate(request: web.Request) -> web.Response:
    """Issuing certificate of a chain, PEM."""
    chains = await chain_certificates(request.app[POOL])
    return web.Response(body=pem(chains[index_of(request)][0]), content_type=PEM_FILE)


def private_key(settings: Settings, issuer_id: int) -> web.Response:
    """A key of the demo CA, PEM, unencrypted."""
    passphrase = within(settings, settings.ca.passphrase_file).read_bytes().strip()
    key = keys.load(hierarchy.key_file(within(settings, settings.ca.folder), issuer_id), passphrase)
    text = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return web.Response(body=text, content_type="application/x-pem-file")


async def root_key(request: web.Request) -> web.Response:
    """Private key of a chain's root."""
    roots = (hierarchy.ROOT, *hierarchy.ALTERNATE_ROOTS)
    return private_key(request.app[SETTINGS], roots[index_of(request)])


async def intermediate_key(request: web.Request) -> web.Response:
    """Private key of the issuing CA: the same for every chain."""
    index_of(request)
    async with request.app[POOL].acquire() as conn:
        active = await ca.active_issuer(conn, utc_now())
    return private_key(request.app[SETTINGS], active.issuer.id)


async def certificate_status(request: web.Request) -> web.Response:
    """A certificate and whether it is revoked, by the hexadecimal serial number."""
    text = request.match_info["serial"]
    if not SERIAL.fullmatch(text):
        raise web.HTTPBadRequest(text="the serial number is not 1 to 40 hexadecimal digits")
    async with request.app[POOL].acquire() as conn:
        found = await ca.certificate_by_serial(conn, octets_of(int(text, 16)))
    if found is None:
        raise web.HTTPNotFound
    der = found.der or found.precertificate
    assert der is not None  # by certificate_by_serial
    document: dict[str, Any] = {"Certificate": pem(der).decode(), "Serial": text}
    document["Status"] = "Revoked" if found.revoked_at else "Valid"
    if found.revoked_at:
        document |= {"Reason": found.reason or 0, "RevokedAt": found.revoked_at.isoformat()}
    return web.json_response(document)


async def set_renewal_info(request: web.Request) -> web.Response:
    """ARI answers this for the certificate from now on."""
    try:
        wanted = msgspec.json.decode(await request.read(), type=RenewalInfo)
        serial = x509.load_pem_x509_certificate(wanted.certificate.encode()).serial_number
        answer = msgspec.json.decode(wanted.ariResponse, type=AriAnswer)
        await set_window(request.app[POOL], octets_of(serial), answer)
    except (ValueError, OverflowError, x509.InvalidVersion) as fault:
        raise web.HTTPBadRequest(text=f"not a certificate and an ARI answer: {fault}") from None
    except asyncpg.ForeignKeyViolationError:
        raise web.HTTPNotFound(text="this CA has issued no such certificate") from None
    return web.Response()


async def set_window(pool: Pool, serial: bytes, answer: AriAnswer) -> None:
    """The window of the certificate. Raises ValueError for one that no certificate can have.

    One without a length, as suites made for Pebble set it, gets a second: RFC 9773 §4.2 allows none.
    """
    window, url = answer.suggestedWindow, answer.explanationURL
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    if start == end:
        end += timedelta(seconds=1)
    if start > end or (url is not None and "\0" in url):
        raise ValueError("the window must not end before it starts, and the URL have no NUL")
    await certificates.set_renewal_window(pool, serial, start, end, url)


def octets_of(serial: int) -> bytes:
    """DER content octets of a serial number. Raises OverflowError for a negative one."""
    return serial.to_bytes(serial.bit_length() // 8 + 1, "big")


ROUTES = [
    web.get(r"/roots/{index:[0-2]}", root),
    web.get(r"/root-keys/{index:[0-2]}", root_key),
    web.get(r"/intermediates/{index:[0-2]}", intermediate),
    web.get(r"/intermediate-keys/{index:[0-2]}", intermediate_key),
    web.get("/cert-status-by-serial/{serial}", certificate_status),
    web.post("/set-renewal-info/", set_renewal_info),
]
