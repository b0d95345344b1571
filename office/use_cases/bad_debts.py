"""The tax in what is written off (貸倒れに係る消費税額, 消費税法39条1項), and in what of it is recovered (39条3項)."""

from datetime import datetime
from uuid import UUID

from contract_gate.money import Rounding, divided, tax_within
from contract_gate.readings import rounding_of
from office.storage import credit_invoices, money_books, readings
from office.storage.money_books import GivenUp, Paper
from sql import Conn


async def tax_written_off(conn: Conn, number: str, yen: int, now: datetime) -> int:
    """The tax in so much of what an invoice asks; 0 of one recorded by hand, whose tax nobody knows here.

    With all write-offs before it that were not recovered it is at most the tax of the invoice.
    """
    paper = await money_books.paper(conn, number)
    if paper is None:
        return 0
    lines = [await _left(conn, paper, line) for line in range(len(paper.rates))]
    before = await money_books.given_up(conn, paper.id)
    own = tax_within(yen, lines, await _rounding(conn, paper.contract_id, now))
    return max(0, min(own, sum(tax for _, tax in lines) - before.tax_yen))


async def tax_recovered(conn: Conn, contract_id: UUID, yen: int, given_up: GivenUp, now: datetime) -> int:
    """The tax in so much of what was given up: its share of the tax written off, all of it with the rest."""
    own = divided(yen * given_up.tax_yen, given_up.yen, await _rounding(conn, contract_id, now))
    return min(own, yen)


async def _left(conn: Conn, paper: Paper, line: int) -> tuple[int, int]:
    """Base and tax of a line that credits left. A difference has lines of the whole fee, and credits of tax alone."""
    base, tax = paper.bases[line], paper.taxes[line]
    if paper.kind == "difference":
        return base, tax
    gone = await credit_invoices.credited(conn, paper.id, paper.rates[line])
    return base - gone.yen + gone.tax_yen, tax - gone.tax_yen


async def _rounding(conn: Conn, contract_id: UUID, now: datetime) -> Rounding:
    return rounding_of(await readings.of_contract(conn, "money.rounding", contract_id, now))
