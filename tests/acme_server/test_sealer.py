import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from acme_server import checkpoint_file, evidence_key, sealer
from acme_server.checkpoint_file import CheckpointFileUnusable
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.evidence_key import KeyUnusable
from acme_server.sealer import Sealer, SealRefused, take_over
from acme_server.storage.evidence import seal_lag
from contract_gate.evidence import Checkpoint
from sql import Conn, Pool
from sql.evidence import append, entry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
async def seal_role(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    conn = await asyncpg.connect(postgres.dsn(user="keiyaku_seal", database=database))
    yield conn
    await conn.close()


@pytest.fixture
async def sealing(seal_role: Conn, tmp_path: Path) -> Sealer:
    found = await take_over(seal_role, KEY, tmp_path / "checkpoints.jsonl")
    assert found is not None
    return found


async def decide(conn: Conn, count: int = 1) -> list[UUID]:
    """Evidence of `count` things, in as many transactions unless one is open."""
    rows = [entry("thing.decided", "process:test", NOW, number=number) for number in range(count)]
    for row in rows:
        await append(conn, row)
    return [row.id for row in rows]


def ids_of(one: Checkpoint) -> set[UUID]:
    return {UUID(bytes=one.leaves[at : at + 16]) for at in range(0, len(one.leaves), 48)}


async def chain(conn: Conn | Pool) -> list[Checkpoint]:
    return [Checkpoint(**row) for row in await conn.fetch("SELECT * FROM evidence.checkpoints ORDER BY number")]


async def lag(pool: Pool, now: datetime) -> timedelta:
    async with pool.acquire() as conn:
        return await seal_lag(conn, now)


async def test_batch_is_sealed_in_the_table_and_in_the_file(pool: Pool, sealing: Sealer) -> None:
    async with pool.acquire() as conn:
        decided = await decide(conn, 3)
    assert await sealing.run_once(NOW) == 3
    (one,) = await chain(pool)
    assert ids_of(one) == set(decided)
    assert list(checkpoint_file.read(sealing.file, 10**9)) == [one]


async def test_transaction_that_commits_late_is_sealed_late_and_only_once(pool: Pool, sealing: Sealer) -> None:
    """PITFALL: the later transaction commits first; its row waits for the earlier one, and neither is lost."""
    async with pool.acquire() as early, pool.acquire() as late:
        transaction = early.transaction()
        await transaction.start()
        first = await decide(early)
        second = await decide(late)
        assert await sealing.run_once(NOW) == 0
        assert await chain(pool) == []
        await transaction.commit()
    assert await sealing.run_once(NOW) == 2
    (one,) = await chain(pool)
    assert ids_of(one) == {*first, *second}


async def test_rows_before_an_open_transaction_are_sealed_at_once(pool: Pool, sealing: Sealer) -> None:
    async with pool.acquire() as conn, pool.acquire() as open_one:
        before = await decide(conn)
        transaction = open_one.transaction()
        await transaction.start()
        inside = await decide(open_one)
        after = await decide(conn)
        assert await sealing.run_once(NOW) == 1
        await transaction.commit()
    assert await sealing.run_once(NOW) == 2
    first, second = await chain(pool)
    assert (ids_of(first), ids_of(second)) == (set(before), {*inside, *after})
    assert second.from_transaction == first.to_transaction


async def test_rolled_back_evidence_is_not_waited_for(pool: Pool, sealing: Sealer) -> None:
    async with pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await decide(conn)
        await transaction.rollback()
        kept = await decide(conn)
    assert await sealing.run_once(NOW) == 1
    assert [ids_of(one) for one in await chain(pool)] == [set(kept)]


async def test_batches_are_bounded_and_never_split_a_transaction(
    pool: Pool, sealing: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "BATCH", 2)
    async with pool.acquire() as conn:
        await decide(conn, 3)
        async with conn.transaction():
            await decide(conn, 5)
        await decide(conn)
    assert await sealing.run_once(NOW) == 9
    assert [one.record_count for one in await chain(pool)] == [2, 6, 1]


async def test_seal_lag_grows_while_a_transaction_stays_open(pool: Pool, sealing: Sealer) -> None:
    assert await lag(pool, NOW) == timedelta.max
    await sealing.run_once(NOW)
    assert await lag(pool, NOW) == timedelta(0)
    async with pool.acquire() as stuck:
        transaction = stuck.transaction()
        await transaction.start()
        await decide(stuck)
        for second in range(1, 90, 10):
            await sealing.run_once(NOW + timedelta(seconds=second))
        assert await lag(pool, NOW + timedelta(seconds=90)) >= timedelta(seconds=89)
        await transaction.commit()
    await sealing.run_once(NOW + timedelta(seconds=90))
    assert await lag(pool, NOW + timedelta(seconds=90)) == timedelta(0)


async def test_seal_lag_stays_small_when_some_transaction_is_always_open(pool: Pool, sealing: Sealer) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        conns, opened = [one, other], []
        for second in range(6):
            opened.append(conns[second % 2].transaction())
            await opened[-1].start()
            await decide(conns[second % 2])
            if second:
                await opened[-2].commit()
            await sealing.run_once(NOW + timedelta(seconds=second))
        await opened[-1].commit()
    assert await lag(pool, NOW + timedelta(seconds=5)) <= timedelta(seconds=2)


async def test_only_one_seals(postgres: EmbeddedPostgres, database: str, sealing: Sealer) -> None:
    other = await asyncpg.connect(postgres.dsn(user="keiyaku_seal", database=database))
    assert await take_over(other, KEY, sealing.file) is None
    await sealing.conn.close()
    async with asyncio.timeout(10):
        while await take_over(other, KEY, sealing.file) is None:
            await asyncio.sleep(0)
    await other.close()


async def resume(sealing: Sealer) -> Sealer:
    """The same session takes over again, as after an error."""
    found = await take_over(sealing.conn, KEY, sealing.file)
    assert found is not None
    return found


@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_file_that_lags_is_repaired(pool: Pool, sealing: Sealer, kept: int) -> None:
    for _ in range(3):
        async with pool.acquire() as conn:
            await decide(conn)
        await sealing.run_once(NOW)
    whole = sealing.file.read_bytes()
    lines = whole.splitlines(keepends=True)
    sealing.file.write_bytes(b"".join(lines[:kept]) + lines[kept][:-5])  # the crash also left half a line
    again = await resume(sealing)
    assert sealing.file.read_bytes() == whole
    async with pool.acquire() as conn:
        await decide(conn)
    await again.run_once(NOW)
    assert [one.number for one in await chain(pool)] == [1, 2, 3, 4]


async def test_file_ahead_of_the_database_stops_the_sealer(pool: Pool, sealing: Sealer) -> None:
    for _ in range(2):
        async with pool.acquire() as conn:
            await decide(conn)
        await sealing.run_once(NOW)
    await resume(sealing)
    await pool.execute("DELETE FROM evidence.checkpoints WHERE number = 2")
    with pytest.raises(CheckpointFileUnusable, match="ends with checkpoint 2, which the database lacks"):
        await resume(sealing)


@pytest.mark.parametrize("more", [0, 1])
async def test_file_of_another_chain_stops_the_sealer(pool: Pool, sealing: Sealer, more: int) -> None:
    async with pool.acquire() as conn:
        await decide(conn)
        await sealing.run_once(NOW)
        (line,) = await chain(pool)
        other = msgspec.structs.replace(line, hash=bytes(32))
        for _ in range(more):
            await decide(conn)
            await sealing.run_once(NOW)
    sealing.file.write_bytes(msgspec.json.encode(other) + b"\n")
    with pytest.raises(CheckpointFileUnusable, match="is not the database's"):
        await resume(sealing)


async def test_last_line_that_is_none_stops_the_sealer(sealing: Sealer) -> None:
    sealing.file.write_bytes(b"nonsense\n")
    with pytest.raises(CheckpointFileUnusable, match="is no checkpoint"):
        await resume(sealing)


async def test_new_cluster_needs_a_new_era_and_loses_nothing(pool: Pool, sealing: Sealer) -> None:
    async with pool.acquire() as conn:
        await decide(conn)
        await sealing.run_once(NOW)
        # As a restored dump looks: the old cluster was far ahead, and left a row that was not sealed.
        (left,) = await decide(conn)
        await conn.execute("UPDATE evidence.records SET transaction_id = '9000000000' WHERE id = $1", left)
        await conn.execute("UPDATE evidence.checkpoints SET to_transaction = '8000000000'")
        sealing = Sealer(sealing.conn, KEY, sealing.file, (await chain(pool))[0])
        with pytest.raises(SealRefused, match="SET DEFAULT 2"):
            await sealing.run_once(NOW)
        await conn.execute("ALTER TABLE evidence.records ALTER COLUMN era SET DEFAULT 2")
        (new,) = await decide(conn)
    assert await sealing.run_once(NOW) == 2
    _, old_era, new_era = await chain(pool)
    assert (old_era.era, old_era.from_transaction, ids_of(old_era)) == (1, 8000000000, {left})
    assert (new_era.era, new_era.from_transaction, ids_of(new_era)) == (2, 0, {new})


async def test_run_seals_until_stopped(postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as conn:
        decided = await decide(conn)
    stop = asyncio.Event()
    dsn = postgres.dsn(user="keiyaku_seal", database=database)
    task = asyncio.create_task(sealer.run(dsn, KEY, tmp_path / "file", lambda: NOW, stop))
    async with asyncio.timeout(20):
        while await lag(pool, NOW):
            await asyncio.sleep(0.01)
    stop.set()
    await task
    assert [ids_of(one) for one in await chain(pool)] == [set(decided)]


async def test_run_goes_on_after_a_fault(
    postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "INTERVAL", 0.01)
    stop = asyncio.Event()
    dsn = postgres.dsn(user="keiyaku_seal", database=database)
    task = asyncio.create_task(sealer.run(dsn, KEY, tmp_path / "folder" / "file", lambda: NOW, stop))
    async with pool.acquire() as conn:
        await decide(conn)
    async with asyncio.timeout(20):
        while not await chain(pool):  # in the table; the file cannot be made yet
            await asyncio.sleep(0.01)
        (tmp_path / "folder").mkdir()
        while not (tmp_path / "folder" / "file").exists() or await lag(pool, NOW):
            await asyncio.sleep(0.01)
        await pool.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keiyaku_seal'")
        async with pool.acquire() as conn:
            await decide(conn)
        while len(await chain(pool)) < 2:
            await asyncio.sleep(0.01)
    stop.set()
    await task


@pytest.mark.parametrize("fault", [asyncpg.InternalClientError("switch"), asyncpg.InterfaceError("closed"), OSError()])
async def test_run_goes_on_when_the_driver_gives_up(
    postgres: EmbeddedPostgres,
    database: str,
    pool: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    # a session ended by the server between two messages leaves asyncpg in one of these, as it happens
    monkeypatch.setattr(sealer, "INTERVAL", 0.01)
    stop, faults = asyncio.Event(), [fault]

    def clock() -> datetime:
        if faults:
            raise faults.pop()
        return NOW

    dsn = postgres.dsn(user="keiyaku_seal", database=database)
    task = asyncio.create_task(sealer.run(dsn, KEY, tmp_path / "file", clock, stop))
    async with pool.acquire() as conn:
        await decide(conn)
    async with asyncio.timeout(20):
        while not await chain(pool):
            await asyncio.sleep(0.01)
    stop.set()
    await task


def test_key_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "evidence.key"
    evidence_key.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = evidence_key.load(path).private_bytes_raw()
    with pytest.raises(FileExistsError):
        evidence_key.create(path)
    assert evidence_key.load(path).private_bytes_raw() == before


def test_key_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "evidence.key"
    with pytest.raises(KeyUnusable, match="cannot be read: No such file"):
        evidence_key.load(path)
    evidence_key.create(path)
    path.chmod(0o640)
    with pytest.raises(KeyUnusable, match="open to others: chmod 600"):
        evidence_key.load(path)
    path.chmod(0o600)
    path.write_text("-----BEGIN nothing-----")
    with pytest.raises(KeyUnusable, match="not an unencrypted PEM key"):
        evidence_key.load(path)
