"""From an empty database to a CA with the commands alone, as a deployment begins."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from acme_server.__main__ import main
from acme_server.dev.postgres import EmbeddedPostgres

EMPTY = "without_schema"
NAMES = ("--organization", "Example CA K.K.", "--root", "Example Root 1", "--issuing", "Example Issuing 1")


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute(f"CREATE DATABASE {EMPTY}")
    yield postgres.dsn(database=EMPTY)
    await admin.execute(f"DROP DATABASE {EMPTY} WITH (FORCE)")
    await admin.close()


async def keiyaku(environment: dict[str, str], *words: str) -> Result:
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(runner.invoke, main, words)


async def test_an_empty_database_is_migrated_and_gets_a_ca(
    postgres: EmbeddedPostgres, empty: str, tmp_path: Path
) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca/passphrase").write_text("a passphrase of the ceremony\n")
    environment = {
        "KEIYAKU_DATA": str(tmp_path),
        "KEIYAKU_DATABASE__EMBEDDED": "false",
        "KEIYAKU_DATABASE__URL": postgres.dsn("{role}", EMPTY),
        "KEIYAKU_MIGRATE_DSN": empty,
    }
    first, again = await keiyaku(environment, "migrate"), await keiyaku(environment, "migrate")
    assert first.output.startswith("applied 0001_"), first.output
    assert again.output == "nothing to do\n"
    made = await keiyaku(environment, "ca", "init", *NAMES)
    assert made.exit_code == 0, made.output
    assert "Example Issuing 1" in made.output
    assert (await keiyaku(environment, "ca", "init", *NAMES)).exit_code == 1


async def test_a_database_that_is_not_there_is_told_in_one_line(postgres: EmbeddedPostgres) -> None:
    done = await keiyaku({"KEIYAKU_MIGRATE_DSN": postgres.dsn(database="no_such_database")}, "migrate")
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert "no_such_database" in line
