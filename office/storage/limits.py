"""Limits of a contract that differ from the settings'."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/limits")


class Override(msgspec.Struct, frozen=True):
    """A number for a contract from an instant on; None: as the settings say, 0: no limit."""

    id: UUID
    name: str
    number: int | None
    starts_at: datetime
    reason: str
    set_by: str
    created_at: datetime


async def insert_override(
    conn: Conn, contract_id: UUID, name: str, number: int | None, starts_at: datetime, reason: str, set_by: UUID,
    now: datetime,
) -> None:  # fmt: skip
    """The number counts from `starts_at` on."""
    await conn.execute(SQL["insert_override"], uuid7(now), contract_id, name, number, starts_at, reason, set_by, now)


async def overrides(conn: Conn, contract_id: UUID, most: int, after: UUID | None) -> list[Override]:
    """Numbers of the contract, newest first; those behind one."""
    return many(Override, await conn.fetch(SQL["overrides"], contract_id, most, after))
