"""The composition root: alone in knowing everything. Each function is one kind of process or listener (design §3)."""

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING

from aiohttp import ClientSession, web

from acme_server import evidence_key, sealer, signing_keys, status_work, worker
from acme_server.clock import utc_now
from acme_server.composed import blocklist_of, context_of, demands_of, terms_url
from acme_server.config import Settings
from acme_server.config_sections import Role
from acme_server.database import dsn_of, make_pool, pool_when_asked, within
from acme_server.documents_key import documents_key
from acme_server.edge import routes, status
from acme_server.edge.client_address import client_network
from acme_server.edge.health import Check, Health
from acme_server.edge.urls import Urls
from acme_server.file_texts import access_key, secret
from acme_server.protocol.sigv4 import AccessKey
from acme_server.serving import DRAIN, bound, serve, tls_of
from acme_server.storage.shelves import Bucket, Directory, Shelf
from acme_server.use_cases import backlog, ca_now, readiness, terms
from acme_server.use_cases.context import Context
from acme_server.use_cases.ocsp import Allowance, Answers
from acme_server.validation.resolver import Resolver
from ca import keys, signer, signer_ocsp
from ca.ocsp_client import OcspClient
from ca.profiles import first_offered, offered
from sql import Pool

if TYPE_CHECKING:
    from office.use_cases.corporate_register import Register
    from office.use_cases.mail import Posting


async def serve_acme(settings: Settings, stop: asyncio.Event) -> None:
    """The door for machines."""
    async with await make_pool(settings, "acme") as pool, context_of(settings, pool, "acme") as context:
        app = routes.make_app(
            context,
            Urls(str(settings.acme.base_url), str(settings.office.base_url), settings.acme.caa_identities),
            website=str(settings.acme.website or f"{settings.office.base_url}/supported"),
            identities=settings.acme.caa_identities, require_binding=settings.acme.require_binding,
            max_body=settings.acme.max_body_bytes, proxies=tuple(map(ip_network, settings.acme.trusted_proxies)),
        )  # fmt: skip
        following = asyncio.gather(
            terms.follow(context, terms_url(settings), utc_now, stop), ca_now.follow(context, utc_now, stop)
        )
        health = Health(checks_of(settings, context))
        await serve("acme", app, bound(settings.acme.listen), settings, health, stop, tls=tls_of(settings))
        await following
        if context.tasks:
            await asyncio.wait(context.tasks, timeout=DRAIN)


def checks_of(settings: Settings, context: Context) -> dict[str, Check]:
    """What must be so for an order to end in a certificate."""
    checks: dict[str, Check] = {
        "database": partial(readiness.database, context.pool),
        "evidence seal": lambda: readiness.seal(context.pool, utc_now()),
        "signer": partial(readiness.signer, within(settings, settings.signer.socket)),
    }
    if settings.environment == "production":
        checks["resolver"] = partial(readiness.resolver, Resolver((str(settings.dns.resolver),)))
    if context.transparency is not None:
        checks["logs"] = partial(readiness.logs, context.transparency)
    return checks


async def serve_office(settings: Settings, stop: asyncio.Event) -> None:
    """The door for people."""
    from office.edge import app as office  # with its templates, which no other process needs

    async with (
        await make_pool(settings, "office", size=4) as pool,
        pool_when_asked(settings, "compliance", size=1) as compliance,
    ):
        app = office.make_app(pool, utc_now, str(settings.office.base_url))
        app.add_subapp("/api", api_of(settings, pool, compliance))
        health = Health({"database": partial(readiness.database, pool)})
        await serve("office", app, bound(settings.office.listen), settings, health, stop)


def api_of(settings: Settings, pool: Pool, compliance: Pool) -> web.Application:
    """The JSON API of the office."""
    from office.edge.api.calls import House
    from office.edge.api.router import make_api
    from office.use_cases.acceptance import Access

    access = Access(f"{settings.acme.base_url}/directory", str(settings.office.base_url))
    profile = first_offered(offered(settings.ca.profiles))
    house = House(access, partial(documents_key, settings), compliance, profile)
    proxies = tuple(map(ip_network, settings.acme.trusted_proxies))
    return make_api(pool, utc_now, house, lambda request: client_network(request, proxies))


async def serve_status(settings: Settings, stop: asyncio.Event) -> None:
    """CRLs, OCSP, chains and issuers, plain http."""
    rate = settings.status.nonces
    async with await make_pool(settings, "status", size=4) as pool:
        health = Health({"database": partial(readiness.database, pool)})
        answers = Answers(pool, utc_now, ocsp_client(settings), Allowance(rate.number, rate.span))
        app = status.status_application(pool, utc_now, answers)
        await serve("status", app, bound(settings.status.listen), settings, health, stop)


def ocsp_client(settings: Settings) -> OcspClient:
    """Who asks the signer for OCSP answers."""
    return OcspClient(within(settings, settings.signer.ocsp_socket))


async def serve_metrics(settings: Settings, stop: asyncio.Event, role: Role | None = None) -> None:
    """/metrics, where the settings want it. What the database says of jobs and the seal needs a role that may ask."""
    if settings.metrics.listen is None:
        return
    from acme_server.edge import metrics  # with prometheus_client, which nobody else needs

    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await make_pool(settings, role, size=1)) if role else None
        asked = backlog.asker(settings, pool) if pool is not None else None
        app = web.Application()
        app.router.add_get("/metrics", metrics.handler(settings.metrics.folder, asked, utc_now))
        await serve("metrics", app, bound(settings.metrics.listen), settings, Health({}), stop)


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Jobs and housekeeping, and the sealer under its own role."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await make_pool(settings, "work"))
        context = await stack.enter_async_context(context_of(settings, pool, "work"))
        session = await stack.enter_async_context(ClientSession())
        answering = status_work.run(pool, ocsp_client(settings), shelves_of(settings, session), utc_now, stop)
        await asyncio.gather(worker.run(context, stop), answering, seal(settings, stop), work_office(settings, stop))


def shelves_of(settings: Settings, session: ClientSession) -> list[Shelf]:
    """Where status files are published."""
    chosen, found = settings.status, list[Shelf]()
    if chosen.publish_directory is not None:
        found.append(Directory(within(settings, chosen.publish_directory)))
    if chosen.publish_bucket is not None and chosen.publish_key_file is not None:
        key = AccessKey(*access_key(within(settings, chosen.publish_key_file)), chosen.publish_region)
        found.append(Bucket(session, str(chosen.publish_bucket), key, utc_now))
    return found


async def work_office(settings: Settings, stop: asyncio.Event) -> None:
    """The office's daily jobs and its mail, under its own role."""
    from office import worker as office

    async with await make_pool(settings, "office", size=4) as pool:
        await office.run(pool, posting_of(settings), utc_now, stop, register_of(settings))


def posting_of(settings: Settings) -> "Posting":
    """How notices are posted."""
    from office.use_cases.mail import Mail, Posting

    chosen, mail = settings.mail, None
    if chosen.server is not None:
        password = secret(within(settings, chosen.password_file)) if chosen.password_file else ""
        mail = Mail(
            chosen.server.host, chosen.server.port, chosen.sender, chosen.security, chosen.own_relay,
            chosen.user, password, per_minute=chosen.per_minute,
        )  # fmt: skip
    elif chosen.folder is not None:
        mail = Mail("", 0, chosen.sender, "none", own_relay=False, folder=chosen.folder)
    return Posting(mail, str(settings.office.base_url), chosen.officers, str(chosen.proxy) if chosen.proxy else None)


def register_of(settings: Settings) -> "Register | None":
    """The corporate-number register, where the settings name it."""
    from office.use_cases.corporate_register import WebRegister

    chosen = settings.register
    if chosen.url is None or chosen.id_file is None:
        return None
    return WebRegister(str(chosen.url), secret(within(settings, chosen.id_file)))


async def seal(settings: Settings, stop: asyncio.Event) -> None:
    """Evidence is sealed until `stop`."""
    key = evidence_key.load(within(settings, settings.evidence.key_file))
    await sealer.run(dsn_of(settings, "seal"), key, within(settings, settings.evidence.checkpoint_file), utc_now, stop)


async def sign(settings: Settings, stop: asyncio.Event) -> None:
    """The process that holds the keys of issuing CAs, and nothing else does."""
    held = await signing_keys.keyring(settings)
    answering = asyncio.create_task(answer(settings, held, stop))
    socket_path, blocklist = within(settings, settings.signer.socket), blocklist_of(settings)
    await signer.serve(
        socket_path, dsn_of(settings, "sign"), held, stop, utc_now, blocklist, await demands_of(settings)
    )
    await answering


async def answer(settings: Settings, held: Mapping[int, keys.SigningKey], stop: asyncio.Event) -> None:
    """OCSP answers, by a responder of the signer process."""
    name = f"{socket.gethostname()}/{os.getpid()}"
    dsn = dsn_of(settings, "sign")
    await signer_ocsp.serve(within(settings, settings.signer.ocsp_socket), dsn, held, name, stop, utc_now)
