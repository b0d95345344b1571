"""Migrations: their sum is schema.sql, and nothing but the next file is ever applied."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from acme_server.dev.pg_binaries import candidates, version_of
from acme_server.dev.postgres import EmbeddedPostgres
from sql import migrate as runner
from sql.migrate import MigrationRefused, migrate, outstanding

# Everything of the catalogs that a difference between the two could show in.
CATALOG = """
SELECT format('relation %s %s %s %s %s %s %s', c.oid::regclass, c.relkind, c.relpersistence, c.reloptions,
    pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), c.relacl) AS line
FROM pg_class c WHERE c.relnamespace = ANY ($1)
UNION ALL SELECT format('column %s.%s %s %s %s %s %s %s', a.attrelid::regclass, a.attname,
    rank() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
    a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attacl)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = ANY ($1)
UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = ANY ($1)
UNION ALL SELECT format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid))
FROM pg_class c WHERE c.relnamespace = ANY ($1) AND c.relkind = 'v'
UNION ALL SELECT 'function ' || pg_get_functiondef(oid) || coalesce(proacl::text, '')
FROM pg_proc WHERE pronamespace = ANY ($1)
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = ANY ($1) AND NOT t.tgisinternal
UNION ALL SELECT 'schema ' || nspname || coalesce(nspacl::text, '') FROM pg_namespace WHERE oid = ANY ($1)
ORDER BY 1
"""
OURS = (
    "SELECT array_agg(oid) FROM pg_namespace WHERE nspname IN ('keiyaku', 'evidence', 'gate', 'ca', 'acme', 'office')"
)


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Address of a database with nothing in it."""
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE empty_one")
    yield postgres.dsn(database="empty_one")
    await admin.execute("DROP DATABASE empty_one WITH (FORCE)")
    await admin.close()


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the runner takes its migrations from, with one in it that stands for the first."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(
        "CREATE SCHEMA keiyaku; CREATE TABLE keiyaku.migrations (version integer PRIMARY KEY, name text NOT NULL, "
        "sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
    )
    monkeypatch.setattr(runner, "files", lambda package: tmp_path)
    return folder


async def catalog(dsn: str) -> list[str]:
    conn = await asyncpg.connect(dsn)
    try:
        return [row["line"] for row in await conn.fetch(CATALOG, await conn.fetchval(OURS))]
    finally:
        await conn.close()


async def execute(dsn: str, text: str) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute(text)
    await conn.close()


async def tables(dsn: str) -> set[str]:
    conn = await asyncpg.connect(dsn)
    found = await conn.fetch("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|info)'")
    await conn.close()
    return {row[0] for row in found}


async def test_sum_of_migrations_is_the_schema(postgres: EmbeddedPostgres, empty: str) -> None:
    await migrate(empty)
    by_migrations = await catalog(empty)
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE whole_one")
    try:
        whole = postgres.dsn(database="whole_one")
        await execute(whole, files("sql").joinpath("schema.sql").read_text(encoding="utf-8"))
        assert await catalog(whole) == by_migrations
        assert len(by_migrations) > 400
        await execute(whole, "REVOKE SELECT ON gate.plans FROM keiyaku_acme")
        assert await catalog(whole) != by_migrations
    finally:
        await admin.execute("DROP DATABASE whole_one WITH (FORCE)")
        await admin.close()


async def test_second_run_has_nothing_to_do(empty: str) -> None:
    assert await migrate(empty) == [name for name, _ in runner.available().values()]
    assert await migrate(empty) == []


async def test_four_runners_at_once_apply_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, len(runner.available())]


async def test_next_migration_is_applied_in_order(empty: str, shipped: Path) -> None:
    assert await migrate(empty) == ["0001_first.sql"]
    (shipped / "0003_third.sql").write_text("CREATE TABLE third (n integer REFERENCES second)")
    (shipped / "0002_second.sql").write_text("CREATE TABLE second (n integer PRIMARY KEY)")
    assert await migrate(empty) == ["0002_second.sql", "0003_third.sql"]
    conn = await asyncpg.connect(empty)
    row = await conn.fetchrow("SELECT name, sha256 FROM keiyaku.migrations WHERE version = 3")
    await conn.close()
    assert row
    assert row["sha256"] == hashlib.sha256((shipped / "0003_third.sql").read_bytes()).digest()


async def test_failing_migration_leaves_nothing(empty: str, shipped: Path) -> None:
    await migrate(empty)
    (shipped / "0002_half.sql").write_text("CREATE TABLE half (n integer); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty)
    assert await tables(empty) == {"keiyaku.migrations"}
    (shipped / "0002_half.sql").write_text("CREATE TABLE half (n integer);")
    assert await migrate(empty) == ["0002_half.sql"]


async def test_migration_that_waits_too_long_for_a_lock_gives_up(empty: str, shipped: Path) -> None:
    await migrate(empty)
    (shipped / "0002_lock.sql").write_text("SET LOCAL lock_timeout = '10ms'; LOCK TABLE keiyaku.migrations")
    reader = await asyncpg.connect(empty)
    async with reader.transaction():
        await reader.execute("LOCK TABLE keiyaku.migrations IN ACCESS SHARE MODE")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await migrate(empty)
    await reader.close()
    assert await migrate(empty) == ["0002_lock.sql"]


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


ONE, TWO, THREE = ("0001_one.sql", "ONE"), ("0002_two.sql", "TWO"), ("0003_three.sql", "THREE")


@pytest.mark.parametrize(
    ("shipped_files", "applied", "expected"),
    [
        pytest.param({1: ONE, 2: TWO}, {}, [1, 2], id="new database"),
        pytest.param({1: ONE, 2: TWO}, {1: ONE}, [2], id="next"),
        pytest.param({1: ONE}, {1: ONE}, [], id="up to date"),
        pytest.param(
            {1: ONE},
            {1: ("0001_one.sql", "other")},
            "migration 0001_one.sql was edited after it was applied: restore the file",
            id="edited",
        ),
        pytest.param(
            {1: ONE},
            {1: ONE, 2: TWO},
            "the database has migration 0002_two.sql, which this program lacks: use a newer program",
            id="newer database",
        ),
        pytest.param(
            {1: ONE, 2: TWO, 3: THREE},
            {1: ONE, 3: THREE},
            "migration 0002_two.sql comes before one already applied: give it a higher number",
            id="out of order",
        ),
    ],
)
def test_outstanding(
    shipped_files: dict[int, tuple[str, str]], applied: dict[int, tuple[str, str]], expected: list[int] | str
) -> None:
    before = {version: (name, digest(text)) for version, (name, text) in applied.items()}
    if isinstance(expected, str):
        with pytest.raises(MigrationRefused) as refused:
            outstanding(shipped_files, before)
        assert str(refused.value) == expected
    else:
        assert [step[0] for step in outstanding(shipped_files, before)] == expected


async def test_refusal_changes_nothing(empty: str, shipped: Path) -> None:
    await migrate(empty)
    (shipped / "0002_second.sql").write_text("CREATE TABLE second (n integer)")
    (shipped / "0001_first.sql").write_text("-- edited")
    with pytest.raises(MigrationRefused, match="was edited"):
        await migrate(empty)
    assert await tables(empty) == {"keiyaku.migrations"}


async def test_two_migrations_of_one_number(empty: str, shipped: Path) -> None:
    (shipped / "0001_other.sql").write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match=r"two migrations have number 1: 0001_\w+.sql, 0001_\w+.sql"):
        await migrate(empty)


def elsewhere() -> list[Path]:
    """Server binaries of the oldest version we promise to run on, if this machine has them."""
    return [path for path in [*candidates(), *Path("/usr/lib/postgresql").glob("*/bin")] if version_of(path) == 15]


@pytest.fixture
def oldest(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    monkeypatch.setenv("KEIYAKU_PG_BIN", str(elsewhere()[0]))
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg15"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.mark.skipif(not elsewhere(), reason="needs PostgreSQL 15")
async def test_oldest_server_takes_the_schema(oldest: EmbeddedPostgres) -> None:
    dsn = oldest.dsn(database="postgres")
    await migrate(dsn)
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval("SELECT keiyaku.ensure_partitions(now(), 1)") > 0
    await conn.close()
