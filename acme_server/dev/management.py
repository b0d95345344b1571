"""The management listener of `keiyaku dev`, with the paths that ACME client authors know from Pebble (design §3).

It hands out private keys of the demo CA, so it exists in dev alone and listens on loopback.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.database import make_pool, within
from acme_server.edge import metrics
from acme_server.edge.health import Health
from acme_server.edge.pem import pem
from acme_server.serving import bound, serve, tls_of
from acme_server.storage import certificates
from ca import hierarchy, keys
from ca import storage as ca
from ca.der import split
from sql import Pool

POOL = web.AppKey("pool", Pool)
SETTINGS = web.AppKey("settings", Settings)
INDEXES = range(3)
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
        app = web.Application()
        app[POOL], app[SETTINGS] = pool, settings
        app.add_routes(ROUTES)
        app.router.add_get("/metrics", metrics.handler(settings.metrics.folder, pool, utc_now))
        sock = bound(settings.management.listen)
        await serve("management", app, sock, settings, Health({}), stop, tls=tls_of(settings))


async def chain_certificates(pool: Pool) -> list[tuple[bytes, bytes]]:
    """(intermediate, root) of the default chain and of each alternate one, DER."""
    async with pool.acquire() as conn:
        issuer = await ca.active_issuer(conn)
        default = await ca.issuer_chain(conn, issuer.id)
        crosses = [split(chain) for chain in await ca.cross_chains(conn, issuer.id)]
    return [(chain[0], chain[-1]) for chain in (default, *crosses)]


def index_of(request: web.Request) -> int:
    """The chain asked for."""
    index = int(request.match_info["index"])
    if index not in INDEXES:
        raise web.HTTPNotFound
    return index


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
    return private_key(request.app[SETTINGS], hierarchy.ISSUING)


async def certificate_status(request: web.Request) -> web.Response:
    """A certificate and whether it is revoked, by the hexadecimal serial number."""
    try:
        serial = int(request.match_info["serial"], 16)
    except ValueError:
        raise web.HTTPBadRequest(text="the serial number is not hexadecimal") from None
    async with request.app[POOL].acquire() as conn:
        found = await ca.certificate_by_serial(conn, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
    if found is None:
        raise web.HTTPNotFound
    document: dict[str, Any] = {"Certificate": pem(found.der).decode(), "Serial": request.match_info["serial"]}
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
    except (msgspec.MsgspecError, ValueError) as fault:
        raise web.HTTPBadRequest(text=f"not a certificate and an ARI answer: {fault}") from None
    await certificates.set_renewal_window(
        request.app[POOL], serial.to_bytes(serial.bit_length() // 8 + 1, "big"),
        answer.suggestedWindow.start, answer.suggestedWindow.end, answer.explanationURL,
    )  # fmt: skip
    return web.Response()


ROUTES = [
    web.get(r"/roots/{index:\d+}", root),
    web.get(r"/root-keys/{index:\d+}", root_key),
    web.get(r"/intermediates/{index:\d+}", intermediate),
    web.get(r"/intermediate-keys/{index:\d+}", intermediate_key),
    web.get("/cert-status-by-serial/{serial}", certificate_status),
    web.post("/set-renewal-info/", set_renewal_info),
]
