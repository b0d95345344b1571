"""Housekeeping: what has expired is marked, without reading whole tables; partitions, nonces and CRLs in time."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
import msgspec
import pytest

from acme_server import worker
from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.storage import orders
from acme_server.use_cases import sweep
from acme_server.use_cases.sweep import ensure_partitions, sweep_expired, sweep_missed
from sql.ids import uuid7
from tests.acme_server.conftest import Served
from tests.conftest import NOW

LIFETIME = timedelta(days=7)


async def placed(served: Served, *created: datetime, status: str = "pending") -> None:
    """Orders as if placed at these instants, with their real lifetime."""
    async with served.owner.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.executemany(
            "INSERT INTO acme.orders (id, account_id, contract_id, admission_id, status, names, authorization_ids, "
            "profile, expires_at, created_at, deadline_at) VALUES ($1, gen_random_uuid(), gen_random_uuid(), "
            "gen_random_uuid(), $4, '{www.demo.test}', '{}', 'tlsserver', $2, $3, $2)",
            [(uuid7(at), at + LIFETIME, at, status) for at in created],
        )


async def states(served: Served) -> list[tuple[str, bytes | None]]:
    rows = await served.owner.fetch("SELECT status, error FROM acme.orders ORDER BY id")
    return [(row["status"], row["error"]) for row in rows]


@pytest.mark.std("A-136")
async def test_expired_pending_orders_are_invalid_with_a_cause(served: Served) -> None:
    late, soon = NOW - LIFETIME - timedelta(minutes=1), NOW - LIFETIME + timedelta(minutes=1)
    await placed(served, late, soon)
    await placed(served, late + timedelta(seconds=1), status="processing")
    assert await sweep_expired(served.context, NOW) == 1
    (first, error), *others = await states(served)
    assert first == "invalid"
    assert msgspec.json.decode(error or b"")["detail"].startswith("This order expired")
    assert others == [("processing", None), ("pending", None)]
    assert await sweep_expired(served.context, NOW) == 0


async def test_what_nobody_swept_for_days_is_swept(served: Served) -> None:
    await placed(served, NOW - LIFETIME - timedelta(days=13), NOW - LIFETIME - timedelta(minutes=150))
    assert await sweep_expired(served.context, NOW) == 0
    assert await sweep_missed(served.context, NOW) == 2


async def test_sweep_takes_all_of_an_hour_in_statements_of_bounded_size(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    await placed(served, *(NOW - LIFETIME - timedelta(seconds=number + 1) for number in range(35)))
    assert await sweep_expired(served.context, NOW) == 35


async def test_sweep_reads_an_index_range_of_one_partition(served: Served) -> None:
    at = NOW - LIFETIME - timedelta(minutes=30)
    await placed(served, *(at - timedelta(minutes=10 * number) for number in range(2000)))
    async with served.owner.acquire() as conn:
        await conn.execute("ANALYZE acme.orders")
        start, end = uuid7(NOW - LIFETIME - timedelta(hours=1)), uuid7(NOW - LIFETIME)
        plan = await conn.fetch(
            f"EXPLAIN (ANALYZE, TIMING OFF) {orders.SQL['sweep_expired']}", start, end, NOW, b"{}", 1000
        )
    text = "\n".join(row[0] for row in plan)
    assert "Index Cond: ((id >= " in text
    touched = {line.split(" on ")[1].split()[0] for line in text.splitlines() if "Scan" in line and "orders_20" in line
               and "never executed" not in line}  # fmt: skip
    read = [line for line in text.splitlines() if "Seq Scan" in line and "never executed" not in line]
    assert read == [], text
    assert len([name for name in touched if name.startswith("orders_")]) <= 1, text


async def test_partitions_are_made_ahead_once(served: Served, postgres: EmbeddedPostgres) -> None:
    name = await served.owner.fetchval("SELECT current_database()")
    later = utc_now() + timedelta(days=200)
    async with asyncpg.create_pool(postgres.dsn("keiyaku_work", name), min_size=1, max_size=1) as pool:
        context = served.context
        context.pool, kept = pool, context.pool  # type: ignore[assignment]
        assert await ensure_partitions(context, later) > 0
        assert await ensure_partitions(context, later) == 0
        context.pool = kept
    assert await served.owner.fetchval("SELECT keiyaku.months_ahead($1)", later) == sweep.MONTHS_AHEAD


async def test_partition_missing_in_the_middle_counts(served: Served) -> None:
    before = await served.owner.fetchval("SELECT keiyaku.months_ahead($1)", NOW)
    await served.owner.execute("DROP TABLE acme.authorizations_2027_01")
    assert before > 2
    assert await served.owner.fetchval("SELECT keiyaku.months_ahead($1)", NOW) == 1


async def test_nonces_that_cannot_be_valid_are_forgotten_and_valid_ones_kept(
    served: Served, postgres: EmbeddedPostgres
) -> None:
    client = await served.registered()
    nonce = await client.fresh_nonce()
    client.nonce = nonce
    assert (await client.order("www.demo.test")).status == 201
    name = await served.owner.fetchval("SELECT current_database()")
    spent = "SELECT count(*) FROM acme.spent_nonces"
    async with asyncpg.create_pool(postgres.dsn("keiyaku_work", name), min_size=1, max_size=1) as pool:
        context = served.context
        context.pool, kept = pool, context.pool  # type: ignore[assignment]
        before = await served.owner.fetchval(spent)
        await worker.truncate_nonces(context, utc_now())
        assert await served.owner.fetchval(spent) == before > 0
        client.nonce = nonce
        context.pool = kept
        assert (await client.order("www.demo.test")).error == "badNonce"  # still known
        context.pool = pool  # type: ignore[assignment]
        for hours in range(1, 12):
            await worker.truncate_nonces(context, utc_now() + timedelta(hours=hours))
        assert await served.owner.fetchval(spent) == 0
        context.pool = kept


async def test_crls_are_made_anew_each_day(served: Served) -> None:
    context = served.context
    await served.owner.execute("DELETE FROM acme.jobs")
    await worker.enqueue_crls(context, utc_now())
    assert await served.owner.fetchval("SELECT count(*) FROM acme.jobs") == 0
    for _ in range(2):  # one job a shard, however often it is asked for
        await worker.enqueue_crls(context, utc_now() + worker.CRL_AGE + timedelta(minutes=1))
        subjects = await served.owner.fetch("SELECT subject FROM acme.jobs WHERE kind = 'crl' ORDER BY 1")
        assert [row["subject"] for row in subjects] == [f"1/{shard}" for shard in range(len(subjects))]
        assert len(subjects) > 0


async def test_every_goes_on_after_a_failure(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, runs = asyncio.Event(), 0

    async def failing(_context: object, _now: datetime) -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            stop.set()
        raise OSError("away")

    await asyncio.wait_for(worker.every(timedelta(milliseconds=1), failing, served.context, stop), 10)
    assert runs == 3
