"""How contracts end: decided, or by time (Articles 11, 12, 13)."""

from datetime import datetime
from uuid import UUID

import msgspec

from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/endings")


class Idle(msgspec.Struct, frozen=True):
    """An accepted contract without a certificate (T12-8)."""

    id: UUID
    number: int
    accepted_at: datetime


class Pending(msgspec.Struct, frozen=True):
    """A contract whose last certificate is gone; it ends at `ends_at` unless another is issued (T12-3)."""

    contract_id: UUID
    number: int
    since: datetime
    ends_at: datetime


async def end(conn: Conn, contract_id: UUID, cause: str, now: datetime) -> bool:
    """Whether the contract ended by this; False when it was not running."""
    return await conn.fetchval(SQL["end"], contract_id, now, cause) is not None


async def record(
    conn: Conn, contract_id: UUID, cause: str, clause: str, asked_by: UUID | None, first: UUID | None,
    second: UUID | None, now: datetime,
) -> None:  # fmt: skip
    """Who asked for the end, or which two decided it."""
    await conn.execute(SQL["record"], contract_id, cause, clause, asked_by, first, second, now)


async def without_certificate(conn: Conn, accepted_before: datetime, after: int, most: int) -> list[Idle]:
    """Contracts that were never issued for; by number."""
    return many(Idle, await conn.fetch(SQL["without_certificate"], accepted_before, after, most))


async def perhaps_expired(conn: Conn, now: datetime, after: int, most: int) -> list[ContractKey]:
    """Running contracts whose term may be over; by number."""
    return many(ContractKey, await conn.fetch(SQL["perhaps_expired"], now, after, most))


async def live_certificates(conn: Conn, contract_id: UUID, now: datetime) -> list[datetime]:
    """notAfter of each certificate of the contract that is neither expired nor revoked."""
    return [row["not_after"] for row in await conn.fetch(SQL["live_certificates"], contract_id, now)]


async def reissues_pending(conn: Conn, most: int) -> list[Pending]:
    """Contracts that wait for a reissue, the nearest end first."""
    return many(Pending, await conn.fetch(SQL["reissues_pending"], most))


async def close_reissue(conn: Conn, contract_id: UUID, now: datetime) -> None:
    """It waits no more."""
    await conn.execute(SQL["close_reissue"], contract_id, now)


async def still_idle(conn: Conn, contract_id: UUID) -> datetime | None:
    """When the lapse of a contract that is still without a certificate was announced; None when it is used or ended."""
    announced: datetime | None = await conn.fetchval(SQL["still_idle"], contract_id)
    return announced
