"""The API on the real database, served as keiyaku_office, with a token of each role."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER, Profile
from office.edge.api.calls import House
from office.edge.api.router import make_api
from office.edge.app import make_app
from office.use_cases import register, tokens
from office.use_cases.tokens import OF_CUSTOMERS, ROLES, Wanted
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import ACCESS

KEY = bytes(range(32))


@dataclass
class Clock:
    """What time it is here; `asked` once the API wanted to know."""

    at: datetime = NOW
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> datetime:
        self.asked.set()
        return self.at


@dataclass
class Api:
    """A caller of the API."""

    client: TestClient[web.Request, web.Application]
    secrets: Mapping[str, str]
    clock: Clock
    keys: "count[int]" = field(default_factory=count)

    async def call(self, role: str, method: str, path: str, body: Any = None, **given: Any) -> tuple[int, Any]:
        """Status and document of an answer; each call has an Idempotency-Key of its own."""
        headers = {"Idempotency-Key": f"key-of-a-test-{next(self.keys):08}", **given.pop("headers", {})}
        if role:
            headers["Authorization"] = f"Bearer {self.secrets[role]}"
        if body is not None:
            given["json"] = body
        async with self.client.request(method, "/api" + path, headers=headers, **given) as response:
            is_json = response.content_type.endswith("json") and response.status != 204
            return response.status, await response.json(content_type=None) if is_json else await response.text()

    async def made(self, role: str, path: str, body: Any) -> Any:
        """What a POST that succeeds answers."""
        status, document = await self.call(role, "POST", path, body)
        assert status in (200, 201, 204), document
        return document


@pytest.fixture
def command_timeout() -> float:
    """Seconds that a statement of the API has."""
    return 15.0


@pytest.fixture
def profile() -> Profile:
    """The first on offer."""
    return TLSSERVER


@pytest.fixture
async def api(
    postgres: EmbeddedPostgres, database: str, applied: Conn, command_timeout: float, profile: Profile
) -> AsyncIterator[Api]:  # fmt: skip
    """The contract `acme` of `kaisha` is under review; `ann` is an officer, `bob` an approver, `hana` the customer's.

    The roles `stranger` and `strange_requester` are of another customer, `service` is an officer's program.
    """
    made, clock = await make_secrets(applied), Clock()
    async with (
        asyncpg.create_pool(
            postgres.dsn("keiyaku_office", database), min_size=1, max_size=4, command_timeout=command_timeout
        ) as pool,
        asyncpg.create_pool(postgres.dsn("keiyaku_compliance", database), min_size=0, max_size=1) as compliance,
    ):
        app = make_app(pool, lambda: NOW, "https://office.test")  # type: ignore[arg-type]  # asyncpg's own pool does as well
        house = House(ACCESS, lambda: KEY, compliance, profile)  # type: ignore[arg-type]
        app.add_subapp("/api", make_api(pool, clock, house, lambda _: "192.0.2.0/24"))  # type: ignore[arg-type]
        async with TestClient(TestServer(app)) as client:
            yield Api(client, made, clock)


async def make_secrets(conn: Conn) -> dict[str, str]:
    """A token of each role, of strangers, and of a service."""
    for handle in ("hana", "carol", "dave", "eve", "stranger"):
        await register.add_person(conn, handle, handle.title(), "Org", NOW)
    other = register.customer("other", "Other", "other_organisation", None, True, None, NOW)
    await register.add_customer(conn, other, NOW)
    found = {}
    for role, default in zip(ROLES, ("hana", "hana", "ann", "bob", "carol", "dave", "eve"), strict=True):
        customer = "kaisha" if role in OF_CUSTOMERS else None
        found[role] = await granted(conn, Wanted(default, role, customer))
    for name, role in (("stranger", "applicant"), ("strange_requester", "requester")):
        found[name] = await granted(conn, Wanted("stranger", role, "other"))
    found["service"] = await granted(conn, Wanted("importer", "officer", service=True))
    found["approver2"] = await granted(conn, Wanted("ann", "approver"))
    return found


async def granted(conn: Conn, wanted: Wanted) -> str:
    """The token's secret; `ann` and `bob` grant it."""
    return (await tokens.new(conn, wanted, "ann", "bob", NOW)).token
