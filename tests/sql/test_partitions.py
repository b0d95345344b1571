"""Monthly partitions of the big tables: made ahead, counted, holding what belongs to them."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import Pool
from sql.evidence import append, entry
from sql.ids import first_of, uuid7

FAR = datetime(2031, 11, 22, 12, 0, tzinfo=UTC)  # beyond what the template database has


async def ensure(pool: Pool, at: datetime, months: int) -> int:
    return int(await pool.fetchval("SELECT keiyaku.ensure_partitions($1, $2)", at, months))


async def ahead(pool: Pool, at: datetime) -> int:
    return int(await pool.fetchval("SELECT keiyaku.months_ahead($1)", at))


async def test_ensure_partitions_makes_what_is_missing_only(pool: Pool) -> None:
    tables = await pool.fetchval("SELECT count(*) FROM keiyaku.partitioned_tables()")
    assert await ensure(pool, FAR, 3) == 4 * tables
    assert await ensure(pool, FAR, 3) == 0
    assert await ensure(pool, FAR, 4) == tables


async def test_months_ahead(pool: Pool) -> None:
    assert await ahead(pool, FAR) == 0
    await ensure(pool, FAR, 3)
    assert await ahead(pool, FAR) == 3
    assert await ahead(pool, FAR + timedelta(days=30)) == 2
    await pool.execute("DROP TABLE evidence.records_2032_02")
    assert await ahead(pool, FAR) == 2


EDGES = {
    datetime(2031, 11, 1, tzinfo=UTC): "2031_11",
    datetime(2031, 11, 30, 23, 59, 59, 999000, tzinfo=UTC): "2031_11",
    datetime(2031, 12, 31, 23, 59, 59, 999000, tzinfo=UTC): "2031_12",
    datetime(2032, 1, 1, tzinfo=UTC): "2032_01",
}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
async def test_row_lies_in_the_month_of_its_id(pool: Pool, zone: str) -> None:
    """Whatever the time zone of the session that made the partitions."""
    async with pool.acquire() as conn:
        await conn.execute(f"SET timezone = '{zone}'")
        await conn.fetchval("SELECT keiyaku.ensure_partitions($1, 3)", FAR)
        for at in EDGES:
            await append(conn, entry("thing.decided", "process:test", at))
        rows = await conn.fetch("SELECT recorded_at, tableoid::regclass::text AS place FROM evidence.records")
    assert {row["recorded_at"]: row["place"] for row in rows} == {
        at: f"evidence.records_{month}" for at, month in EDGES.items()
    }


async def test_no_partition_no_row(pool: Pool) -> None:
    """Evidence is never put anywhere else; what it belongs to is not done either."""
    async with pool.acquire() as conn:
        with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
            await append(conn, entry("thing.decided", "process:test", FAR))


async def test_floor_is_the_least_id_of_an_instant(pool: Pool) -> None:
    floor = await pool.fetchval("SELECT keiyaku.uuid7_floor($1)", FAR)
    assert floor < uuid7(FAR)
    assert uuid7(FAR - timedelta(milliseconds=1)) < floor


@pytest.mark.parametrize("micros", [0, 499, 500, 999, 999_499, 999_500, 999_999])
async def test_a_range_from_an_instant_holds_what_was_made_at_it(pool: Pool, micros: int) -> None:
    """An instant late in its millisecond too: that of the next one would begin after it."""
    at = FAR + timedelta(microseconds=micros)
    floor = await pool.fetchval("SELECT keiyaku.uuid7_floor($1)", at)
    assert floor < first_of(at) <= uuid7(at)
    assert uuid7(at - timedelta(milliseconds=1)) < floor


async def test_worker_makes_partitions_and_the_roles_can_use_them(postgres: EmbeddedPostgres, database: str) -> None:
    worker = await asyncpg.connect(postgres.dsn(user="keiyaku_work", database=database))
    assert await worker.fetchval("SELECT keiyaku.ensure_partitions($1, 3)", FAR) > 0
    await append(worker, entry("thing.decided", "process:test", FAR))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await worker.execute("SELECT * FROM evidence.records_2031_11")
    await worker.close()
