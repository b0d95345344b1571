"""Which days the bank data covers (T8-6)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/bank")


class BankAccount(msgspec.Struct, frozen=True):
    """An account invoices are paid into. `waiting`: days imported beyond a gap."""

    handle: str
    covered_from: date
    covered_through: date
    waiting: int


class Locked(msgspec.Struct, frozen=True):
    """An account whose row this transaction holds."""

    id: UUID
    covered_through: date


async def insert_account(conn: Conn, handle: str, first_day: date, now: datetime) -> UUID | None:
    """The id of the new account, covered on its first day; None when the handle is taken."""
    account_id: UUID | None = await conn.fetchval(SQL["insert_account"], uuid7(now), handle, first_day)
    return account_id


async def lock_account(conn: Conn, handle: str) -> Locked | None:
    """The account, held until the transaction ends, so that its chain grows by one writer at a time."""
    return one(Locked, await conn.fetchrow(SQL["lock_account"], handle))


async def insert_days(
    conn: Conn, account_id: UUID, first: date, last: date, source: str, confirmed_by: UUID | None, now: datetime
) -> int:
    """How many of the days, both ends included, were new."""
    added: int = await conn.fetchval(SQL["insert_days"], account_id, first, last, source, confirmed_by, now)
    return added


async def extend_coverage(conn: Conn, account_id: UUID) -> date:
    """The last day of the unbroken chain."""
    through: date = await conn.fetchval(SQL["extend_coverage"], account_id)
    return through


async def accounts(conn: Conn) -> list[BankAccount]:
    """Every account by handle."""
    return many(BankAccount, await conn.fetch(SQL["accounts"]))


async def hold_coverage(conn: Conn) -> date | None:
    """The last day that every account covers, which no import changes until the transaction ends; None: no account."""
    return min((row["covered_through"] for row in await conn.fetch(SQL["hold_coverage"])), default=None)


async def alarmed(conn: Conn, through: date) -> bool:
    """Whether officers were told that bank data is missing after that day."""
    return bool(await conn.fetchval(SQL["alarmed"], through.isoformat()))
