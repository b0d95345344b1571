"""Timers of customers that were let run longer because of a suspension (T10-3)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/timers")


class Extension(msgspec.Struct, frozen=True):
    """A timer of a contract that runs until then, because of which suspension, and who decided it."""

    id: UUID
    contract: str
    timer: str
    until: datetime
    suspension_id: UUID
    reason: str
    extended_by: str
    extended_at: datetime


async def suspended_from(conn: Conn, suspension_id: UUID) -> datetime | None:
    """When that suspension began; None for none."""
    at: datetime | None = await conn.fetchval(SQL["suspension"], suspension_id)
    return at


async def extend(
    conn: Conn, suspension_id: UUID, contract_id: UUID, timer: str, until: datetime, reason: str, person: UUID,
    now: datetime,
) -> None:  # fmt: skip
    """The record of an extension."""
    await conn.execute(SQL["extend"], uuid7(now), suspension_id, contract_id, timer, until, reason, person, now)


async def extend_reissue(conn: Conn, contract_id: UUID, until: datetime) -> bool:
    """Whether the contract waits for a reissue, and longer than before."""
    return await conn.fetchval(SQL["reissue"], contract_id, until) is not None


async def lapse_until(conn: Conn, contract_id: UUID) -> datetime | None:
    """Until when the lapse is put off."""
    until: datetime | None = await conn.fetchval(SQL["lapse_until"], contract_id)
    return until


async def extensions(conn: Conn, contract_id: UUID | None, most: int, after: UUID | None = None) -> list[Extension]:
    """Those of a contract, after one of them, or all; newest first."""
    if contract_id is None:
        return many(Extension, await conn.fetch(SQL["extensions"], most))
    return many(Extension, await conn.fetch(SQL["extensions_of"], contract_id, most, after))
