"""Which days the bank data covers: no invoice is overdue before its last day in time is among them (T8-6)."""

from datetime import date, datetime, timedelta

import msgspec

from contract_gate.articles.article_08_payment import bank_data_missing
from contract_gate.calendar import jst_date
from office.storage import bank, holidays
from office.storage.bank import BankAccount, Before, Held, Naming
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, NoSuch, Unfit, checked_handle, checked_text
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

LONGEST = timedelta(days=366)


class Closed(msgspec.Struct, frozen=True):
    """An account that closes, up to which day its data is known, and what names it still."""

    account: str
    closed_from: date
    covered_through: date
    open_invoices: int
    virtual_accounts: int


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
        held = await held_account(conn, handle)
        if held.closed_from is not None and last >= held.closed_from:
            raise Unfit(f"bank account '{handle}' is closed from {held.closed_from}: no day from then on is awaited")
        account = held.id
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


async def held_account(conn: Conn, handle: str) -> Held:
    """The account, held until the transaction ends. Raises NoSuch."""
    if held := await bank.lock_account(conn, handle):
        return held
    raise NoSuch(handle, f"there is no bank account '{handle}': open it with `keiyaku bank open`")


async def close_account(
    conn: Conn, handle: str, closed_from: date, reason: str, first: str, second: str, now: datetime,
    though_named: bool = False,
) -> Closed:  # fmt: skip
    """Two people close an account: no day from that one on is awaited, all before it are (T8-6). Raises Unfit.

    What is due later is overdue by the data of the other accounts alone. `though_named`: open invoices and numbers of
    contracts may name it still.
    """
    why, (one, two) = checked_text("reason", reason), await asked.two_persons(conn, first, second)
    async with conn.transaction():
        await bank.hold_coverage(conn)  # of two accounts that close at one time the second knows of the first
        held = await held_account(conn, handle)
        naming = await bank.naming(conn, held.id, now)
        if fault := not_to_close(handle, held, naming, closed_from, jst_date(now), though_named):
            raise Unfit(fault)
        await bank.close_account(conn, held.id, closed_from, one.id, two.id)
        proof = entry(
            "bank.closed", asked.actor(one), now, rule="T8-6", clause="A8.1", account=held.id, day=closed_from,
            through=held.covered_through, invoices=naming.invoices, numbers=naming.numbers, reason=why,
            second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return Closed(handle, closed_from, held.covered_through, naming.invoices, naming.numbers)


def not_to_close(
    handle: str, held: Held, naming: Naming, closed_from: date, today: date, though_named: bool
) -> str | None:  # fmt: skip
    """Why the account cannot be closed from that day on, and what to do; None: it can be."""
    if held.closed_from is not None:
        return f"bank account '{handle}' is closed from {held.closed_from} already"
    if not held.covered_through < closed_from <= today + LONGEST:
        return (
            f"bank account '{handle}' is covered through {held.covered_through}: it is closed from a later day, up to"
            f" {LONGEST.days} days ahead"
        )
    if not naming.others:
        return (
            f"bank account '{handle}' is the only one that is open: without one nothing is overdue; open another first"
        )
    if naming.issuer:
        return f"invoices to come name '{handle}' to be paid into: `keiyaku invoice seller` names another account"
    if not though_named and (naming.invoices or naming.numbers):
        return (
            f"{naming.invoices} open invoice(s) and {naming.numbers} virtual account(s) of contracts name '{handle}':"
            " tell who pays there, then close it with --though-named (API: though_named)"
        )
    return None


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
