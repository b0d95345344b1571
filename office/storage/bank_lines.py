"""Lines of bank files, what they are held against, and what becomes of them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.formats.receipt import Receipt
from contract_gate.matching import Alias, OpenInvoice
from sql import Conn, statements
from sql.ids import uuid7, uuid7s
from sql.rows import many, one

SQL = statements("office/bank_lines")


class Line(Receipt, frozen=True, gc=False):
    """A receipt of a file with its number here."""

    id: int
    bank_account_id: UUID
    virtual_number: str
    receipt_id: UUID | None


class Virtual(msgspec.Struct, frozen=True):
    """A number of the bank's that stands for a contract."""

    bank_account_id: UUID
    number: str
    contract_id: UUID


class Waiting(msgspec.Struct, frozen=True):
    """A line that a person must look at, and why."""

    id: int
    account: str
    booked_on: date
    value_on: date
    amount_yen: int
    remitter: str
    edi: str
    note: str | None
    receipt_id: UUID | None
    file: str
    record: int


class PayerAlias(msgspec.Struct, frozen=True):
    """A name under which a customer pays."""

    id: UUID
    customer: str
    name: str
    key: str
    added_at: datetime


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a line."""

    line_id: int
    state: str
    note: str | None
    receipt_id: UUID | None


async def staged(conn: Conn, file_id: UUID, most: int, after: int) -> list[Line]:
    """Lines of the file that take nothing back and are not booked yet, in its order, behind the line `after`."""
    return [Line(*row) for row in await conn.fetch(SQL["staged"], file_id, most, after)]


async def cancelling(conn: Conn, file_id: UUID, most: int) -> list[Line]:
    """Lines of the file that take back another and are not booked yet, in its order."""
    return [Line(*row) for row in await conn.fetch(SQL["cancelling"], file_id, most)]


async def count_cancelling(conn: Conn, file_id: UUID) -> int:
    """How many those are."""
    return int(await conn.fetchval(SQL["count_cancelling"], file_id))


async def waiting_line(conn: Conn, line_id: int) -> Line | None:
    """The line, if it waits for a person."""
    return one(Line, await conn.fetchrow(SQL["line"], line_id))


async def virtual(conn: Conn, accounts: Sequence[UUID], numbers: Sequence[str]) -> list[Virtual]:
    """Which contract each number of each account stands for."""
    return many(Virtual, await conn.fetch(SQL["virtual"], accounts, numbers))


async def aliases(conn: Conn, beginnings: Sequence[str]) -> list[Alias]:
    """Names whose keys begin so."""
    return many(Alias, await conn.fetch(SQL["aliases"], beginnings))


async def open_invoices(
    conn: Conn, words: Sequence[str], digits: Sequence[str], contracts: Sequence[UUID], customers: Sequence[UUID],
    dealers: Sequence[str],
) -> list[OpenInvoice]:  # fmt: skip
    """Open invoices with one of these references, or of these contracts or customers, or that these dealers collect."""
    rows = await conn.fetch(SQL["open_invoices"], words, digits, contracts, customers, dealers)
    return [OpenInvoice(*row) for row in rows]


async def lock_contracts(conn: Conn, numbers: Sequence[int]) -> None:
    """The transaction holds these contracts alone, taken in ascending order."""
    await conn.execute(SQL["lock_contracts"], sorted(set(numbers)))


async def insert_receipts(conn: Conn, lines: Sequence[tuple[int, UUID]], now: datetime) -> None:
    """A receipt for each line, with the id given."""
    await conn.execute(SQL["insert_receipts"], [line for line, _ in lines], [receipt for _, receipt in lines], now)


async def insert_matches(
    conn: Conn, pairs: Sequence[tuple[UUID, UUID, int]], now: datetime
) -> dict[tuple[UUID, UUID], int]:  # fmt: skip
    """Yen by invoice and receipt, for invoices (each once), receipts not used before, and what these hold for each.

    None for an invoice that was paid meanwhile.
    """
    columns = [list(column) for column in zip(*pairs, strict=True)]
    rows = await conn.fetch(SQL["insert_matches"], uuid7s(now, len(pairs)), *columns, now)
    return {(invoice, receipt): yen for invoice, receipt, yen in rows}


async def settle(conn: Conn, settled: Sequence[Settled]) -> None:
    """What became of lines that were only staged. Raises UniqueViolationError when something did already."""
    columns = zip(*((s.line_id, s.state, s.note, s.receipt_id) for s in settled), strict=True)
    await conn.execute(SQL["insert_outcomes"], *(list(column) for column in columns))


async def settle_anew(conn: Conn, settled: Settled) -> None:
    """What becomes of a line that waited, or was taken back."""
    await conn.execute(SQL["change_outcome"], settled.line_id, settled.state, settled.note, settled.receipt_id)


async def screen_payers(conn: Conn, payers: Sequence[tuple[UUID, str]], now: datetime) -> None:
    """Names that paid for a contract go to screening (T13-1)."""
    ids = uuid7s(now, len(payers))
    await conn.execute(SQL["screen_payers"], ids, [c for c, _ in payers], [name for _, name in payers], now)


async def cancelled_by(conn: Conn, line_id: int) -> list[tuple[int, UUID | None]]:
    """The earlier credits a cancellation may be about, at most two."""
    return [(row["id"], row["receipt_id"]) for row in await conn.fetch(SQL["cancelled_by"], line_id)]


async def hold(conn: Conn, line_id: int) -> None:
    """Nobody else decides about the line until the transaction ends."""
    await conn.execute(SQL["hold"], line_id)


async def queue(conn: Conn, most: int) -> list[Waiting]:
    """Lines that wait for a person, oldest first."""
    return many(Waiting, await conn.fetch(SQL["queue"], most))


async def insert_alias(conn: Conn, customer: str, name: str, key: str, by: UUID, now: datetime) -> UUID | None:
    """The id of the new alias; None: no such customer, or it is there."""
    made: UUID | None = await conn.fetchval(SQL["insert_alias"], uuid7(now), customer, name, key, by, now)
    return made


async def end_alias(conn: Conn, alias_id: UUID, now: datetime) -> bool:
    """Whether the alias counted until now."""
    return await conn.fetchval(SQL["end_alias"], alias_id, now) is not None


async def all_aliases(conn: Conn, customer: str | None, most: int, after: UUID | None = None) -> list[PayerAlias]:
    """Aliases of a customer, or of all."""
    return many(PayerAlias, await conn.fetch(SQL["all_aliases"], customer, most, after))


async def insert_virtual(conn: Conn, account: str, number: str, contract_id: UUID, now: datetime) -> bool:
    """Whether the number is the contract's; it is not while another had it in the last twelve months (§1.5)."""
    return await conn.fetchval(SQL["insert_virtual"], account, number, contract_id, now) is not None


async def end_virtual(conn: Conn, account: str, number: str, now: datetime) -> bool:
    """Whether the number stood for a contract until now."""
    return await conn.fetchval(SQL["end_virtual"], account, number, now) is not None
