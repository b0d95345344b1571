"""Housekeeping statements: partitions."""

from collections.abc import Mapping
from datetime import datetime

from sql import Conn, Pool, statements

SQL = statements("acme_server/house")


async def ensure_partitions(conn: Conn | Pool, at: datetime, months: int) -> int:
    """Monthly partitions exist from `at` to `months` later. Returns how many were made."""
    made: int = await conn.fetchval(SQL["ensure_partitions"], at, months)
    return made


async def months_ahead(conn: Conn | Pool, at: datetime) -> int:
    """How many whole months after `at` every big table has a partition for."""
    ahead: int = await conn.fetchval(SQL["months_ahead"], at)
    return ahead


async def migrations(conn: Conn | Pool) -> Mapping[int, bytes]:
    """SHA-256 of each migration that the database has."""
    return {row["version"]: row["sha256"] for row in await conn.fetch(SQL["migrations"])}
