"""How often a request goes to PostgreSQL: the budget of design §4, nonce included."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import Conn, Pool
from tests.acme_server.client import Answer, Client, binding, jwk, jws, new_key
from tests.acme_server.conftest import Served

READ, ORDER, FINALIZE, RESPONSE, REGISTER = 2, 3, 6, 3, 5
Ask = Callable[[], Awaitable[Answer]]


class Counted:
    """The statements of the ACME process since the last `of`."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def log(self, logged: Any) -> None:
        """A statement was sent; `BEGIN; SELECT lock` is one, as it is one round trip."""
        self.statements.append(logged.query)

    async def of(self, ask: Ask, status: int = 200) -> int:
        """How many statements the request took."""
        self.statements.clear()
        answer = await ask()
        assert answer.status == status, answer.body
        return len(self.statements)


@pytest.fixture
async def counted(served: Served, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Counted]:
    """The server works with the pool of production, every statement of which is counted."""
    found = Counted()

    async def connect() -> Conn:
        conn = await asyncpg.connect(postgres.dsn("keiyaku_acme", database))
        conn.add_query_logger(found.log)
        return conn

    before, served.context.pool = served.context.pool, Pool(connect, 8)
    yield found
    await served.context.pool.close()
    served.context.pool = before


async def test_reads_and_simple_writes(served: Served, counted: Counted) -> None:
    client = await served.registered()
    url, order = await client.ready("www.demo.test")
    await client.finalize(order)
    issued = (await client.post(url)).json
    placed = (await client.order("api.demo.test")).json
    authorization = placed["authorizations"][0]
    challenge = (await client.post(authorization)).json["challenges"][0]["url"]
    kid = client.kid or ""
    asks: dict[str, Ask] = {
        "directory": lambda: client.post("/directory"),
        "new nonce": lambda: client.post("/new-nonce"),
        "account": lambda: client.post(kid),
        "orders": lambda: client.post(f"{kid}/orders"),
        "contacts": lambda: client.post(kid, {"contact": ["mailto:admin@demo.test"]}),
        "known key": lambda: client.register(),
        "order": lambda: client.post(url),
        "authorization": lambda: client.post(authorization),
        "challenge": lambda: client.post(challenge),
        "certificate": lambda: client.post(issued["certificate"]),
        "key change": lambda: change_key(client),
        "end of an authorization": lambda: client.post(authorization, {"status": "deactivated"}),
        "end of the account": lambda: client.post(kid, {"status": "deactivated"}),
    }
    spent = {name: await counted.of(ask) for name, ask in asks.items()}
    assert {name: count for name, count in spent.items() if count > READ} == {}
    for free in ("/new-nonce", "/directory"):
        assert await counted.of(lambda path=free: client.send("HEAD", path)) == 0  # type: ignore[misc]


async def change_key(client: Client) -> Answer:
    """keyChange to a fresh key, which the client then uses."""
    new, url = new_key(), client.url("/key-change")
    inner = {"account": client.kid, "oldKey": jwk(client.key)}
    done = await client.post(url, jws(new, inner, {"alg": "ES256", "jwk": jwk(new), "url": url}))
    client.key = new
    return done


async def test_new_order_and_finalize(served: Served, counted: Counted) -> None:
    client = await served.registered()
    for _ in range(2):  # asyncpg has asked each connection for the types by now, and the contract has started
        await client.certificate("www.demo.test", "127.0.0.1")
    for _ in range(2):  # the second time with authorizations that are used again
        assert await counted.of(lambda: client.order("www.demo.test", "*.demo.test", "127.0.0.1"), 201) <= ORDER
        _, order = await client.ready("www.demo.test", "*.demo.test", "127.0.0.1")
        assert await counted.of(lambda order=order: client.finalize(order)) <= FINALIZE  # type: ignore[misc]
    _, order = await client.ready("www.demo.test")
    await served.owner.execute("UPDATE gate.contracts SET names_max = names_max + 1")  # what is kept must be read again
    assert await counted.of(lambda: client.finalize(order)) <= FINALIZE
    await served.owner.execute("UPDATE gate.contracts SET names_max = names_max - 1")
    assert await counted.of(lambda: client.order("www.demo.test"), 201) <= ORDER
    many = [f"host-{number}.demo.test" for number in range(50)]
    assert await counted.of(lambda: client.order(*many), 201) <= ORDER
    assert await counted.of(lambda: client.order("www.elsewhere.test"), 400) <= ORDER


async def test_challenge_response(served: Served, counted: Counted) -> None:
    """Nonce, the response with its job, and the result with its evidence."""
    client = await served.registered()
    placed = (await client.order("www.demo.test")).json
    offered = (await client.post(placed["authorizations"][0])).json["challenges"]
    assert await counted.of(lambda: client.post(offered[0]["url"], {})) <= RESPONSE
    assert (await client.post(placed["authorizations"][0])).json["status"] == "valid"
    assert await counted.of(lambda: client.post(offered[0]["url"], {})) <= RESPONSE  # answered already


async def test_new_account(served: Served, counted: Counted) -> None:
    """Nonce and key, binding key, locks, account with evidence, commit."""
    await served.registered()  # asyncpg has asked the connection for the types by now
    client, key = served.client(), served.demo.admitted
    assert await counted.of(lambda: client.register((key.kid, key.hmac_key)), 201) <= REGISTER
    wrong = served.client()
    forged = binding(wrong.key, key.kid, "AAAA", wrong.url("/new-account"))
    assert await counted.of(lambda: wrong.register(externalAccountBinding=forged), 403) <= READ


async def test_a_refused_request(served: Served, counted: Counted) -> None:
    client = await served.registered()
    kid = client.kid or ""
    await client.post("/order/x")  # a connection asks once what the columns' types are
    for path, changes, status, most in (
        (kid, {"key": new_key()}, 400, 1),
        (kid, {"url": "https://other.test/"}, 403, 1),
        (kid, {"nonce": "AAAA"}, 400, 1),
        ("/no-such", {}, 404, 1),
        ("/order/x", {}, 404, 1),
    ):
        ask = lambda path=path, changes=changes: client.post(path, None, **changes)  # noqa: E731
        assert await counted.of(ask, status) <= most
