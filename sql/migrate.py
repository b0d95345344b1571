"""Forward-only migrations: one transaction a file, checksums kept, one node at a time (design §3)."""

import hashlib
from datetime import datetime, timedelta
from importlib.resources import files

import asyncpg

from sql import Conn

LOCK = 7100
MONTHS_AHEAD = 3


class MigrationRefused(Exception):
    """The database and the files disagree; nothing was changed."""


def available() -> dict[int, tuple[str, str]]:
    """Migrations shipped with this program: version -> (file name, text)."""
    found: dict[int, tuple[str, str]] = {}
    for file in files("sql").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            version = int(file.name.split("_", 1)[0])
            if version in found:
                raise MigrationRefused(f"two migrations have number {version}: {found[version][0]}, {file.name}")
            found[version] = (file.name, file.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def outstanding(
    shipped: dict[int, tuple[str, str]], applied: dict[int, tuple[str, bytes]]
) -> list[tuple[int, str, str]]:
    """What is still to run, in order. Refuses edited, missing and out-of-order files."""
    for version, (name, sha256) in applied.items():
        if version not in shipped:
            raise MigrationRefused(f"the database has migration {name}, which this program lacks: use a newer program")
        if hashlib.sha256(shipped[version][1].encode()).digest() != sha256:
            raise MigrationRefused(f"migration {name} was edited after it was applied: restore the file")
    todo = [(version, *file) for version, file in shipped.items() if version not in applied]
    if todo and applied and todo[0][0] < max(applied):
        raise MigrationRefused(f"migration {todo[0][1]} comes before one already applied: give it a higher number")
    return todo


async def migrate(dsn: str) -> list[str]:
    """Every shipped migration is applied. Returns the names of those applied now. Safe on many nodes at once."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        return [await apply(conn, *step) for step in outstanding(available(), await applied_to(conn))]
    finally:
        await conn.close()


async def ensure_partitions(dsn: str, now: datetime, months: int = MONTHS_AHEAD) -> int:
    """Partitions exist so many months ahead, so that `keiyaku ca init` can write. Returns how many are new."""
    conn = await asyncpg.connect(dsn)
    try:
        return int(await conn.fetchval("SELECT keiyaku.ensure_partitions($1, $2)", now, months))
    finally:
        await conn.close()


async def applied_to(conn: Conn) -> dict[int, tuple[str, bytes]]:
    """Migrations the database has: version -> (name, SHA-256)."""
    if await conn.fetchval("SELECT to_regclass('keiyaku.migrations') IS NULL"):
        return {}
    rows = await conn.fetch("SELECT version, name, sha256 FROM keiyaku.migrations ORDER BY version")
    return {row["version"]: (row["name"], row["sha256"]) for row in rows}


async def apply(conn: Conn, version: int, name: str, text: str) -> str:
    """The migration and its record: both or neither."""
    async with conn.transaction():
        await conn.execute("SET LOCAL lock_timeout = '5s'")
        await conn.execute(text)
        await conn.execute(
            "INSERT INTO keiyaku.migrations (version, name, sha256) VALUES ($1, $2, $3)",
            version, name, hashlib.sha256(text.encode()).digest(),
        )  # fmt: skip
    return name


async def let_run_ahead(dsn: str, by: timedelta) -> None:
    """What the database does by date it does up to so long after its own clock, for a program whose clock is ahead."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("UPDATE keiyaku.clock SET ahead = $1", by)
    finally:
        await conn.close()
