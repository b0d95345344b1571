"""Which days the bank data covers (T8-6)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/bank")


class BankAccount(msgspec.Struct, frozen=True):
    """An account invoices are paid into. `waiting`: days imported beyond a gap."""

    handle: str
    covered_from: date
    covered_through: date
    waiting: int


class Chain(msgspec.Struct, frozen=True):
    """The first and the last day of an account's unbroken chain."""

    covered_from: date
    covered_through: date


class Before(msgspec.Struct, frozen=True):
    """Invoices with an open rest, past their due date and from before a day; the day of the oldest."""

    count: int
    oldest: date | None


async def insert_account(conn: Conn, handle: str, first_day: date, now: datetime) -> UUID | None:
    """The id of the new account, covered on its first day; None when the handle is taken."""
    account_id: UUID | None = await conn.fetchval(SQL["insert_account"], uuid7(now), handle, first_day)
    return account_id


async def lock_account(conn: Conn, handle: str) -> UUID | None:
    """The account's id, held until the transaction ends, so that its chain grows by one writer at a time."""
    account_id: UUID | None = await conn.fetchval(SQL["lock_account"], handle)
    return account_id


async def before_coverage(conn: Conn, first_day: date, today: date) -> Before:
    """What an account whose data begins on that day keeps from being overdue (T8-6)."""
    [found] = many(Before, await conn.fetch(SQL["before_coverage"], first_day, today))
    return found


async def insert_days(
    conn: Conn, account_id: UUID, first: date, last: date, source: str, confirmed_by: UUID | None, now: datetime
) -> int:
    """How many of the days, both ends included, were new."""
    added: int = await conn.fetchval(SQL["insert_days"], account_id, first, last, source, confirmed_by, now)
    return added


async def extend_coverage(conn: Conn, account_id: UUID) -> Chain:
    """The unbroken chain with the days that join it at either end; the account's row is held before."""
    [chain] = many(Chain, await conn.fetch(SQL["extend_coverage"], account_id))
    return chain


async def accounts(conn: Conn) -> list[BankAccount]:
    """Every account by handle."""
    return many(BankAccount, await conn.fetch(SQL["accounts"]))


async def hold_coverage(conn: Conn) -> date | None:
    """The last day that every account covers, which no import changes until the transaction ends; None: no account."""
    return min((row["covered_through"] for row in await conn.fetch(SQL["hold_coverage"])), default=None)


async def alarmed(conn: Conn, through: date) -> bool:
    """Whether officers were told that bank data is missing after that day."""
    return bool(await conn.fetchval(SQL["alarmed"], through.isoformat()))
