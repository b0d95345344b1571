"""Dated readings of the Terms (articles.md §0.3)."""

from datetime import datetime
from uuid import UUID

from contract_gate.readings import Kept, Reading, as_of
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


async def of_contract(conn: Conn, key: str, contract_id: UUID, now: datetime) -> str | None:
    """The value that the contract keeps, of an application that of now; None: nobody had set it."""
    made_at: datetime | None = await conn.fetchval(SQL["accepted_at"], contract_id)
    return await _value(conn, key, as_of(key, Kept.CONTRACT, made_at, now))


async def of_neither(conn: Conn, key: str, now: datetime) -> str | None:
    """The value of a reading that no contract and no invoice keeps; None: nobody had set it."""
    return await _value(conn, key, as_of(key, Kept.NEITHER, None, now))


async def of_newest(conn: Conn, key: str, now: datetime) -> str | None:
    """The value of today, which a running contract does not keep: for what may spare it. None: nobody has set it."""
    return await _value(conn, key, now)


async def _value(conn: Conn, key: str, at: datetime) -> str | None:
    value: str | None = await conn.fetchval(SQL["value"], key, at)
    return value


async def values(conn: Conn, key: str, now: datetime) -> list[str]:
    """Every value that a key had by now: what running contracts may keep, beside the one adopted without a row."""
    return [row["value"] for row in await conn.fetch(SQL["values"], key, now)]
