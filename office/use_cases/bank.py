"""Which days the bank data covers: no invoice is overdue before its last day in time is among them (T8-6)."""

from datetime import date, datetime, timedelta

import msgspec

from contract_gate.articles.article_08_payment import bank_data_missing
from contract_gate.calendar import jst_date
from office.storage import bank, holidays
from office.storage.bank import BankAccount, Before
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, NoSuch, Unfit, checked_handle, checked_text
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

LONGEST = timedelta(days=366)


class Coverage(msgspec.Struct, frozen=True):
    """What an import did: new days, and both ends of the unbroken chain."""

    account: str
    days_added: int
    covered_from: date
    covered_through: date


async def open_account(
    conn: Conn, handle: str, first_day: date, source: str, now: datetime, despite_overdue: bool = False
) -> Coverage:
    """An account that invoices may be paid into; its chain begins with `first_day`. Raises Unfit.

    `despite_overdue`: unpaid invoices from before that day need not be overdue.
    """
    checked_handle(handle)
    checked_text("source", source)
    not_before_its_end(first_day, now)
    async with conn.transaction():
        made = await bank.insert_account(conn, handle, first_day, now)
        if made is None:
            raise Unfit(f"bank account '{handle}' exists already: add days to it with `keiyaku bank day`")
        older = await bank.before_coverage(conn, first_day, jst_date(now))
        if older.count and not despite_overdue:
            raise Unfit(ends_blocks(first_day, older))
        await bank.insert_days(conn, made, first_day, first_day, source, None, now)
        proof = entry(
            "bank.opened", OPERATOR, now, rule="T8-6", clause="A8.1", account=made, day=first_day, older=older.count
        )
        await append(conn, proof)
    return Coverage(handle, 1, first_day, first_day)


def ends_blocks(first_day: date, older: Before) -> str:
    """What an account from that day does to the invoices from before it, and what to do."""
    return (
        f"an account from {first_day} does not cover {older.count} unpaid invoice(s) past their due date, the oldest of"
        f" {older.oldest}: none would be overdue, and their contracts not blocked; open it from {older.oldest}, or with"
        " --despite-overdue (API: despite_overdue)"
    )


async def add_days(
    conn: Conn, handle: str, first: date, last: date, source: str, confirmed_by: str | None, now: datetime
) -> Coverage:
    """Days, both ends included, of a file or confirmed by hand; they join at either end, beyond a gap they wait.

    Raises Unfit.
    """
    checked_text("source", source)
    not_before_its_end(last, now)
    if not timedelta(0) <= last - first <= LONGEST:
        raise Unfit(f"from {first} to {last}: the last day must be the first or up to {LONGEST.days} days later")
    who = await asked.person(conn, confirmed_by) if confirmed_by else None
    async with conn.transaction():
        account = await bank.lock_account(conn, handle)
        if account is None:
            raise NoSuch(handle, f"there is no bank account '{handle}': open it with `keiyaku bank open`")
        added = await bank.insert_days(conn, account, first, last, source, who.id if who else None, now)
        chain = await bank.extend_coverage(conn, account)
        proof = entry(
            "bank.covered",
            asked.actor(who) if who else OPERATOR,
            now,
            rule="T8-6",
            clause="A8.1",
            account=account,
            first=first,
            last=last,
            since=chain.covered_from,
            through=chain.covered_through,
        )
        await append(conn, proof)
    return Coverage(handle, added, chain.covered_from, chain.covered_through)


def not_before_its_end(day: date, now: datetime) -> None:
    """Nothing, for a day that is over in Japan: the data of a running day is not whole. Raises Unfit."""
    if day >= jst_date(now):
        raise Unfit(f"{day} is not over in Japan: its bank data is not complete")


async def accounts(conn: Conn) -> list[BankAccount]:
    """Every account with what it covers."""
    return await bank.accounts(conn)


async def alarm(pool: Pool, now: datetime) -> bool:
    """Whether officers are told by this that bank data is missing: once for each day that it ends on (T8-6)."""
    async with pool.acquire() as conn, conn.transaction():
        through, today = await bank.hold_coverage(conn), jst_date(now)
        if through is None or through >= today:
            return False
        closed = frozenset(each.day for each in await holidays.between(conn, through, today))
        if not bank_data_missing(through, today, closed) or await bank.alarmed(conn, through):
            return False
        await notify(conn, "bank_data_missing", now, covered_through=through.isoformat())
        return True
