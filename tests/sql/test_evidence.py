"""Rows of evidence: what stands on a rule of the Terms cites the version in force at its instant (T20-3)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from sql import Conn, Pool
from sql.evidence import Entry, append, append_all, entries, entry

NOVEMBER = datetime(2026, 10, 31, 15, tzinfo=UTC)  # 2026-11-01 00:00 JST
LAST_SECOND = NOVEMBER - timedelta(seconds=1)
ADD = "INSERT INTO gate.texts VALUES ('terms', $1, sha256('2'::bytea), 'https://ca.test/terms', $2)"


@pytest.fixture
async def conn(pool: Pool) -> AsyncIterator[Conn]:
    async with pool.acquire() as conn:
        yield conn


@pytest.fixture
async def terms(conn: Conn) -> None:
    """Version 2 from November on, after one; the CPS has versions of its own."""
    await conn.execute("SELECT keiyaku.ensure_partitions($1, 2)", LAST_SECOND)
    await conn.execute(ADD, "1", NOVEMBER - timedelta(days=300))
    await conn.execute(ADD, '2 "改"', NOVEMBER)
    await conn.execute(ADD.replace("terms'", "cps'"), "9", NOVEMBER - timedelta(days=1))


async def content_of(conn: Conn, row: Entry) -> bytes:
    found: bytes = await conn.fetchval("SELECT content FROM evidence.records WHERE id = $1", row.id)
    return found


@pytest.mark.rule("T20-3")
@pytest.mark.usefixtures("terms")
@pytest.mark.parametrize(
    ("at", "version"),
    [
        pytest.param(LAST_SECOND, "1", id="T20-3 the last second of the old version"),
        pytest.param(NOVEMBER, '2 "改"', id="T20-3 the first of the new one"),
    ],
)
@pytest.mark.parametrize("content", [{"clause": "A4.3", "until": NOVEMBER}, {}], ids=["something follows", "nothing"])
async def test_a_row_on_a_rule_cites_what_is_in_force_then(
    conn: Conn, at: datetime, version: str, content: dict[str, object]
) -> None:
    row = entry("thing.decided", "person:x", at, rule="T4-5", **content)
    await append(conn, row)
    whole = {"rule": "T4-5", "terms_version": version} | content
    assert await content_of(conn, row) == msgspec.json.encode(whole, order="deterministic")


@pytest.mark.usefixtures("terms")
async def test_many_rows_cite_it_each_and_in_one_statement(conn: Conn) -> None:
    about: list[tuple[UUID | None, dict[str, object]]] = [
        (None, {"rule": "T8-5", "yen": 1}), (None, {"yen": 2}), (None, {"rule": "T8-5"}),
    ]  # fmt: skip
    rows = entries("payment.matched", "operator", NOVEMBER, about)
    await append_all(conn, rows)
    assert [msgspec.json.decode(await content_of(conn, row)) for row in rows] == [
        {"rule": "T8-5", "terms_version": '2 "改"', "yen": 1}, {"yen": 2}, {"rule": "T8-5", "terms_version": '2 "改"'},
    ]  # fmt: skip


async def test_before_the_first_version_none_is_cited_and_that_is_said(conn: Conn) -> None:
    await conn.execute("SELECT keiyaku.ensure_partitions($1, 2)", LAST_SECOND)
    row = entry("person.added", "operator", LAST_SECOND, rule="T17-1")
    await append(conn, row)
    assert await content_of(conn, row) == b'{"rule":"T17-1","terms_version":null}'


@pytest.mark.usefixtures("terms")
async def test_a_version_that_is_given_stays_and_what_stands_on_no_rule_cites_none(conn: Conn) -> None:
    given = entry("liability.proposed", "person:x", NOVEMBER, rule="T25-3", terms_version="1")
    other = entry("order.ended", "process:x", NOVEMBER, cause="deadline")
    await append(conn, given)
    await append(conn, other)
    assert await content_of(conn, given) == b'{"rule":"T25-3","terms_version":"1"}'
    assert await content_of(conn, other) == b'{"cause":"deadline"}'
