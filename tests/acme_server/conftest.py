"""A whole ACME server in the test's own loop: the real application, roles, PostgreSQL and signer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.routes import make_app
from acme_server.edge.urls import Urls
from acme_server.protocol.identifiers import base_of
from acme_server.protocol.limits import Rate
from acme_server.storage import nonces
from acme_server.use_cases.context import Context, Limits
from acme_server.use_cases.limits import Rates
from acme_server.validation.look import AlwaysValid
from acme_server.validation.outcome import Asked, NotProven, Proven
from ca import hierarchy, keys, signer
from ca import storage as ca
from ca.keyring import Keyring
from ca.profiles import PROFILES
from ca.signer_client import SignerClient
from office.use_cases.demo import Demo, make_demo
from sql import Pool
from tests.acme_server.client import Client

BASE, PEOPLE = "https://acme.test", "https://people.test"
PASSPHRASE = b"a passphrase of the tests"
IDENTITIES = ("ca.keiyaku.test",)
LIMITS = Limits(
    order_lifetime=timedelta(days=7), authorization_lifetime=timedelta(days=30), nonce_lifetime=timedelta(hours=1),
    processing_deadline=timedelta(seconds=60), inline_wait=timedelta(seconds=5), validation_attempts=3,
)  # fmt: skip

GENEROUS = Rate(1_000_000, timedelta(hours=1))
RATES = Rates(
    new_accounts=GENEROUS, orders_of_account=GENEROUS, orders_of_contract=GENEROUS, orders_of_names=GENEROUS,
    failed_validations=GENEROUS, pause_failures=0, pause_span=timedelta(0), help_url=f"{PEOPLE}/supported#limits",
    resume_url=f"{PEOPLE}/resume/",
)  # fmt: skip


@dataclass
class ScriptedLooks:
    """The network look, as a test wants it; by default every challenge is met and CAA permits."""

    outcomes: dict[str, Proven | NotProven] = field(default_factory=dict)
    caa_outcomes: dict[str, Proven | NotProven] = field(default_factory=dict)
    seen: list[tuple[str, ...]] = field(default_factory=list)
    gate: asyncio.Event | None = None  # when set, looks wait for it

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """The outcome scripted for the identifier, else what AlwaysValid says."""
        name, _ = base_of(asked.name)
        self.seen.append((asked.type, name, asked.token, asked.key_authorization))
        if self.gate is not None:
            await self.gate.wait()
        return self.outcomes.get(name) or await AlwaysValid().validate(asked)

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """The outcome scripted for the name, else permitted."""
        self.seen.append(("caa", name, str(wildcard), account_uri, method))
        return self.caa_outcomes.get(name) or Proven(None, {})


@dataclass
class Served:
    """The running server and what a test may want to touch. `owner` is a pool of the database's owner."""

    context: Context
    owner: Pool
    demo: Demo
    looks: ScriptedLooks
    session: ClientSession
    reach: str
    dsn: str

    def client(self) -> Client:
        """A client with a new key and no account."""
        return Client(self.session, BASE, self.reach)

    async def registered(self, eab: bool = True) -> Client:
        """A client with an account, bound to the demo contract."""
        made = self.client()
        found = await made.register((self.demo.admitted.kid, self.demo.admitted.hmac_key) if eab else None)
        assert found.status == 201, found.body
        return made


@pytest.fixture
async def served(postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Served]:
    """A server of this test, on a database of its own."""
    async with serving(postgres, database, pool, tmp_path) as made:
        yield made


@asynccontextmanager
async def serving(
    postgres: EmbeddedPostgres,
    database: str,
    pool: Pool,
    tmp_path: Path,
    signers_clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Served]:
    """A server on a fresh database, with the demo contracts and a signer; its seal never grows old."""
    owner_dsn, now = postgres.dsn(database=database), utc_now()
    names = hierarchy.Names("JP", "Test CA", "Test Root", "Test Issuing CA", "http://status.test")
    await hierarchy.init(tmp_path / "ca", owner_dsn, PASSPHRASE, names, now)
    async with pool.acquire() as conn:
        demo = await make_demo(conn, now)
        await conn.execute("UPDATE evidence.seal_state SET sealed_through_at = 'infinity'")
        issuer = (await ca.active_issuer(conn, now)).issuer
        chains, own_keys = await ca.chains_above(conn, issuer.id, now), await ca.own_keys(conn)
    stop = asyncio.Event()
    socket_path = tmp_path / "signer.sock"
    held = Keyring(lambda number: keys.load(hierarchy.key_file(tmp_path / "ca", number), PASSPHRASE))
    signing = asyncio.create_task(
        signer.serve(socket_path, postgres.dsn("keiyaku_sign", database), held, stop, signers_clock)
    )
    looks = ScriptedLooks()
    async with asyncpg.create_pool(postgres.dsn("keiyaku_acme", database), min_size=1, max_size=8) as acme_pool:
        context = Context(
            pool=acme_pool, base_url=BASE, terms_url=f"{PEOPLE}/terms/demo-1", limits=LIMITS, profiles=dict(PROFILES),
            default_binding_kid=demo.unbound_kid, looks=looks, signer=SignerClient(socket_path), issuer=issuer,
            chains=chains, worker="test", nonce_key=await nonces.current_key(acme_pool), rates=RATES,
            own_keys=own_keys,
        )  # fmt: skip
        app = make_app(
            context, Urls(BASE, PEOPLE, IDENTITIES), website=f"{PEOPLE}/supported", identities=IDENTITIES,
            require_binding=False, max_body=64 * 1024,
        )  # fmt: skip
        async with TestServer(app) as server, ClientSession() as session:
            yield Served(context, pool, demo, looks, session, str(server.make_url("")).rstrip("/"), owner_dsn)
            if context.tasks:
                await asyncio.wait(context.tasks)
        await context.signer.close()
        stop.set()
        await signing
