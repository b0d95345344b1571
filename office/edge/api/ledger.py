"""The accountants' books as listings, and invoices recorded by hand. Articles 8 and 9."""

import asyncio
from contextlib import aclosing
from datetime import date
from typing import Annotated, Literal

import msgspec

from contract_gate.calendar import jst_date
from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Cursored, Operation, Paged, Yen, answer, created
from office.edge.api.roles import CA, OFFICERS
from office.use_cases import ledger, payments, tenants
from office.use_cases.idempotency import Answer

MOST_AT_ONCE = 200_000  # movements of one file: 40 MB


class NewInvoice(Body, frozen=True, forbid_unknown_fields=True):
    """T8-2. Due at the end of the month after its date, unless given."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    total_yen: Yen
    issued_on: date
    due_on: date | None = None
    kind: Literal["fee", "difference"] = "fee"


class OnDay(Paged, frozen=True, forbid_unknown_fields=True):
    """Today, unless given."""

    on: date | None = None


class Months(Paged, frozen=True, forbid_unknown_fields=True):
    """By any day of them; all, unless given."""

    first: date | None = None
    last: date | None = None


class Days(Cursored, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Both included. `limit`: movements of a part; all in one file, unless given."""

    first: date
    last: date
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_AT_ONCE)] | None = None


class PagedDays(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Both included."""

    first: date
    last: date


async def record(call: Call) -> Answer:
    """An invoice that was made elsewhere; it can block the contract."""
    new: NewInvoice = call.body
    bill = payments.Bill(new.number, new.kind, new.issued_on, new.due_on, new.total_yen)
    return created(await payments.add_invoice(call.conn, await the_contract(call), bill, call.now))


async def list_suspense(call: Call) -> Answer:
    """A page of receipts with a rest that pays nothing (仮受金), oldest first."""
    query: Paged = call.query
    rows = await ledger.suspense(call.conn, tenants.id_after(query.cursor), query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def list_ageing(call: Call) -> Answer:
    """A page of open invoices by days past their due date, the longest due first."""
    query: OnDay = call.query
    rows = await ledger.ageing(call.conn, query.on or jst_date(call.now), query.cursor, query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.number))


async def list_small(call: Call) -> Answer:
    """Overdue rests up to the small difference (T8-15); a page looks at so many overdue invoices."""
    found, last = await ledger.some_small(call.conn, call.now, call.query.cursor, call.query.limit)
    return answer(tenants.Page(found, last))


async def list_deferred(call: Call) -> Answer:
    """A page of months: what the fees earn in each, and what is left to earn."""
    query: Months = call.query
    after, months = tenants.day_after(query.cursor), await ledger.deferred(call.conn)
    first, last = (each and each.replace(day=1) for each in (query.first, query.last))
    rows = [
        each for each in months
        if (after or date.min) < each.month and (first or date.min) <= each.month <= (last or date.max)
    ]  # fmt: skip
    return answer(tenants.page(rows, query.limit, lambda each: each.month))


async def list_journal(call: Call) -> Answer:
    """A page of movements of money, dated in these days."""
    query: PagedDays = call.query
    rows = await ledger.entered(call.conn, query.first, query.last, query.cursor, query.limit + 1)
    return answer(tenants.page(rows, query.limit, ledger.cursor_of))


async def show_journal(call: Call) -> Answer:
    """All of them as CSV of double entry, if they are not too many for one file; or part by part, the first headed.

    No part holds a connection while its reader reads: each is a call of its own.
    """
    query: Days = call.query
    most = None if query.limit else MOST_AT_ONCE
    parts = [] if query.cursor else [ledger.as_csv([]).encode()]
    left, after = query.limit or MOST_AT_ONCE, None
    found = ledger.whole(call.conn, query.first, query.last, most, query.cursor)
    async with aclosing(found) as journal:
        async for some in journal:
            if not left:
                return Answer(200, b"".join(parts), "text/csv", after)
            kept = some[:left]
            parts.append((await asyncio.to_thread(ledger.as_csv, kept, head=False)).encode())
            left, after = left - len(kept), ledger.cursor_of(kept[-1])
            if len(kept) < len(some):
                return Answer(200, b"".join(parts), "text/csv", after)
    return Answer(200, b"".join(parts), "text/csv")


OPERATIONS = (
    Operation("recordInvoice", "POST", OF + "/invoices", OFFICERS, record, body=NewInvoice, person=True, once=True),
    Operation("listSuspense", "GET", "/books/suspense", CA, list_suspense, query=Paged, withheld=("remitter",)),
    Operation("listAgeing", "GET", "/books/ageing", CA, list_ageing, query=OnDay, withheld=("customer",)),
    Operation("listSmallRests", "GET", "/books/small-rests", CA, list_small, query=Paged, withheld=("customer",)),
    Operation("listDeferred", "GET", "/books/deferred", CA, list_deferred, query=Months),
    Operation("listJournal", "GET", "/books/journal", CA, list_journal, query=PagedDays),
    Operation("showJournal", "GET", "/books/journal.csv", CA, show_journal, query=Days),
)
