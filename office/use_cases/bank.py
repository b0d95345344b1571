"""Which days the bank data covers: no invoice is overdue before its last day in time is among them (T8-6)."""

from datetime import date, datetime, timedelta

import msgspec

from contract_gate.articles.article_08_payment import bank_data_missing
from contract_gate.calendar import jst_date
from office.storage import bank, holidays
from office.storage.bank import BankAccount
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, NoSuch, Unfit, checked_handle, checked_text
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

LONGEST = timedelta(days=366)


class Coverage(msgspec.Struct, frozen=True):
    """What an import did: new days, and the last day of the unbroken chain."""

    account: str
    days_added: int
    covered_through: date


async def open_account(conn: Conn, handle: str, first_day: date, source: str, now: datetime) -> Coverage:
    """An account that invoices may be paid into; its chain begins with `first_day`. Raises Unfit."""
    checked_handle(handle)
    checked_text("source", source)
    not_before_its_end(first_day, now)
    async with conn.transaction():
        made = await bank.insert_account(conn, handle, first_day, now)
        if made is None:
            raise Unfit(f"bank account '{handle}' exists already: add days to it with `keiyaku bank day`")
        await bank.insert_days(conn, made, first_day, first_day, source, None, now)
        await append(conn, entry("bank.opened", OPERATOR, now, rule="T8-6", clause="A8.1", account=made, day=first_day))
    return Coverage(handle, 1, first_day)


async def add_days(
    conn: Conn, handle: str, first: date, last: date, source: str, confirmed_by: str | None, now: datetime
) -> Coverage:
    """Days, both ends included, of a file or confirmed by hand; beyond a gap they wait. Raises Unfit."""
    checked_text("source", source)
    not_before_its_end(last, now)
    if not timedelta(0) <= last - first <= LONGEST:
        raise Unfit(f"from {first} to {last}: the last day must be the first or up to {LONGEST.days} days later")
    who = await asked.person(conn, confirmed_by) if confirmed_by else None
    async with conn.transaction():
        account = await bank.lock_account(conn, handle)
        if account is None:
            raise NoSuch(handle, f"there is no bank account '{handle}': open it with `keiyaku bank open`")
        added = await bank.insert_days(conn, account.id, first, last, source, who.id if who else None, now)
        through = await bank.extend_coverage(conn, account.id)
        proof = entry(
            "bank.covered",
            asked.actor(who) if who else OPERATOR,
            now,
            rule="T8-6",
            clause="A8.1",
            account=account.id,
            first=first,
            last=last,
            through=through,
        )
        await append(conn, proof)
    return Coverage(handle, added, through)


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
