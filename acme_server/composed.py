"""What the use cases of a process work with, made of the settings."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession

from acme_server import config_source
from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.database import within
from acme_server.dev.stub_resolver import StubResolver
from acme_server.file_texts import secret
from acme_server.protocol.limits import Rate
from acme_server.storage import nonces
from acme_server.use_cases import log_list
from acme_server.use_cases.context import Context, Limits, Offers
from acme_server.use_cases.counted import CountedLooks
from acme_server.use_cases.limits import Rates
from acme_server.use_cases.log_list import Transparency
from acme_server.validation.coordinator import Coordinator
from acme_server.validation.corroboration import place
from acme_server.validation.look import looker
from acme_server.validation.resolver import Lookups, Resolver
from acme_server.validation.settings import ValidationSettings
from ca import storage as ca
from ca.blocklist import Blocklist
from ca.log_lists import LogLists
from ca.pkilint_pool import PkilintPool
from ca.profiles import offered
from ca.signer_client import SignerClient
from ca.signer_lint import Demands
from sql import Pool

TXT_FILE = "dev-dns.txt"


def terms_url(settings: Settings) -> str:
    """Address of the Terms."""
    return str(settings.acme.terms_url or f"{settings.office.base_url}/terms")


def validation_settings(settings: Settings) -> ValidationSettings:
    """What the validation package needs of the settings."""
    chosen = settings.validation
    return ValidationSettings(
        issuer_domains=settings.acme.caa_identities,
        mode="always_valid" if chosen.mode == "always_valid" else "network",
        http_port=chosen.http_port, tls_port=chosen.tls_port, allow_private=chosen.allow_private,
        timeout=chosen.timeout.total_seconds(), methods=settings.acme.challenges,
        persist_needs_dnssec=chosen.persist_needs_dnssec,
    )  # fmt: skip


def resolver_of(settings: Settings) -> Lookups:
    """The stub of dev, or the resolver of the settings."""
    if settings.dns.resolver == "stub":
        return StubResolver(settings.data / TXT_FILE)
    return Resolver((str(settings.dns.resolver),), validation_settings(settings).dns_lifetime)


def limits_of(settings: Settings) -> Limits:
    """Spans and numbers of the use cases."""
    chosen = settings.acme
    return Limits(
        chosen.order_lifetime, chosen.authorization_lifetime, chosen.nonce_lifetime, chosen.processing_deadline,
        chosen.inline_wait, settings.validation.attempts,
    )  # fmt: skip


def offers_of(settings: Settings) -> Offers:
    """What clients may ask for."""
    return Offers(
        not settings.validation.allow_private, settings.acme.challenges, settings.acme.subdomain_authorizations
    )


def rates_of(settings: Settings) -> Rates:
    """How often something may happen."""
    chosen, people = settings.limits, settings.office.base_url
    return Rates(
        rate_of(chosen.new_accounts), rate_of(chosen.orders_of_account), rate_of(chosen.orders_of_contract),
        rate_of(chosen.orders_of_names), rate_of(chosen.failed_validations), chosen.pause_failures, chosen.pause_span,
        f"{people}/supported#limits", f"{people}/resume/",
    )  # fmt: skip


def rate_of(given: config_source.Rate) -> Rate:
    """A rate of the settings."""
    return Rate(given.number, given.span)


def blocklist_of(settings: Settings) -> Blocklist | None:
    """Keys whose private half is public, if the settings name the file. Raises BlocklistUnusable."""
    path = settings.keys.blocklist
    return Blocklist(within(settings, path)) if path is not None else None


@asynccontextmanager
async def transparency_of(settings: Settings, pool: Pool) -> AsyncIterator[Transparency | None]:
    """How logs are asked, with the list of them that counts; None where no certificate needs SCTs."""
    chosen = settings.ct
    if not chosen.required:
        yield None
        return
    stop, lists = asyncio.Event(), LogLists(log_list.publisher_of(settings))
    async with ClientSession() as session:
        made = Transparency(
            session, log_list.source_of(settings), lists,
            chosen.log_timeout.total_seconds(), chosen.patience.total_seconds(),
        )  # fmt: skip
        await made.refresh(pool)
        following = asyncio.create_task(log_list.follow(made, pool, stop))
        try:
            yield made
        finally:
            stop.set()
            await following


@asynccontextmanager
async def coordinator_of(settings: Settings) -> AsyncIterator[Coordinator | None]:
    """Who asks other places of the network; None where nobody does."""
    chosen = settings.mpic
    if chosen.url is None or chosen.key_file is None:
        yield None
        return
    remotes = {each.code: each for each in map(place, chosen.perspectives)}
    async with ClientSession() as session:
        yield Coordinator(
            session,
            str(chosen.url),
            secret(within(settings, chosen.key_file)),
            remotes,
            settings.acme.caa_identities,
            chosen.timeout.total_seconds(),
            utc_now,
        )


async def demands_of(settings: Settings) -> Demands:
    """What the signer demands of a record before it asks a key; the linter's processes have begun."""
    chosen = settings.lint
    publisher = log_list.publisher_of(settings) if settings.ct.required else None
    if not chosen.processes:
        return Demands(settings.ct.required, publisher=publisher)
    pool = PkilintPool(chosen.processes, chosen.ignored, chosen.timeout.total_seconds())
    await pool.start()
    return Demands(settings.ct.required, pool, publisher)


@asynccontextmanager
async def context_of(settings: Settings, pool: Pool, name: str) -> AsyncIterator[Context]:
    """What the use cases of this process work with."""
    async with pool.acquire() as conn:
        active = await ca.active_issuer(conn, utc_now())
        chains = await ca.chains_above(conn, active.issuer.id, utc_now())
        keys_of_ca = await ca.own_keys(conn)
    client = SignerClient(within(settings, settings.signer.socket))
    try:
        async with transparency_of(settings, pool) as transparency, coordinator_of(settings) as coordinator:
            yield Context(
                pool=pool,
                base_url=str(settings.acme.base_url),
                terms_url=terms_url(settings),
                limits=limits_of(settings),
                profiles=offered(settings.ca.profiles),
                default_binding_kid=None
                if settings.acme.require_binding
                else settings.acme.default_binding_kid or None,
                looks=CountedLooks(looker(validation_settings(settings), resolver_of(settings), coordinator)),
                signer=client,
                issuer=active.issuer,
                chains=chains,
                worker=f"{name}@{socket.gethostname()}/{os.getpid()}",
                nonce_key=await nonces.current_key(pool),
                rates=rates_of(settings),
                offers=offers_of(settings),
                issuer_revoked=active.revoked_at is not None,
                own_keys=keys_of_ca,
                blocklist=blocklist_of(settings),
                transparency=transparency,
                caa_reports=settings.validation.caa_reports,
            )
    finally:
        await client.close()
