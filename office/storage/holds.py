"""Holds (T3-4, T13-2), changes of certificate information (T6-4), and suspensions of the service (T10-1)."""

from datetime import datetime
from uuid import UUID

import msgspec

from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/holds")


class Hold(msgspec.Struct, frozen=True):
    """A live hold."""

    id: UUID
    contract: str
    kind: str
    status: str
    item: int | None
    reason: str
    set_by: str
    set_at: datetime


class Change(msgspec.Struct, frozen=True):
    """An unresolved change."""

    id: UUID
    item: str
    in_certificate: bool
    learned_at: datetime


class Suspension(msgspec.Struct, frozen=True):
    """A suspension that has not ended."""

    id: UUID
    clause: str
    cause: str
    starts_at: datetime
    ends_at: datetime | None
    set_by: str


async def insert_hold(
    conn: Conn, contract_id: UUID, kind: str, status: str, item: int | None, reason: str, set_by: UUID, now: datetime
) -> UUID:
    """The id of the new hold."""
    hold_id = uuid7(now)
    await conn.execute(SQL["insert_hold"], hold_id, contract_id, kind, status, item, reason, set_by, now)
    return hold_id


async def contract_of_hold(conn: Conn, hold_id: UUID) -> ContractKey | None:
    """The contract that is held."""
    return one(ContractKey, await conn.fetchrow(SQL["contract_of_hold"], hold_id))


async def suspect(conn: Conn, hold_id: UUID) -> bool:
    """Whether it was reported until now."""
    return await conn.fetchval(SQL["suspect"], hold_id) is not None


async def confirm(conn: Conn, hold_id: UUID, first: UUID, second: UUID, now: datetime) -> bool:
    """Whether it was neither confirmed nor lifted until now."""
    return await conn.fetchval(SQL["confirm"], hold_id, first, second, now) is not None


async def lift(conn: Conn, hold_id: UUID, first: UUID, second: UUID, now: datetime) -> bool:
    """Whether it was live until now."""
    return await conn.fetchval(SQL["lift"], hold_id, first, second, now) is not None


async def finding(conn: Conn, contract_id: UUID) -> bool:
    """Whether two people confirmed that the contract is held for anti-social forces (T13-2)."""
    return bool(await conn.fetchval(SQL["finding"], contract_id))


async def holds(conn: Conn, contract_id: UUID | None, most: int, after: UUID | None = None) -> list[Hold]:
    """Live holds of a contract, or of all; oldest first, at most so many."""
    return many(Hold, await conn.fetch(SQL["holds"], contract_id, most, after))


async def insert_change(conn: Conn, contract_id: UUID, item: str, in_certificate: bool, now: datetime) -> UUID:
    """The id of the new change; the CA knows of it from now (T11-9)."""
    change_id = uuid7(now)
    await conn.execute(SQL["insert_change"], change_id, contract_id, item, in_certificate, now)
    return change_id


async def contract_of_change(conn: Conn, change_id: UUID) -> ContractKey | None:
    """The contract whose information changed."""
    return one(ContractKey, await conn.fetchrow(SQL["contract_of_change"], change_id))


async def resolve_change(conn: Conn, change_id: UUID, now: datetime) -> bool:
    """Whether it was open until now."""
    return await conn.fetchval(SQL["resolve_change"], change_id, now) is not None


async def changes(conn: Conn, contract_id: UUID) -> list[Change]:
    """Unresolved changes of the contract."""
    return many(Change, await conn.fetch(SQL["changes"], contract_id))


async def insert_suspension(
    conn: Conn,
    clause: str,
    cause: str,
    starts_at: datetime,
    ends_at: datetime | None,
    set_by: UUID,
    now: datetime,
) -> UUID:
    """The id of the new suspension."""
    suspension_id = uuid7(now)
    await conn.execute(SQL["insert_suspension"], suspension_id, clause, cause, starts_at, ends_at, set_by)
    return suspension_id


async def end_suspension(conn: Conn, suspension_id: UUID, now: datetime) -> bool:
    """Whether it lasted until now."""
    return await conn.fetchval(SQL["end_suspension"], suspension_id, now) is not None


async def suspensions(conn: Conn, now: datetime) -> list[Suspension]:
    """Suspensions that have not ended, planned ones included."""
    return many(Suspension, await conn.fetch(SQL["suspensions"], now))
