"""Credit invoices as papers, and what the tax rates in force ask less than was billed (T8-11)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.money import Line
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/credit_invoices")


class CreditPaper(msgspec.Struct, frozen=True):
    """A credit invoice (適格返還請求書): business-formats.md §4. Its one line is at the rate that was billed."""

    id: UUID
    contract_id: UUID
    number: str
    original_number: str
    original_issued_on: date
    issued_on: date
    total_yen: int
    base_yen: int
    tax_yen: int
    basis_points: int
    seller: str | None
    seller_address: str | None
    registration_number: str | None
    buyer: str
    payer: str | None
    dealer: str | None
    period_from: date
    period_end: date
    refunded_yen: int
    contract: str
    buyer_kind: str | None


class Credit(msgspec.Struct, frozen=True):
    """A credit invoice in a listing, and the two who decided it."""

    number: str
    original_number: str
    contract: str
    issued_on: date
    total_yen: int
    tax_yen: int
    reason: str
    first: str
    second: str


class Credited(msgspec.Struct, frozen=True):
    """What was credited of an invoice, tax included, and that tax."""

    yen: int
    tax_yen: int


class TaxCredit(msgspec.Struct, frozen=True):
    """Tax of a fee above what the rates in force ask: a proposal for two people."""

    id: UUID
    invoice: str
    contract: str
    amount_yen: int
    basis_points: int
    found_at: datetime


async def paper(conn: Conn, number: str) -> CreditPaper | None:
    """The credit invoice of that number."""
    return one(CreditPaper, await conn.fetchrow(SQL["paper"], number))


async def credits(conn: Conn, contract_id: UUID | None, most: int, before: str | None = None) -> list[Credit]:
    """Credit invoices of a contract, before that of a number; or the newest of all. Newest first."""
    if contract_id is None:
        return many(Credit, await conn.fetch(SQL["credits"], most))
    return many(Credit, await conn.fetch(SQL["credits_of"], contract_id, most, before))


async def credited(conn: Conn, invoice_id: UUID, rate: int | None) -> Credited:
    """What was credited of the invoice at that rate, or at all of them."""
    found = one(Credited, await conn.fetchrow(SQL["credited"], invoice_id, rate))
    assert found is not None  # a sum always has a row
    return found


async def propose(conn: Conn, invoice_id: UUID, yen: int, rate: int, right: Sequence[Line], now: datetime) -> bool:
    """So much of the fee's tax may be credited, for these lines are right. False when that was known."""
    rates, months = [line.basis_points for line in right], [line.months for line in right]
    made = await conn.fetchval(SQL["propose"], uuid7(now), invoice_id, yen, rate, now, rates, months)
    return made is not None


async def overtake(conn: Conn, invoice_id: UUID, now: datetime) -> None:
    """What was proposed for the fee is no longer right."""
    await conn.execute(SQL["overtake"], invoice_id, now)


async def end(
    conn: Conn, proposed: UUID, outcome: str, adjustment_id: UUID | None, first: UUID, second: UUID, now: datetime
) -> bool:
    """Two people decided about the proposal. False when it was decided before."""
    return await conn.fetchval(SQL["end"], proposed, outcome, adjustment_id, first, second, now) is not None


async def tax_credit(conn: Conn, number: str) -> TaxCredit | None:
    """What is proposed for the fee of that number."""
    return one(TaxCredit, await conn.fetchrow(SQL["tax_credit"], number))


async def tax_credits(conn: Conn, most: int, after: UUID | None = None) -> list[TaxCredit]:
    """What waits for two people, oldest first."""
    return many(TaxCredit, await conn.fetch(SQL["tax_credits"], most, after))
