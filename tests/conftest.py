"""One real PostgreSQL a run and worker; a clone of a migrated template database a test that asks for one."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import Pool
from sql.migrate import let_run_ahead, migrate

pytest_plugins = ("tests.architecture.coverage_of_rules",)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TEMPLATE = "template_keiyaku"
MEMORY = Path("/dev/shm")  # a clone of the template there takes 20 ms
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this worker, with the migrated template database."""
    with tempfile.TemporaryDirectory(prefix="keiyaku-pg-", dir=MEMORY if MEMORY.is_dir() else None) as root:
        server = EmbeddedPostgres(Path(root), durable=False)
        server.start()
        asyncio.run(_make_template(server))
        yield server
        server.stop()


async def _make_template(server: EmbeddedPostgres) -> None:
    conn = await asyncpg.connect(server.dsn(database="postgres"))
    await conn.execute(f"CREATE DATABASE {TEMPLATE}")
    await conn.close()
    await migrate(server.dsn(database=TEMPLATE))
    await let_run_ahead(server.dsn(database=TEMPLATE), timedelta(days=36_600))  # tests live in years to come
    conn = await asyncpg.connect(server.dsn(database=TEMPLATE))
    await conn.execute("SELECT keiyaku.ensure_partitions($1, 8)", NOW.replace(month=8))
    await conn.execute("SELECT keiyaku.ensure_partitions(now(), 3)")
    await conn.close()


@asynccontextmanager
async def fresh_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Name of a database with the whole schema and no row; dropped afterwards."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Name of a fresh database of this test."""
    async with fresh_database(postgres) as name:
        yield name


@pytest.fixture
async def pool(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    """A pool of the owner, for tests that arrange and look. Roles: connect with postgres.dsn(user=…)."""
    async with asyncpg.create_pool(postgres.dsn(database=database), min_size=1, max_size=8) as made:
        yield made
