"""Credit invoices (適格返還請求書): two people take an amount off an invoice, or tax that a rate cut made too much."""

from datetime import datetime
from uuid import UUID

from contract_gate.calendar import DAY
from contract_gate.money import Rounding, tax_in_credit
from contract_gate.readings import rounding_of
from office.storage import credit_invoices as stored
from office.storage import money, money_books, readings
from office.storage.changing import changing
from office.storage.credit_invoices import Credit, CreditPaper, TaxCredit
from office.storage.money_books import Adjusted, Adjustment, Paper
from office.storage.people import Person
from office.use_cases import asked, invoices, papers, payments, unblocking
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text, id_of
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry


async def paper(conn: Conn, number: str) -> CreditPaper:
    """The credit invoice as it was made. Raises Unfit."""
    if found := await stored.paper(conn, number):
        return found
    raise NoSuch(number, f"there is no credit invoice '{number}': `keiyaku invoice credits` shows them")


async def page(conn: Conn, number: str) -> str:
    """The same as a page that prints well, in Japanese and English. Raises Unfit."""
    found = await paper(conn, number)
    lines = [{"rate": f"{found.basis_points / 100:g}", "base": found.base_yen, "tax": found.tax_yen}]
    return papers.page("credit.html", credit=found, lines=lines, last_day=found.period_end - DAY)


async def listed(conn: Conn, contract: str | None, before: str | None = None, most: int = MOST) -> list[Credit]:
    """Credit invoices of a contract, before that of a number; or the newest of all. Newest first. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await stored.credits(conn, key.id if key else None, most, before)


async def credit(
    conn: Conn, number: str, yen: int, rate: int, receipt: str | None, reason: str, first: str, second: str,
    now: datetime,
) -> Adjusted:  # fmt: skip
    """A credit invoice over `yen`, tax included, of the line at that rate and at most all of it, by two people.

    With a receipt the money is sent back out of what that receipt paid, in the same transaction. Raises Unfit.
    """
    found = await invoices.paper(conn, number)
    if rate not in found.rates:
        raise Unfit(f"invoice '{number}' has no line at {rate} basis points: choose {', '.join(map(str, found.rates))}")
    if not 0 < yen <= found.total_yen:
        raise Unfit(f"a credit is over 1 to {found.total_yen} yen, the invoice's total")
    one, two = await asked.two_persons(conn, first, second)
    why = checked_text("reason", reason)
    rounding = rounding_of(await readings.of_contract(conn, "money.rounding", found.contract_id, now))
    bill = await payments.invoice(conn, number)
    async with changing(conn, bill.contract_number):
        tax = await _tax_in(conn, found, yen, rate, rounding)
        taken = Adjustment("credit", yen, tax, rate, why, one.id, two.id)
        return await _take(conn, found, taken, receipt, one, two, now)


async def _tax_in(conn: Conn, found: Paper, yen: int, rate: int, rounding: Rounding) -> int:
    """The tax in a credit of the line at that rate, if so much is left; a difference is tax alone. Raises Unfit."""
    if found.kind == "difference":
        left = found.total_yen - (await stored.credited(conn, found.id, None)).yen
        tax = yen
    else:
        billed, gone = (
            zip(found.rates, found.bases, found.taxes, strict=True),
            await stored.credited(conn, found.id, rate),
        )
        base, line_tax = next((base, line_tax) for at, base, line_tax in billed if at == rate)
        left = base + line_tax - gone.yen
        tax = tax_in_credit(yen, rate, base - gone.yen + gone.tax_yen, line_tax - gone.tax_yen, rounding)
    if yen > left:
        raise Unfit(f"invoice '{found.number}' has {left} yen at {rate} basis points left to credit, tax included")
    return tax


async def credit_tax(
    conn: Conn, number: str, receipt: str | None, reason: str, first: str, second: str, now: datetime
) -> Adjusted:
    """What is proposed for a fee is credited, all of it tax, by two people; as `credit` else. T8-11. Raises Unfit."""
    found, why = await invoices.paper(conn, number), checked_text("reason", reason)
    one, two = await asked.two_persons(conn, first, second)
    bill = await payments.invoice(conn, number)
    async with changing(conn, bill.contract_number):
        proposed = await _proposed(conn, number)
        if await invoices.difference_now(conn, found.id, now) != -proposed.amount_yen:
            raise Unfit("the rates in force ask for another amount by now: the daily job finds which")
        yen = proposed.amount_yen
        taken = Adjustment("credit", yen, yen, proposed.basis_points, why, one.id, two.id)
        made = await _take(conn, found, taken, receipt, one, two, now)
        await stored.end(conn, proposed.id, "credited", made.id, one.id, two.id, now)
    return made


async def decline_tax(conn: Conn, number: str, reason: str, first: str, second: str, now: datetime) -> TaxCredit:
    """Two people leave the tax as it was billed; that amount is not proposed again. T8-11. Raises Unfit."""
    bill, why = await payments.invoice(conn, number), checked_text("reason", reason)
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        proposed = await _proposed(conn, number)
        if not await stored.end(conn, proposed.id, "declined", None, one.id, two.id, now):
            raise _none(number)
        proof = entry(
            "tax_credit.declined", asked.actor(one), now, contract_id=bill.contract_id, rule="T8-11", clause="A8.1",
            invoice=number, amount_yen=proposed.amount_yen, reason=why, second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return proposed


async def waiting(conn: Conn, after: UUID | None = None, most: int = MOST) -> list[TaxCredit]:
    """Tax above what the rates in force ask, that two people did not decide about, oldest first."""
    return await stored.tax_credits(conn, most, after)


async def _proposed(conn: Conn, number: str) -> TaxCredit:
    if found := await stored.tax_credit(conn, number):
        return found
    raise _none(number)


def _none(number: str) -> Unfit:
    return Unfit(f"no credit of tax is proposed for invoice '{number}': `keiyaku invoice tax-credits` shows them")


async def _take(
    conn: Conn, found: Paper, taken: Adjustment, receipt: str | None, one: Person, two: Person, now: datetime
) -> Adjusted:
    """The credit invoice and its notice; in the caller's transaction, which holds the contract. Raises Unfit."""
    receipt_id = id_of("receipt", receipt) if receipt else None
    if receipt_id:
        await money.hold_receipt(conn, receipt_id)
    if receipt_id and not await money_books.unmatch(conn, found.id, receipt_id, now):
        raise Unfit(f"receipt '{receipt}' pays nothing of invoice '{found.number}'")
    yen, before = taken.amount_yen, await unblocking.blocked(conn, [found.id], now)
    made = await money_books.adjust(conn, found.id, taken, now)
    if made is None:
        raise Unfit(f"invoice '{found.number}' is not open by {yen} yen: name the receipt that paid it with --refund")
    if receipt_id:
        await _send_back(conn, found.id, receipt_id, taken, made.id, now)
    else:
        await unblocking.tell(conn, before, {found.number: yen}, now)
    assert made.number is not None  # a credit takes the next of its series
    await notify(
        conn, "credit_invoice_issued", now, contract_id=found.contract_id, credit=made.number, invoice=found.number,
        total_yen=str(yen),
    )  # fmt: skip
    proof = entry(
        "invoice.credited", asked.actor(one), now, contract_id=found.contract_id, rule="T8-11", clause="A8.1",
        invoice=found.number, credit=made.number, amount_yen=yen, tax_yen=taken.tax_yen, receipt=receipt_id,
        second=asked.actor(two),
    )  # fmt: skip
    await append(conn, proof)
    return made


async def _send_back(
    conn: Conn, invoice_id: UUID, receipt: UUID, taken: Adjustment, adjustment: UUID, now: datetime
) -> None:
    yen, people = taken.amount_yen, (taken.first, taken.second)
    if not await money_books.refund(conn, receipt, yen, adjustment, taken.reason, *people, now):
        raise Unfit(f"receipt '{receipt}' does not hold {yen} yen")
    await money.match(conn, invoice_id, receipt, now)
