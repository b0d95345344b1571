"""What is there before anything of `keiyaku dev` serves."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from acme_server import checkpoint_file
from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.dev.postgres import EmbeddedPostgres, PostgresUnavailable
from acme_server.dev.prepare import prepare, prepare_database
from acme_server.storage import evidence

UNSEALED = """SELECT count(*) FROM evidence.records
    WHERE transaction_id >= (SELECT max(to_transaction) FROM evidence.checkpoints)::text::xid8"""


def test_all_evidence_is_sealed_before_the_first_order() -> None:
    with tempfile.TemporaryDirectory(prefix="kp-") as name:
        settings = Settings(data=Path(name))
        postgres = EmbeddedPostgres(settings.data / "postgres", durable=False)
        postgres.start()
        try:
            prepare(settings, postgres)
            count, unsealed, lag = asyncio.run(looked(postgres))
        finally:
            postgres.stop()
        assert count > 0
        assert unsealed == 0
        assert lag < 60  # else nothing is issued (design §6)
        last = checkpoint_file.last(settings.data / settings.evidence.checkpoint_file)
        assert last is not None
        assert last.number == 1


async def test_data_of_other_migrations_is_told_apart_from_a_fault(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """`keiyaku dev` of a program whose migrations are others says which one, and what to do."""
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE keiyaku")
    conn = await asyncpg.connect(postgres.dsn())
    await conn.execute("CREATE SCHEMA keiyaku CREATE TABLE migrations (version integer, name text, sha256 bytea)")
    await conn.execute("INSERT INTO keiyaku.migrations VALUES (1, '0001_first_certificate.sql', sha256('another'))")
    await conn.close()
    with pytest.raises(PostgresUnavailable) as refused:
        await prepare_database(Settings(data=tmp_path), postgres, utc_now())
    await admin.execute("DROP DATABASE keiyaku")
    await admin.close()
    assert str(refused.value) == (
        "migration 0001_first_certificate.sql was edited after it was applied: restore the file, or start with another "
        f"data folder than {tmp_path}"
    )


async def looked(postgres: EmbeddedPostgres) -> tuple[Any, Any, float]:
    """Records, those that no checkpoint covers, and the seconds that the seal is behind."""
    conn = await asyncpg.connect(postgres.dsn())
    try:
        lag = await evidence.seal_lag(conn, utc_now())
        count = await conn.fetchval("SELECT count(*) FROM evidence.records")
        return count, await conn.fetchval(UNSEALED), lag.total_seconds()
    finally:
        await conn.close()
