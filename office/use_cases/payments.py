"""Invoices and what pays them."""

import re
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.calendar import jst_date, next_month_end
from office.storage import money, tenants
from office.storage.changing import changing
from office.storage.money import Invoice, Receipt
from office.use_cases import asked, paid_late, unblocking
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

INVOICE_KINDS = ("fee", "difference")
GREATEST = 2_147_483_647
OURS = re.compile(r"[FDC][0-9]{8}")  # numbers of gate.next_number, without a gap
FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet computes begins so, full width too


def is_credit(number: str) -> bool:
    """Whether it is the number of a credit invoice."""
    return number.startswith("C") and OURS.fullmatch(number) is not None


class Bill(msgspec.Struct, frozen=True):
    """An invoice to record. No due date: the end of the month after its date (T8-2)."""

    number: str
    kind: str
    issued_on: date
    due_on: date | None
    total_yen: int


class Payment(msgspec.Struct, frozen=True):
    """Money that came in. `value_on` is the bank's value date (T8-5)."""

    amount_yen: int
    value_on: date
    remitter: str
    source: str


class Paid(msgspec.Struct, frozen=True):
    """What a receipt did for an invoice."""

    receipt: UUID
    matched_yen: int
    invoice: str
    open_yen: int


async def add_invoice(conn: Conn, contract: str, bill: Bill, now: datetime) -> Invoice:
    """An invoice of the contract, all of it open. Raises Unfit."""
    one_of("kind", bill.kind, INVOICE_KINDS)
    number, due_on = checked_text("number", bill.number, 64), bill.due_on or next_month_end(bill.issued_on)
    if OURS.fullmatch(number):
        raise Unfit(f"'{number}' is a number that the books give themselves: choose another")
    if number.startswith(FORMULAS):
        raise Unfit(f"'{number}' would be a formula where a spreadsheet reads the journal: begin it otherwise")
    if due_on < bill.issued_on:
        raise Unfit(f"the due date {due_on} lies before the date of the invoice {bill.issued_on}")
    if not 0 < bill.total_yen <= GREATEST:
        raise Unfit("an invoice is over 1 yen or more")
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        made = await money.insert_invoice(conn, key.id, number, bill.kind, bill.issued_on, due_on, bill.total_yen, now)
        if made is None:
            raise Unfit(f"invoice '{number}' exists already: choose another number")
        await append(
            conn,
            entry("invoice.issued", OPERATOR, now, contract_id=key.id, rule="T8-2", clause="A8.1", invoice=number),
        )
    return await invoice(conn, number)


async def invoice(conn: Conn, number: str) -> Invoice:
    """The invoice of that number. Raises Unfit."""
    if found := await money.invoice_of(conn, number):
        return found
    raise NoSuch(number, f"there is no invoice '{number}': `keiyaku invoice list` shows them")


async def listed(conn: Conn, contract: str | None, unpaid: bool) -> list[Invoice]:
    """Invoices of a contract, or of all, by due date. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await money.invoices(conn, key.id if key else None, unpaid, MOST)


async def record_payment(conn: Conn, number: str, payment: Payment, now: datetime, person: str | None = None) -> Paid:
    """Money came in for an invoice; when it pays it, its block ends in this transaction (T8-15). Raises Unfit.

    `person`: who books it by hand, whom evidence names; None: a program.
    """
    _fits(payment, now)
    bill, actor = await invoice(conn, number), await asked.acting(conn, person)
    async with changing(conn, bill.contract_number):
        receipt = await _received(conn, payment, now)
        return await matched(conn, bill, receipt, now, actor)


def _fits(payment: Payment, now: datetime) -> None:
    checked_text("remitter", payment.remitter, 200)
    checked_text("source", payment.source)
    if not 0 < payment.amount_yen <= GREATEST:
        raise Unfit("a receipt is over 1 yen or more")
    if payment.value_on > jst_date(now):
        raise Unfit(f"the value date {payment.value_on} is to come: money is booked once the bank has it")


async def _received(conn: Conn, payment: Payment, now: datetime) -> UUID:
    await money.hold_books(conn)
    return await money.insert_receipt(conn, payment.amount_yen, payment.value_on, payment.remitter, payment.source, now)


async def record_unexplained(conn: Conn, payment: Payment, now: datetime, person: str | None = None) -> UUID:
    """Money that nobody knows an invoice for yet (仮受金); `match` explains it later. T13-1. Raises Unfit."""
    _fits(payment, now)
    actor = await asked.acting(conn, person)
    async with conn.transaction():
        receipt = await _received(conn, payment, now)
        await append(conn, entry("payment.recorded", actor, now, rule="T8-5", clause="A8.1", receipt=receipt))
    return receipt


async def match(conn: Conn, receipt: str, number: str, now: datetime, person: str | None = None) -> Paid:
    """What is left of a receipt pays another invoice. Raises Unfit."""
    receipt_id, bill, actor = id_of("receipt", receipt), await invoice(conn, number), await asked.acting(conn, person)
    async with changing(conn, bill.contract_number):
        return await matched(conn, bill, receipt_id, now, actor)


async def matched(conn: Conn, bill: Invoice, receipt: UUID, now: datetime, actor: str) -> Paid:
    """The receipt pays the invoice as far as it can; within the transaction that holds the contract. Raises Unfit.

    A customer whose block this ends is told (T8-15); after a revocation for non-payment an officer is (A11.4.4).
    """
    await money.hold_receipt(conn, receipt)
    before = await unblocking.blocked(conn, [bill.id], now)
    yen = await money.match(conn, bill.id, receipt, now)
    if not yen:
        raise Unfit(
            f"nothing to match: the receipt is spent, cancelled or unknown, or invoice '{bill.number}' is paid, "
            "or written off: `keiyaku payment recover`"
        )
    proof = entry(
        "payment.matched",
        actor,
        now,
        contract_id=bill.contract_id,
        rule="T8-5",
        clause="A8.1",
        invoice=bill.number,
        receipt=receipt,
        amount_yen=yen,
    )
    await append(conn, proof)
    await unblocking.tell(conn, before, {bill.number: yen}, now)
    await paid_late.noticed(conn, [(bill.contract_id, receipt)], now)
    return Paid(receipt, yen, bill.number, (await invoice(conn, bill.number)).open_yen)


async def cancel(conn: Conn, receipt: str, now: datetime, person: str | None = None) -> None:
    """The bank took the money back (取消): what it paid is open again (T8-5). Raises Unfit."""
    receipt_id, actor = id_of("receipt", receipt), await asked.acting(conn, person)
    numbers = await money.contracts_of_receipt(conn, receipt_id)
    async with changing(conn, *numbers):
        await money.hold_receipt(conn, receipt_id)
        if await money.contracts_of_receipt(conn, receipt_id) != numbers:
            raise Unfit("the receipt was matched at this moment: try again")
        if not await money.cancel_receipt(conn, receipt_id, now):
            raise Unfit(f"there is no receipt '{receipt}' that counts: `keiyaku payment list` shows them")
        await append(conn, entry("payment.cancelled", actor, now, rule="T8-5", clause="A8.1", receipt=receipt_id))


async def receipts(conn: Conn) -> list[Receipt]:
    """Receipts, newest first."""
    return await tenants.receipts(conn, None, MOST)
