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
    closed_from: date | None


class Held(msgspec.Struct, frozen=True):
    """An account that no other transaction changes meanwhile."""

    id: UUID
    covered_through: date
    closed_from: date | None


class Naming(msgspec.Struct, frozen=True):
    """Who names an account: the issuer of invoices to come, so many open invoices and numbers of contracts.

    `others`: another account is open.
    """

    issuer: bool
    invoices: int
    numbers: int
    others: bool


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


async def lock_account(conn: Conn, handle: str) -> Held | None:
    """The account, held until the transaction ends, so that its chain grows by one writer at a time."""
    return one(Held, await conn.fetchrow(SQL["lock_account"], handle))


async def naming(conn: Conn, account_id: UUID, now: datetime) -> Naming:
    """Who names the account to be paid into."""
    [found] = many(Naming, await conn.fetch(SQL["naming"], account_id, now))
    return found


async def close_account(conn: Conn, account_id: UUID, closed_from: date, first: UUID, second: UUID) -> None:
    """From that day on its data is not awaited; the account is held, open, and its data ends before that day."""
    await conn.execute(SQL["close_account"], account_id, closed_from, first, second)


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
    """The last day that every account covers whose data is awaited, which no import changes until the transaction ends;
    None: of no account.
    """
    known = (row["awaited_after"] for row in await conn.fetch(SQL["hold_coverage"]))
    return min((day for day in known if day is not None), default=None)


async def alarmed(conn: Conn, through: date) -> bool:
    """Whether officers were told that bank data is missing after that day."""
    return bool(await conn.fetchval(SQL["alarmed"], through.isoformat()))
