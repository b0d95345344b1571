"""The accountants' books: unexplained money, ageing, write-offs, earned fees, closed months, the journal."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.calendar import DAY, jst_date, next_month_end, period_end
from contract_gate.readings import of_invoice
from office.storage import money, money_books
from office.storage.changing import changing
from office.storage.money_books import Adjustment, Aged, Earning, Place, Posting, Suspense
from office.use_cases import asked, bad_debts, paid_late, payments, unblocking
from office.use_cases.asked import MOST, Unfit, as_uuid, checked_text, id_of
from office.use_cases.spreadsheets import rows_as_csv
from office.use_cases.tenants import day_after, instant, instant_after
from sql import Conn
from sql.evidence import append, entry

MOST_POSTINGS = 200_000
AT_ONCE = 10_000  # movements read by a statement
MOST_EARNINGS = 20_000
HEAD = ("date", "reference", "kind", "account", "debit_yen", "credit_yen", "recorded_at")


class Deferred(msgspec.Struct, frozen=True):
    """What of all fees is earned in a month, and what of those billed by its end is left to earn after it."""

    month: date
    earned_yen: int
    deferred_yen: int


async def suspense(conn: Conn, after: UUID | None = None, most: int = MOST) -> list[Suspense]:
    """Receipts with a rest that pays nothing (仮受金): overpaid, paid twice, or from an unknown remitter.

    A rest below 0 is owed to us: it was sent back before the bank took the receipt back (取消).
    """
    return await money_books.suspense(conn, most, after)


async def ageing(conn: Conn, today: date, after: str | None = None, most: int = MOST) -> list[Aged]:
    """Open invoices by days past their due date; those behind a number."""
    return await money_books.ageing(conn, today, most, after)


async def small_rests(conn: Conn, now: datetime) -> list[Aged]:
    """Overdue rests up to `payment.small_difference`: a person decides, nothing is revoked for them. T8-15."""
    found, after = await some_small(conn, now, None, MOST)
    while after is not None and len(found) < MOST:
        more, after = await some_small(conn, now, after, MOST)
        found += more
    return found[:MOST]


async def some_small(conn: Conn, now: datetime, after: str | None, most: int) -> tuple[list[Aged], str | None]:
    """Those of so many overdue invoices, and the number of the last looked at, if there are more."""
    aged = await ageing(conn, jst_date(now), after, most)
    late = [each for each in aged if each.days > 0]
    rows, made = await money_books.readings(conn, now), await money_books.made_at(conn, [each.number for each in late])
    small = [each for each in late if each.open_yen <= of_invoice(rows, made[each.number]).small_difference_yen]
    return small, aged[-1].number if len(late) == most else None


async def unmatch(conn: Conn, receipt: str, number: str, person: str, now: datetime) -> int:
    """The receipt does not pay this invoice after all: it is open again, the money unexplained. T8-5. Raises Unfit."""
    receipt_id, bill, who = (
        id_of("receipt", receipt),
        await payments.invoice(conn, number),
        await asked.person(conn, person),
    )
    async with changing(conn, bill.contract_number):
        yen = await money_books.unmatch(conn, bill.id, receipt_id, now)
        if not yen:
            raise Unfit(f"receipt '{receipt}' pays nothing of invoice '{number}'")
        proof = entry(
            "payment.unmatched", asked.actor(who), now, contract_id=bill.contract_id, rule="T8-5", clause="A8.1",
            invoice=number, receipt=receipt_id, amount_yen=yen,
        )  # fmt: skip
        await append(conn, proof)
    return yen


async def write_off(conn: Conn, number: str, kind: str, reason: str, first: str, second: str, now: datetime) -> int:
    """Two people give up the open rest: `write_off`, or `small_difference` up to its limit. T8-15. Raises Unfit."""
    asked.one_of("kind", kind, ("write_off", "small_difference"))
    one, two = await asked.two_persons(conn, first, second)
    found = await payments.invoice(conn, number)
    async with changing(conn, found.contract_number):
        rest = (await payments.invoice(conn, number)).open_yen
        made = (await money_books.made_at(conn, [number]))[number]
        limit = of_invoice(await money_books.readings(conn, now), made).small_difference_yen
        if rest == 0 or (kind == "small_difference" and rest > limit):
            raise Unfit(f"{rest} yen of invoice '{number}' are open; a small difference is 1 to {limit} yen")
        tax = await bad_debts.tax_written_off(conn, number, rest, now) if kind == "write_off" else 0
        taken = Adjustment(kind, rest, tax, None, checked_text("reason", reason), one.id, two.id)
        before = await unblocking.blocked(conn, [found.id], now)
        await money_books.adjust(conn, found.id, taken, now)
        await unblocking.tell(conn, before, {number: rest}, now)
        proof = entry(
            "invoice.written_off", asked.actor(one), now, contract_id=found.contract_id, rule="T8-15", clause="A8.1",
            invoice=number, what=kind, amount_yen=rest, tax_yen=tax, second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return rest


async def recover(
    conn: Conn, receipt: str, number: str, reason: str, first: str, second: str, now: datetime
) -> int:  # fmt: skip
    """A receipt pays what two people had written off (償却債権取立益): two people take that back, as far as it pays.

    Nobody was blocked for it; after a revocation for non-payment an officer is told (A11.4.4). T8-5. Raises Unfit.
    """
    receipt_id, why = id_of("receipt", receipt), checked_text("reason", reason)
    one, two = await asked.two_persons(conn, first, second)
    bill = await payments.invoice(conn, number)
    async with changing(conn, bill.contract_number):
        await money.hold_receipt(conn, receipt_id)
        if (await payments.invoice(conn, number)).open_yen:
            raise Unfit(f"invoice '{number}' is open: `keiyaku payment match` pays it")
        given_up = await money_books.given_up(conn, bill.id)
        yen = min(given_up.yen, await money_books.left_of(conn, receipt_id))
        if yen <= 0:
            raise Unfit(f"nothing of '{number}' is written off, or receipt '{receipt}' has nothing left or is unknown")
        tax = await bad_debts.tax_recovered(conn, bill.contract_id, yen, given_up, now)
        await money_books.recover(conn, bill.id, yen, tax, why, one.id, two.id, now)
        await money.match(conn, bill.id, receipt_id, now)
        proof = entry(
            "invoice.recovered", asked.actor(one), now, contract_id=bill.contract_id, rule="T8-5", clause="A8.1",
            invoice=number, receipt=receipt_id, amount_yen=yen, tax_yen=tax, second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
        await paid_late.noticed(conn, [(bill.contract_id, receipt_id)], now)
    return yen


async def refund(conn: Conn, receipt: str, yen: int, reason: str, first: str, second: str, now: datetime) -> int:
    """Two people send back what of a receipt pays nothing. Raises Unfit."""
    receipt_id = id_of("receipt", receipt)
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        await money.hold_receipt(conn, receipt_id)
        if yen <= 0 or not await money_books.refund(
            conn, receipt_id, yen, None, checked_text("reason", reason), one.id, two.id, now
        ):
            raise Unfit(f"receipt '{receipt}' has no {yen} yen left: `keiyaku ledger suspense` shows what there is")
        proof = entry(
            "payment.refunded", asked.actor(one), now, rule="T8-5", clause="A8.1", receipt=receipt_id, amount_yen=yen,
            second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return yen


async def state_default(conn: Conn, number: str, evidence: str, person: str, now: datetime) -> None:
    """The dealer states that the customer has not paid it: from now on it can block. T8-16. Raises Unfit."""
    bill, who = await payments.invoice(conn, number), await asked.person(conn, person)
    async with changing(conn, bill.contract_number):
        if not await money_books.state_default(conn, bill.id):
            raise Unfit(f"invoice '{number}' has no dealer, or the dealer's statement is recorded already")
        proof = entry(
            "invoice.default_stated", asked.actor(who), now, contract_id=bill.contract_id, rule="T8-16", clause="A8.4",
            invoice=number, evidence=checked_text("evidence", evidence),
        )  # fmt: skip
        await append(conn, proof)


async def claim(conn: Conn, contract: str, yen: int, evidence: str, person: str, now: datetime) -> None:
    """Damage above what A9.1 leaves with the CA is claimed by a person: kept as evidence, computed by nobody, in no
    invoice and no journal. T9-4 [A9.2]. Raises Unfit.
    """
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    if not 0 < yen < 10**15:
        raise Unfit(f"{yen} yen: a claim is over 1 yen or more, and less than 10 to the 15th")
    async with conn.transaction():
        proof = entry(
            "claim.recorded", asked.actor(who), now, contract_id=key.id, rule="T9-4", clause="A9.2", amount_yen=yen,
            evidence=checked_text("evidence", evidence),
        )  # fmt: skip
        await append(conn, proof)


async def close(conn: Conn, month: date, person: str, now: datetime) -> None:
    """Nothing is dated in that month any more; what comes later is dated in the month open then. Raises Unfit."""
    who = await asked.person(conn, person)
    if month.day != 1 or next_month_end(month - DAY) >= jst_date(now):
        raise Unfit(f"name the first day of a month that is over; {month} is none")
    async with conn.transaction():
        await money_books.take_books(conn)
        if not await money_books.no_import(conn):
            raise Unfit("a bank file is being booked at this moment: close the month after it")
        if not await money_books.close_month(conn, month, who.id, now):
            raise Unfit(f"{month:%Y-%m} is closed already")
        await append(conn, entry("books.closed", asked.actor(who), now, month=month))


async def journal(conn: Conn, first: date, last: date) -> list[Posting]:
    """Every movement of money dated in these days. Raises Unfit for more than can be shown at once."""
    return [each async for some in whole(conn, first, last, MOST_POSTINGS) for each in some]


async def whole(
    conn: Conn, first: date, last: date, most: int | None = None, cursor: str | None = None, at_once: int = AT_ONCE
) -> AsyncGenerator[list[Posting], None]:
    """The same as it stood at one moment, those behind a cursor, some at a time. Raises Unfit for more than `most`."""
    found = 0
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        some = await entered(conn, first, last, cursor, at_once)
        while some:
            found += len(some)
            if most is not None and found > most:
                raise Unfit(f"more than {most} movements: ask for fewer days, or for parts (API: limit)")
            yield some
            some = await money_books.journal(conn, last, at_once, some[-1].place)


async def entered(conn: Conn, first: date, last: date, cursor: str | None, most: int) -> list[Posting]:
    """Movements of these days by their days, those behind a cursor. Raises Unfit."""
    if last < first:
        raise Unfit(f"from {first} to {last}: the last day lies before the first")
    behind = place_of(cursor) if cursor is not None else None
    if behind is None or behind.posted_on < first:
        behind = money_books.before(first)
    return await money_books.journal(conn, last, most, behind)


def cursor_of(posting: Posting) -> str:
    """Its place in the journal, which never changes."""
    at = posting.place
    return "~".join((at.posted_on.isoformat(), instant(at.recorded_at), str(at.id), at.debit, at.credit))


def place_of(cursor: str) -> Place:
    """The place of a cursor. Raises Unfit."""
    match cursor.split("~"):
        case [day, recorded, row, debit, credit] if as_uuid(row) is not None:
            on, at = day_after(day), instant_after(recorded)
            assert on is not None  # of a text
            assert at is not None
            return Place(on, at, UUID(row), debit, credit)
    raise Unfit("the cursor is none of ours: give `next` of the page before")


def as_csv(postings: Sequence[Posting], *, head: bool = True) -> str:
    """Double entry: two lines a movement, so that the debits and the credits of the file are equal."""
    rows: list[tuple[object, ...]] = [HEAD] if head else []
    for posting in postings:
        what = (posting.posted_on, posting.reference, posting.kind)
        rows.append((*what, posting.debit, posting.yen, 0, posting.recorded_at.isoformat()))
        rows.append((*what, posting.credit, 0, posting.yen, posting.recorded_at.isoformat()))
    return rows_as_csv(rows)


async def deferred(conn: Conn) -> list[Deferred]:
    """What the fees billed up to now earn, month by month. Raises Unfit for more than can be added at once."""
    fees = await money_books.earning(conn, MOST_EARNINGS + 1)
    if len(fees) > MOST_EARNINGS:
        raise Unfit(f"more than {MOST_EARNINGS} months in which fees were billed or credited, and of terms")
    return schedule(fees)


def schedule(fees: Sequence[Earning]) -> list[Deferred]:
    """Each contract month's part is earned on its last day; the last takes the remainder. T8-9, T8-10.

    No part is dated before the fee was billed, or the credit made that takes it back: what is closed does not change.
    """
    earned: Counter[date] = Counter()
    billed: Counter[date] = Counter()
    for fee in fees:
        parts = [*[fee.part_yen] * (fee.term_months - 1), fee.last_yen]
        billed[fee.booked_in] += sum(parts)
        for number, yen in enumerate(parts, 1):
            last_day = period_end(fee.period_from, number) - DAY
            earned[max(last_day.replace(day=1), fee.booked_in)] += yen
    left, rows = 0, []
    for month in sorted({*earned, *billed}):
        left += billed[month] - earned[month]
        rows.append(Deferred(month, earned[month], left))
    return rows
