"""Papers of invoices: who issues them, how they read, difference bills."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_08_payment import Difference, FeeBill, difference, difference_due
from contract_gate.calendar import DAY, jst_date
from contract_gate.money import TaxRate
from contract_gate.readings import Reading, of_contract
from office.storage import credit_invoices, money_books, tax_rates
from office.storage.changing import changing
from office.storage.money_books import FeePaper, Paper
from office.storage.sellers import KINDS
from office.use_cases import papers, payments
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from sql.evidence import append, entry

PAGE = 500
BILLING = "process:billing"


class Corrected(msgspec.Struct, frozen=True):
    """What a sweep over the fees found: a difference above 0 was invoiced, one below 0 waits for two people."""

    contract: str
    original: str
    difference_yen: int
    invoice: str | None


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
    return papers.page(
        "invoice.html", invoice=found, lines=lines, last_day=found.period_end - DAY, kinds=KINDS,
        billed_before=sum(found.bases) + sum(found.taxes) - found.total_yen,
    )  # fmt: skip


async def claim_differences(pool: Pool, now: datetime) -> list[Corrected]:
    """Every fee whose months take other rates than were billed gets its corrected invoice. T8-11, R-27.

    By pages; only terms that go on past the newest rate's first day are looked at. Twice is once: what was claimed
    counts as billed.
    """
    async with pool.acquire() as conn:
        known, read = await tax_rates.rates(conn), await money_books.readings(conn, now)
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
    """The corrected invoice of one fee, or a new proposal of a credit; None when the right tax was billed."""
    if difference_of(fee, known, read).difference_yen == 0 and fee.proposed_yen is None:
        return None
    async with changing(conn, fee.contract_number):
        again = await fee_paper(conn, fee.id)
        found = difference_of(again, await tax_rates.held(conn), read)
        owed = found.difference_yen
        if owed < 0:
            proposed = not declined(again, found) and await propose_credit(conn, again, found, now)
            return Corrected(fee.contract, fee.number, owed, None) if proposed else None
        if again.proposed_yen is not None:
            await credit_invoices.overtake(conn, fee.id, now)
        if owed == 0:
            return None
        today, by = jst_date(now), of_contract(read, fee.accepted_at, fee.accepted_at)
        due_on = difference_due(today, by)
        claim = FeeBill(today, due_on, fee.period_from, fee.period_end, found.lines, owed)
        return Corrected(fee.contract, fee.number, owed, await issued(conn, fee, claim, now))


def difference_of(fee: FeePaper, known: list[TaxRate], read: list[Reading]) -> Difference:
    """What the rates known now ask of what is left of the fee above what was billed; below 0: that much less. T8-11."""
    return difference(fee.left, fee.period_from, known, of_contract(read, fee.accepted_at, fee.accepted_at))


def declined(fee: FeePaper, found: Difference) -> bool:
    """Whether two people left the tax as it was billed, by these very rates."""
    right = [(line.basis_points, line.months) for line in found.lines]
    return right == list(zip(fee.declined_rates or (), fee.declined_months or (), strict=True))


async def fee_paper(conn: Conn, invoice_id: UUID) -> FeePaper:
    """The fee as billed up to now, read under the contract's lock: another node may have claimed it a moment ago."""
    (again,) = await money_books.fee_papers(conn, UUID(int=invoice_id.int - 1), 1, date.min)
    return again


async def difference_now(conn: Conn, invoice_id: UUID, now: datetime) -> int:
    """What the rates, held, ask of a fee above what was billed; below 0: that much less. T8-11."""
    fee = await fee_paper(conn, invoice_id)
    return difference_of(fee, await tax_rates.held(conn), await money_books.readings(conn, now)).difference_yen


async def propose_credit(conn: Conn, fee: FeePaper, found: Difference, now: datetime) -> bool:
    """Tax above what the rates ask goes before two people; nothing moves by itself. False when that was known."""
    yen = -found.difference_yen
    if not await credit_invoices.propose(conn, fee.id, yen, max(fee.rates), found.lines, now):
        return False
    proof = entry(
        "tax_credit.proposed", BILLING, now, contract_id=fee.contract_id, rule="T8-11", clause="A8.1",
        invoice=fee.number, amount_yen=yen,
    )  # fmt: skip
    await append(conn, proof)
    return True


async def issued(conn: Conn, fee: FeePaper, claim: FeeBill, now: datetime) -> str:
    """The number of the corrected invoice, in the caller's transaction, with notice and evidence."""
    return await money_books.issue_difference(conn, fee.contract_id, fee.number, claim, now)
