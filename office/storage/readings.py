"""Dated readings of the Terms (articles.md §0.3)."""

from datetime import datetime
from uuid import UUID

from contract_gate.readings import Reading
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/readings")


async def insert(conn: Conn, row: Reading, first: UUID, second: UUID) -> bool:
    """Whether the key had no value of its own from that very instant on."""
    return await conn.fetchval(SQL["insert"], row.key, row.effective_at, row.value, first, second) is not None


async def in_force(conn: Conn, now: datetime) -> list[Reading]:
    """The newest effective row of each key that has one."""
    return many(Reading, await conn.fetch(SQL["in_force"], now))


async def to_come(conn: Conn, now: datetime) -> list[Reading]:
    """Rows that are not effective yet, the next first."""
    return many(Reading, await conn.fetch(SQL["to_come"], now))
