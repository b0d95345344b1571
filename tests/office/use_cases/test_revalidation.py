"""A new review is asked for 60 days before the old is too old, and is recorded without a fee or a contract."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.articles.article_04_issuance import stale_on
from contract_gate.calendar import day_start, jst_date
from office.use_cases import application, ending, revalidation, service_end
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import YESTERDAY
from tests.office.use_cases.issued import notices

FAILS_ON = stale_on(YESTERDAY)
DUE = datetime(FAILS_ON.year, FAILS_ON.month, FAILS_ON.day, 12, tzinfo=UTC) - timedelta(days=60)
ASKED = ["revalidation_due", "revalidation_task"]


@pytest.fixture(autouse=True)
async def partitions(pool: Pool) -> None:
    """Those of the months in which the review grows old."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", DUE)


async def under_way(pool: Pool) -> list[date]:
    rows = await pool.fetch("SELECT fails_on FROM office.revalidations WHERE closed_at IS NULL")
    return [row["fails_on"] for row in rows]


async def counted(pool: Pool) -> tuple[int, int]:
    """Contracts and invoices."""
    row = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM gate.contracts) AS c, (SELECT count(*) FROM gate.invoices) AS i"
    )
    assert row is not None
    return row["c"], row["i"]


async def reviewed(conn: Conn, kinds: tuple[str, ...], at: datetime) -> None:
    for kind in kinds:
        item = application.Review(kind, "1", "register", jst_date(at), "positive")
        await application.review(conn, "acme", item, "bob", at)


@pytest.mark.rule("T4-4")
async def test_a_new_review_is_asked_for_once_60_days_before(accepted: Conn, pool: Pool) -> None:
    assert await revalidation.sweep(accepted, DUE - timedelta(days=1)) == 0
    assert (await under_way(pool), await notices(pool)) == ([], [])
    assert await revalidation.sweep(accepted, DUE) == 1
    assert (await under_way(pool), await notices(pool)) == ([FAILS_ON], ASKED)
    assert await revalidation.sweep(accepted, DUE + timedelta(days=1)) == 0
    assert await notices(pool) == ASKED


@pytest.mark.rule("T4-4")
async def test_new_items_end_it_without_a_fee_or_a_new_contract(accepted: Conn, pool: Pool) -> None:
    await revalidation.sweep(accepted, DUE)
    before = await counted(pool)
    await reviewed(accepted, application.REVIEWS[:-1], DUE)
    assert await under_way(pool) == [FAILS_ON], "an item is as old as before"
    await reviewed(accepted, application.REVIEWS[-1:], DUE)
    assert (await under_way(pool), await counted(pool)) == ([], before)
    assert await revalidation.sweep(accepted, DUE) == 0
    kinds = await pool.fetch("SELECT kind FROM evidence.records WHERE kind LIKE 'revalidation.%' ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["revalidation.asked", "revalidation.done"]


@pytest.mark.rule("T4-4", "T12-2")
async def test_a_contract_that_ends_first_is_not_asked(accepted: Conn, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)"
        " SELECT id, id, $1 FROM gate.contracts",
        NOW,
    )
    assert await revalidation.sweep(accepted, DUE) == 0, "its term ends before its review is too old"


@pytest.mark.rule("T4-4", "T23-3")
async def test_none_is_asked_of_contracts_that_the_end_of_the_service_ends_first(accepted: Conn, pool: Pool) -> None:
    """Were somebody told too late, the service would go on: from that day on it is asked for."""
    ends_on = FAILS_ON - timedelta(days=1)
    await service_end.decide(accepted, "law", ends_on, "revoke", "ann", "bob", NOW)
    assert await revalidation.sweep(accepted, DUE) == 0
    assert await revalidation.sweep(accepted, day_start(ends_on) - timedelta(seconds=1)) == 0
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", day_start(ends_on))
    assert await revalidation.sweep(accepted, day_start(ends_on)) == 1


@pytest.mark.rule("T4-4", "T23-3")
async def test_it_is_asked_for_when_the_service_ends_later(accepted: Conn) -> None:
    await service_end.decide(accepted, "law", FAILS_ON + timedelta(days=1), "revoke", "ann", "bob", NOW)
    assert await revalidation.sweep(accepted, DUE) == 1


async def test_the_end_of_the_contract_ends_it(accepted: Conn, pool: Pool) -> None:
    await revalidation.sweep(accepted, DUE)
    await ending.cancel(accepted, "acme", "ann", DUE)
    await revalidation.sweep(accepted, DUE)
    assert await under_way(pool) == []


async def test_it_is_a_job_of_the_office(accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str) -> None:
    office = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    assert await revalidation.sweep(office, DUE) == 1
    await office.close()
