"""Invoices, receipts, and which receipt pays which invoice. What is open follows from the matches alone."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/money")


class Invoice(msgspec.Struct, frozen=True):
    """An invoice and what of it is not paid."""

    id: UUID
    contract_id: UUID
    contract_number: int
    contract: str
    number: str
    kind: str
    issued_on: date
    due_on: date
    total_yen: int
    open_yen: int


class Receipt(msgspec.Struct, frozen=True):
    """Money that came in, how much of it is matched, and to which invoices."""

    id: UUID
    value_on: date
    amount_yen: int
    matched_yen: int
    remitter: str
    source: str
    invoices: list[str]
    cancelled_at: datetime | None


async def insert_invoice(
    conn: Conn,
    contract_id: UUID,
    number: str,
    kind: str,
    issued_on: date,
    due_on: date,
    total_yen: int,
    now: datetime,
) -> UUID | None:
    """The id of the new invoice, all of it open; None when the number is taken."""
    values = (uuid7(now), contract_id, number, kind, issued_on, due_on, total_yen, now)
    invoice_id: UUID | None = await conn.fetchval(SQL["insert_invoice"], *values)
    return invoice_id


async def invoice_of(conn: Conn, number: str) -> Invoice | None:
    """The invoice of that number."""
    return one(Invoice, await conn.fetchrow(SQL["invoice"], number))


async def invoices(conn: Conn, contract_id: UUID | None, unpaid: bool, most: int) -> list[Invoice]:
    """Invoices of a contract, or of all; by due date, at most so many."""
    return many(Invoice, await conn.fetch(SQL["invoices"], contract_id, unpaid, most))


async def hold_books(conn: Conn) -> None:
    """No month is closed until the transaction ends."""
    await conn.execute(SQL["hold_books"])


async def insert_receipt(
    conn: Conn, amount_yen: int, value_on: date, remitter: str, source: str, now: datetime
) -> UUID:
    """The id of the recorded receipt. The receipt date is the bank's value date (T8-5)."""
    receipt_id = uuid7(now)
    await conn.execute(SQL["insert_receipt"], receipt_id, amount_yen, value_on, remitter, source, now)
    return receipt_id


async def hold_receipt(conn: Conn, receipt_id: UUID) -> None:
    """What the receipt holds stays as it is read from now on, until the transaction ends."""
    await conn.execute(SQL["hold_receipt"], receipt_id)


async def match(conn: Conn, invoice_id: UUID, receipt_id: UUID, now: datetime) -> int:
    """Yen matched: what the receipt has left and the invoice needs; 0 when one of them has nothing."""
    return await conn.fetchval(SQL["match"], uuid7(now), invoice_id, receipt_id, now) or 0


async def contracts_of_receipt(conn: Conn, receipt_id: UUID) -> list[int]:
    """Numbers of the contracts whose invoices it pays."""
    return [row["number"] for row in await conn.fetch(SQL["contracts_of_receipt"], receipt_id)]


async def cancel_receipt(conn: Conn, receipt_id: UUID, now: datetime) -> bool:
    """Whether it counted until now; what it paid is open again (T8-5)."""
    return await conn.fetchval(SQL["cancel_receipt"], receipt_id, now) is not None
