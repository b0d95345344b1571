"""Pages for people on the real database, read as keiyaku_office."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.decision import Case, Gate
from office.edge.answers import ANSWERS, answer_to
from office.edge.app import HEADERS, make_app
from office.use_cases.demo import make_demo
from sql import Pool
from tests.conftest import NOW

TOKEN = "A" * 32


@pytest.fixture
async def client(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[TestClient]:
    """The pages, served as keiyaku_office; the time is NOW."""
    async with (
        asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as pool,
        TestClient(TestServer(make_app(pool, lambda: NOW, "https://office.test"))) as made,
    ):
        yield made


async def help_page(pool: Pool, gate: Gate, case: Case) -> UUID:
    """A page of the demo-overdue contract exists under TOKEN. Returns the contract's id."""
    async with pool.acquire() as conn:
        await make_demo(conn, NOW)
    contract = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'demo-overdue'")
    insert = 'INSERT INTO gate.help_pages (token, contract_id, gate, "case", created_at) VALUES ($1, $2, $3, $4, $5)'
    await pool.execute(insert, TOKEN, contract, gate.value, case.value, NOW)
    return contract


@pytest.mark.rule("T0-1", "T16-1")
async def test_help_page_says_class_and_what_to_do_and_nothing_more(client: TestClient, pool: Pool) -> None:
    contract = await help_page(pool, Gate.G6, Case.OVERDUE)
    response = await client.get(f"/help/{TOKEN}")
    said = await response.text()
    assert response.status == 200
    for text in (ANSWERS[Gate.G6].advice_ja, ANSWERS[Gate.G6].advice_en):
        assert text in said
    for secret in ("60500", "60,500", "DEMO-1", "demo-overdue", "Keiyaku Demo", "overdue.test", str(contract), "A8.1"):
        assert secret not in said


@pytest.mark.rule("T13-3", "T0-1")
@pytest.mark.parametrize("advice", ["確認中", "under review"])
async def test_help_page_of_a_hold_is_neutral(client: TestClient, pool: Pool, advice: str) -> None:
    await help_page(pool, Gate.G7, Case.HOLD)
    said = await (await client.get(f"/help/{TOKEN}")).text()
    assert advice in said
    for secret in ("hold", "conduct", "anti-social", "suspect", "A3", "A13", "反社会"):
        assert secret not in said


@pytest.mark.rule("T0-3")
def test_every_end_but_a_term_that_ran_out_looks_the_same() -> None:
    assert answer_to(Gate.G1, Case.NOT_ACCEPTED) == answer_to(Gate.G1, Case.ENDED)
    assert answer_to(Gate.G1, Case.RENEWAL_NEEDED) == answer_to(Gate.G10, Case.TOO_SHORT)
    assert answer_to(Gate.G1, Case.RENEWAL_NEEDED) != answer_to(Gate.G1, Case.ENDED)


def test_every_gate_has_an_answer_in_both_languages() -> None:
    assert ANSWERS.keys() == set(Gate)
    assert len({answer.title_en for answer in ANSWERS.values()}) == len(Gate)


@pytest.mark.rule("T0-1")
@pytest.mark.parametrize("path", [f"/help/{'B' * 32}", f"/help/{TOKEN}x", "/help/%00", f"/help/{'x' * 5000}", "/help/"])
async def test_unknown_token_looks_like_any_page_that_is_not_there(client: TestClient, pool: Pool, path: str) -> None:
    await help_page(pool, Gate.G6, Case.OVERDUE)
    unknown, nowhere = await client.get(path), await client.get("/nowhere")
    assert (unknown.status, await unknown.text()) == (404, await nowhere.text())
    assert [n for n in unknown.headers if n != "Date"] == [n for n in nowhere.headers if n != "Date"]
    assert unknown.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [f"/help/{TOKEN}", "/terms", "/supported", "/report", "/static/style.css", "/nowhere"])
async def test_every_response_is_closed_to_what_no_page_needs(client: TestClient, pool: Pool, path: str) -> None:
    await help_page(pool, Gate.G6, Case.OVERDUE)
    response = await client.get(path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["Cache-Control"] == ("public, max-age=86400" if "static" in path else "no-store")
    assert "http://" not in await response.text()


@pytest.mark.rule("T20-2", "T2-1")
async def test_terms_are_those_in_force_or_of_the_version_asked_for(client: TestClient, pool: Pool) -> None:
    rows = [("1", NOW - timedelta(days=2)), ("<2>", NOW), ("3", NOW + timedelta(seconds=1))]
    for version, effective_at in rows:
        insert = "INSERT INTO gate.texts (kind, version, sha256, url, effective_at) VALUES ('terms', $1, $2, $3, $4)"
        await pool.execute(insert, version, bytes(32), "https://demo.test/t", effective_at)
    in_force = await (await client.get("/terms")).text()
    assert "Terms &lt;2&gt;" in in_force  # nothing from the database becomes markup
    assert "<2>" not in in_force
    assert "Terms 1" in await (await client.get("/terms/1")).text()
    assert "Terms 3" in await (await client.get("/terms/3")).text()
    assert (await client.get("/terms/4")).status == 404


@pytest.mark.rule("T7-1")
async def test_supported_servers_are_one_dated_page(client: TestClient) -> None:
    response = await client.get("/supported")
    assert response.status == 200
    assert "2026-11-22" in await response.text()


async def test_only_reading_is_possible(client: TestClient) -> None:
    assert (await client.post("/supported")).status == 405


async def test_what_goes_wrong_is_not_shown(client: TestClient, pool: Pool) -> None:
    await pool.execute("REVOKE SELECT ON gate.help_pages FROM keiyaku_office")
    response = await client.get(f"/help/{TOKEN}")
    assert response.status == 500
    assert "help_pages" not in await response.text()


async def test_office_sees_no_secret_of_a_key(postgres: EmbeddedPostgres, database: str) -> None:
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.fetch("SELECT hmac_key FROM gate.binding_keys")
    await conn.close()
