"""`python -m acme_server.dev.lay_down`, which `make` runs: the data folder that a first `keiyaku dev` copies."""

import asyncio
import sys
import tempfile
from pathlib import Path

import asyncpg

from acme_server.clock import utc_now
from acme_server.dev.pg_binaries import binaries
from acme_server.dev.postgres import EmbeddedPostgres, PostgresUnavailable
from acme_server.dev.prepare import MONTHS_AHEAD, create_database
from acme_server.dev.template import FOLDER, IDENTITY, place
from sql.migrate import MigrationRefused, ensure_partitions, migrate

NO_OLD_LOG = ("-c", "wal_recycle=off")  # else every copy has segments that it does not need


def lay_down(folder: Path) -> Path:
    """The template is there and complete; those of other binaries or migrations are not. Raises PostgresUnavailable."""
    path = place(binaries(folder)[0], folder)
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as name:
        server = EmbeddedPostgres(Path(name, "new"), settings=NO_OLD_LOG)
        try:
            server.start()
            asyncio.run(fill(server))
        finally:
            server.stop()
        for old in folder.glob("postgres-*"):
            old.rename(Path(name, old.name))  # away first: who copies it now is told
        server.data.rename(path)
    return path


async def fill(server: EmbeddedPostgres) -> None:
    """The database is there, and known to be nobody's cluster."""
    await create_database(server)
    await migrate(server.dsn())
    await ensure_partitions(server.dsn(), utc_now(), MONTHS_AHEAD)
    conn = await asyncpg.connect(server.dsn())
    try:
        await conn.execute("UPDATE keiyaku.cluster SET identity = $1", IDENTITY)
    finally:
        await conn.close()


def main() -> None:
    """The template of this installation is there, or why not is said: nothing depends on it."""
    try:
        lay_down(FOLDER)
    except (PostgresUnavailable, MigrationRefused, asyncpg.PostgresError, OSError) as fault:
        print(f"keiyaku: the first start will take longer: {fault}", file=sys.stderr)


if __name__ == "__main__":
    main()
