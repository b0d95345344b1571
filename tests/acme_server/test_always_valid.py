"""`validation.mode = "always_valid"` replaces the network look and nothing else: same requests, statements and rows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from asyncpg.connection import LoggedQuery
from msgspec import structs

from acme_server.dev.stub_resolver import StubResolver
from acme_server.validation.look import looker
from acme_server.validation.settings import ValidationSettings
from sql import Pool
from tests.acme_server.client import Answer, Client, thumbprint
from tests.acme_server.conftest import Served

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('acme', 'ca', 'gate', 'evidence', 'keiyaku')
"""


@dataclass
class Counting(Client):
    """A client that keeps a list of its requests, ids left out."""

    requests: list[str] = field(default_factory=list)

    async def send(self, method: str, url: str, data: bytes | None = None, **headers: str) -> Answer:
        found = await super().send(method, url, data, **headers)
        path = [part for part in self.url(url).removeprefix(self.base).split("/") if len(part) != 36]
        self.requests.append(f"{method} {'/'.join(path)} {found.status}")
        return found


@asynccontextmanager
async def statements_of(pool: Pool) -> AsyncIterator[Counter[str]]:
    """What the server sends to PostgreSQL meanwhile, on any connection of its pool."""
    seen: Counter[str] = Counter()

    def log(query: LoggedQuery) -> None:
        seen[query.query] += 1

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(pool.acquire()) for _ in range(pool.get_max_size())]
        for connection in connections:
            connection.add_query_logger(log)
    yield seen
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(pool.acquire()) for _ in range(pool.get_max_size())]
        for connection in connections:
            connection.remove_query_logger(log)


async def rows(pool: Pool) -> Counter[str]:
    """Rows by table."""
    tables = [row[0] for row in await pool.fetch(TABLES)]
    return Counter({table: await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables})


async def issue(served: Served, client: Counting, names: tuple[str, ...]) -> None:
    """A certificate, each step after the server has done all of the one before."""
    placed = await client.order(*names)
    await client.fulfil(placed.json)
    await asyncio.gather(*served.context.tasks)
    url = placed.headers["Location"]
    done = await client.finalize((await client.post(url)).json)
    await asyncio.gather(*served.context.tasks)
    document = (await client.post(url)).json
    assert (done.status, document["status"]) == (200, "valid"), document
    await client.post(document["certificate"])


@dataclass(frozen=True)
class Work:
    """What one issuance cost."""

    requests: list[str]
    statements: Counter[str]
    rows: Counter[str]


class Site:
    """A web site that answers the http-01 challenges of one account, and counts them."""

    def __init__(self) -> None:
        self.thumbprint, self.asked = "", 0

    async def answer(self, request: web.Request) -> web.Response:
        """The key authorization of whatever token."""
        self.asked += 1
        return web.Response(text=f"{request.match_info['token']}.{self.thumbprint}")


async def measured(served: Served, settings: ValidationSettings, site: Site, tmp_path: Path) -> Work:
    """One issuance for a new account."""
    served.context.looks = looker(settings, StubResolver(tmp_path / "no-records"))
    client = Counting(served.session, served.context.base_url, served.reach)
    site.thumbprint, site.asked = thumbprint(client.key), 0
    before = await rows(served.owner)
    async with statements_of(served.context.pool) as statements:
        await client.register()
        await issue(served, client, ("www.demo.test", "127.0.0.1"))
    after = await rows(served.owner)
    return Work(client.requests, statements, Counter({each: after[each] - before[each] for each in after}))


async def test_always_valid_does_all_but_the_look(served: Served, tmp_path: Path) -> None:
    site, app = Site(), web.Application()
    app.router.add_get("/.well-known/acme-challenge/{token}", site.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        real = ValidationSettings(("ca.keiyaku.test",), http_port=server.port or 0, allow_private=True)
        for _ in range(2):  # a first issuance starts the contract, and the next one reads its facts afresh
            await measured(served, real, site, tmp_path)
        with_look = await measured(served, real, site, tmp_path)
        assert site.asked == 2
        without = await measured(served, structs.replace(real, mode="always_valid"), site, tmp_path)
        assert site.asked == 0
    assert without.requests == with_look.requests
    assert without.statements == with_look.statements
    assert without.rows == with_look.rows
    assert with_look.rows["ca.certificates"] == 1
    assert with_look.rows["acme.authorizations"] == 2
    assert with_look.rows["acme.spent_nonces"] == len([each for each in with_look.requests if each.startswith("POST")])
    assert with_look.statements.total() > 10
