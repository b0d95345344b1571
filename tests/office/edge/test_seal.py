"""The seal on the real database, read as keiyaku_office: derived at each request from contract and certificates."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from acme_server.dev.postgres import EmbeddedPostgres
from office.edge.app import make_app
from office.use_cases import ending, seal
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue

HOST = {"Referer": "https://shop.example.jp/cart?x=1"}


async def issued(pool: Pool, contract: str, number: int, at: datetime) -> None:
    """A certificate, which starts the term if it is the first."""
    serial = await issue(pool, contract, number, at)
    start = """INSERT INTO gate.contract_starts SELECT i.contract_id, t.id, $2 FROM ca.to_be_signed t
        JOIN acme.issuances i ON i.to_be_signed_id = t.id WHERE t.serial = $1 ON CONFLICT DO NOTHING"""
    await pool.execute(start, serial, at)


class Clock:
    """The time is as set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    return Clock()


@pytest.fixture
async def client(postgres: EmbeddedPostgres, database: str, clock: Clock) -> AsyncIterator[TestClient]:
    """The pages, served as keiyaku_office."""
    async with (
        asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as pool,
        TestClient(TestServer(make_app(pool, clock, "https://office.test"))) as made,
    ):
        yield made


@pytest.fixture
async def token(accepted: Conn, pool: Pool) -> str:
    """The seal of contract `acme` with one certificate, asked for."""
    await issued(pool, "acme", 1, NOW - timedelta(hours=1))
    return await seal.request(accepted, "acme", "ann", NOW)


async def image(client: TestClient, token: str, headers: dict[str, str] | None = None) -> int:
    return (await client.get(f"/seal/{token}/image.svg", headers=HOST if headers is None else headers)).status


async def said(client: TestClient, token: str, headers: dict[str, str] | None = None) -> bool:
    text = await (await client.get(f"/seal/{token}", headers=headers or {})).text()
    assert ("This seal is valid" in text) != ("This seal is not valid" in text)
    return "This seal is valid" in text


@pytest.mark.rule("T1-3", "T4-6")
async def test_the_seal_is_off_until_it_is_asked_for(client: TestClient, accepted: Conn, pool: Pool) -> None:
    await issued(pool, "acme", 1, NOW - timedelta(hours=1))
    assert await image(client, "acme") == 404
    token = await seal.request(accepted, "acme", "ann", NOW)
    assert await image(client, token) == 200
    kinds = "SELECT actor FROM evidence.records WHERE kind = 'seal.requested'"
    assert (await accepted.fetchval(kinds)).startswith("person:")
    with pytest.raises(Unfit, match="on already"):
        await seal.request(accepted, "acme", "ann", NOW)
    await seal.withdraw(accepted, "acme", "ann", NOW)
    assert await image(client, token) == 404
    with pytest.raises(Unfit, match="is off"):
        await seal.withdraw(accepted, "acme", "ann", NOW)
    assert await seal.request(accepted, "acme", "ann", NOW) == token


@pytest.mark.rule("T4-10", "T18-1")
@pytest.mark.parametrize(
    ("headers", "status", "valid"),
    [
        ({"Referer": "https://a.example.jp/"}, 200, True),
        ({"Referer": "https://example.jp/"}, 200, True),
        ({"Origin": "https://deep.below.example.jp:8443"}, 200, True),
        ({"Origin": "https://thief.test", "Referer": "https://a.example.jp/"}, 404, False),
        ({"Referer": "https://other.jp/a.example.jp"}, 404, False),
        ({"Referer": "http://[broken"}, 404, True),
        ({}, 404, True),
    ],
)
async def test_the_seal_is_served_to_hosts_of_the_contract(
    client: TestClient, token: str, headers: dict[str, str], status: int, valid: bool
) -> None:
    assert await image(client, token, headers) == status
    assert await said(client, token, headers) is valid


@pytest.mark.rule("T21-1", "T18-1")
async def test_image_and_page_carry_their_notices(client: TestClient, token: str) -> None:
    for path in (f"/seal/{token}/image.svg", f"/seal/{token}"):
        text = await (await client.get(path, headers=HOST)).text()
        assert "no copying, no alteration (Terms A18, A21)" in text
        assert "複製・改変を禁じます（利用規約第18条・第21条）" in text


@pytest.mark.rule("T19-2")
async def test_an_answer_may_be_kept_for_a_minute_by_the_browser_alone(
    client: TestClient, token: str, clock: Clock
) -> None:
    got = await client.get(f"/seal/{token}/image.svg", headers=HOST)
    assert (got.headers["Cache-Control"], got.headers["Vary"]) == ("private, max-age=60", "Origin, Referer")
    assert got.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    clock.now = NOW + timedelta(days=90, hours=-1, seconds=-10)
    got = await client.get(f"/seal/{token}/image.svg", headers=HOST)
    assert got.headers["Cache-Control"] == "private, max-age=10"
    clock.now += timedelta(seconds=11)
    assert await image(client, token) == 404
    assert not await said(client, token)


@pytest.mark.rule("T11-10", "T19-2")
async def test_the_seal_goes_off_in_the_transaction_of_the_revocation(
    client: TestClient, token: str, pool: Pool
) -> None:
    revoke = """INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, ground, requested_by,
        requested_at, revoked_at, not_after) SELECT serial, issuer_id, id, shard, 'g', 'case:x', $1, $1, not_after
        FROM ca.certificates"""
    async with pool.acquire() as conn:
        under_way = conn.transaction()
        await under_way.start()
        await conn.execute(revoke, NOW)
        assert await image(client, token) == 200  # not committed: nothing has happened
        await under_way.rollback()
    assert await image(client, token) == 200
    await pool.execute(revoke, NOW)
    assert await image(client, token) == 404
    assert not await said(client, token)
    await issued(pool, "acme", 2, NOW - timedelta(hours=1))
    assert await image(client, token) == 200  # on again with the next certificate, and nothing else was written


@pytest.mark.rule("T19-1", "T19-3")
async def test_after_the_end_uses_on_the_customers_host_are_evidence(
    client: TestClient, token: str, accepted: Conn, pool: Pool, clock: Clock
) -> None:
    assert await image(client, token) == 200
    records = "SELECT content FROM evidence.records WHERE kind = 'seal.used_after_end'"
    await ending.cancel(accepted, "acme", "ann", NOW)
    assert await image(client, token) == 404
    for referer in ("https://a.example.jp/1", "https://a.example.jp/2", "https://b.example.jp/", "https://thief.test/"):
        assert await image(client, token, {"Referer": referer}) == 404
    assert not await said(client, token)
    assert len(await pool.fetch(records)) == 3  # shop, a, b: once each
    clock.now = NOW + timedelta(days=1)
    await image(client, token)
    assert len(await pool.fetch(records)) == 4
    for number in range(40):
        await image(client, token, {"Referer": f"https://forged-{number}.example.jp/"})
    assert len(await pool.fetch(records)) == 3 + 20
    [row] = await seal.listed(accepted, "acme")
    assert (row.state, row.uses_after_end) == ("ended", 23)


@pytest.mark.rule("T19-1")
async def test_the_customer_is_asked_once_to_delete_it(
    token: str, accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as office:
        assert await seal.ask_deletion(office, NOW) == 0
        await ending.cancel(accepted, "acme", "ann", NOW)
        assert await seal.ask_deletion(office, NOW) == 1
        assert await seal.ask_deletion(office, NOW) == 0
    assert await pool.fetchval("SELECT count(*) FROM office.notices WHERE kind = 'seal_deletion'") == 1
