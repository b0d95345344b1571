"""Papers of invoices: who issues them, how they read, difference bills and credit invoices."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from contract_gate.articles.article_08_payment import FeeBill, Term, difference, difference_due, fee_bill
from contract_gate.calendar import DAY, jst_date
from contract_gate.money import WHOLE, TaxRate, divided
from contract_gate.readings import Reading, adopted
from contract_gate.registration import of_corporation, well_formed
from office.storage import money, money_books
from office.storage.changing import changing
from office.storage.money_books import Adjusted, Adjustment, FeePaper, Paper
from office.use_cases import asked, payments
from office.use_cases.asked import Unfit, checked_text, id_of
from sql import Conn, Pool
from sql.evidence import append, entry

PAGE = 500
TEMPLATES = Environment(loader=PackageLoader("office"), autoescape=True, undefined=StrictUndefined)


class Seller(msgspec.Struct, frozen=True):
    """Who issues invoices; `of_corporation` false: the number is no corporate number, which is worth a second look."""

    name: str
    registration_number: str
    of_corporation: bool


class Corrected(msgspec.Struct, frozen=True):
    """What a sweep over the fees found: a difference above 0 was invoiced, one below 0 waits for a person."""

    contract: str
    original: str
    difference_yen: int
    invoice: str | None


async def set_seller(conn: Conn, name: str, address: str, number: str, person: str, now: datetime) -> Seller:
    """Invoices made from now on name this issuer. Raises Unfit."""
    if not well_formed(number):
        raise Unfit(f"'{number}' is no registration number: write T and 13 digits, the first not 0")
    who = await asked.person(conn, person)
    async with conn.transaction():
        checked_text("name", name), checked_text("address", address)
        if not await money_books.insert_seller(conn, name, address, number, who.id, now):
            raise Unfit("another issuer was set at this instant: try again")
        await append(
            conn, entry("invoice.seller_set", asked.actor(who), now, rule="T8-3", clause="A8.1", number=number)
        )
    return Seller(name, number, of_corporation(number))


async def add_rate(conn: Conn, rate: TaxRate, person: str, now: datetime) -> TaxRate:
    """A tax rate that takes effect on a coming day. T8-8. Raises Unfit."""
    who = await asked.person(conn, person)
    if not 0 <= rate.basis_points <= WHOLE:
        raise Unfit("a rate is 0 to 10000 basis points: 1000 is 10 %")
    if rate.effective_on <= jst_date(now):
        raise Unfit(f"a rate is added before it takes effect; {rate.effective_on} is not to come")
    async with conn.transaction():
        if not await money_books.insert_rate(conn, rate):
            raise Unfit(f"{rate.effective_on} has a rate already: `keiyaku invoice rates` shows them")
        proof = entry(
            "tax_rate.added", asked.actor(who), now, rule="T8-8", clause="A8.1", effective_on=rate.effective_on,
            basis_points=rate.basis_points,
        )  # fmt: skip
        await append(conn, proof)
    return rate


async def rates(conn: Conn) -> list[TaxRate]:
    """Every tax rate, by its first day."""
    return await money_books.rates(conn)


async def paper(conn: Conn, number: str) -> Paper:
    """The invoice as it was made. Raises Unfit."""
    if found := await money_books.paper(conn, number):
        return found
    bill = await payments.invoice(conn, number)
    raise Unfit(f"invoice '{bill.number}' was recorded by hand and has no paper here")


async def page(conn: Conn, number: str) -> str:
    """The same as a page that prints well, in Japanese and English. Raises Unfit."""
    found = await paper(conn, number)
    lines = [
        {"rate": f"{rate / 100:g}", "months": months, "base": base, "tax": tax}
        for rate, months, base, tax in zip(found.rates, found.months, found.bases, found.taxes, strict=True)
    ]
    last_day = found.period_end - DAY
    return TEMPLATES.get_template("invoice.html").render(invoice=found, lines=lines, last_day=last_day)


async def credit(
    conn: Conn,
    number: str,
    yen: int,
    rate: int,
    receipt: str | None,
    reason: str,
    first: str,
    second: str,
    now: datetime,
) -> Adjusted:
    """A credit invoice (適格返還請求書) over `yen`, tax included, by two people.

    With a receipt the money is sent back out of what that receipt paid, in the same transaction. Raises Unfit.
    """
    found = await paper(conn, number)
    if rate not in found.rates:
        raise Unfit(f"invoice '{number}' has no line at {rate} basis points: choose {', '.join(map(str, found.rates))}")
    one, two = await asked.two_persons(conn, first, second)
    frozen = adopted(await money_books.readings(conn, now), found.created_at)
    tax = divided(yen * rate, WHOLE + rate, frozen.rounding)
    taken = Adjustment("credit", yen, tax, rate, checked_text("reason", reason), one.id, two.id)
    bill = await payments.invoice(conn, number)
    async with changing(conn, bill.contract_number):
        receipt_id = id_of("receipt", receipt) if receipt else None
        if receipt_id and not await money_books.unmatch(conn, found.id, receipt_id, now):
            raise Unfit(f"receipt '{receipt}' pays nothing of invoice '{number}'")
        made = await money_books.adjust(conn, found.id, taken, now)
        if made is None:
            raise Unfit(f"invoice '{number}' is not open by {yen} yen: name the receipt that paid it with --refund")
        if receipt_id:
            if not await money_books.refund(conn, receipt_id, yen, made.id, reason, one.id, two.id, now):
                raise Unfit(f"receipt '{receipt}' does not hold {yen} yen")
            await money.match(conn, found.id, receipt_id, now)
        proof = entry(
            "invoice.credited", asked.actor(one), now, contract_id=found.contract_id, rule="T8-11", clause="A8.1",
            invoice=number, credit=made.number, amount_yen=yen, tax_yen=tax, second=two.id,
        )  # fmt: skip
        await append(conn, proof)
    return made


async def claim_differences(pool: Pool, now: datetime) -> list[Corrected]:
    """Every fee whose months take other rates than were billed gets its corrected invoice. T8-11, R-27.

    By pages; only terms that go on past the newest rate's first day are looked at. Twice is once: what was claimed
    counts as billed.
    """
    async with pool.acquire() as conn:
        known, read = await money_books.rates(conn), await money_books.readings(conn, now)
        started = [rate.effective_on for rate in known if rate.effective_on <= jst_date(now)]
        made: list[Corrected] = []
        after = None
        while papers := await money_books.fee_papers(conn, after, PAGE, max(started)):
            for fee in papers:
                if corrected := await claimed(conn, fee, known, read, now):
                    made.append(corrected)
            after = papers[-1].id
    return made


async def claimed(
    conn: Conn, fee: FeePaper, known: list[TaxRate], read: list[Reading], now: datetime
) -> Corrected | None:
    """The corrected invoice of one fee, or the proposal of a credit; None when the right tax was billed."""
    frozen = adopted(read, fee.accepted_at)
    bill = fee_bill(fee.fee_yen, jst_date(now), Term(fee.period_from, fee.term_months), known, frozen)
    async with changing(conn, fee.contract_number):
        owed = difference(bill.lines, await billed_tax(conn, fee)).difference_yen
        if owed == 0:
            return None
        if owed < 0:
            return Corrected(fee.contract, fee.number, owed, None)
        claim = msgspec.structs.replace(bill, due_on=difference_due(bill.issued_on, frozen))
        return Corrected(fee.contract, fee.number, owed, await issued(conn, fee, claim, now))


async def billed_tax(conn: Conn, fee: FeePaper) -> int:
    """The tax billed up to now, read under the contract's lock: another node may have claimed it a moment ago."""
    (again,) = await money_books.fee_papers(conn, UUID(int=fee.id.int - 1), 1, date.min)
    return again.billed_tax_yen


async def issued(conn: Conn, fee: FeePaper, claim: FeeBill, now: datetime) -> str:
    """The number of the corrected invoice, in the caller's transaction, with notice and evidence."""
    return await money_books.issue_difference(conn, fee.contract_id, fee.number, claim, now)
