"""Lines of bank files become receipts, and pay what they name; a block ends in the transaction that books (T8-15)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from contract_gate.matching import (
    Alias,
    Ambiguous,
    How,
    Ledger,
    Matched,
    OpenInvoice,
    Outcome,
    Shared,
    Unknown,
    digits,
    key_of,
    match,
    parted,
    whole,
)
from office.storage import bank_lines, money
from office.storage.bank_lines import Line, Settled
from office.storage.changing import changing
from office.use_cases import paid_late, unblocking
from office.use_cases.asked import OPERATOR
from sql import Conn
from sql.evidence import Entry, append, append_all, entries, entry
from sql.ids import uuid7s

GREATEST = 2_147_483_647
BEGINNING = 8  # characters of a key that the index has


class Part(msgspec.Struct, frozen=True, gc=False):
    """What a line pays of one invoice, at most `yen`."""

    line: Line
    receipt: UUID
    invoice: OpenInvoice
    yen: int
    how: How
    known_payer: bool


class Tally(msgspec.Struct, frozen=True):
    """What became of lines."""

    matched: int = 0
    waiting: int = 0
    cancelled: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.matched + other.matched, self.waiting + other.waiting, self.cancelled + other.cancelled)


class Seen(msgspec.Struct, frozen=True):
    """Lines with what they pay. `customers`: of every invoice they were held against."""

    found: Sequence[tuple[Line, Outcome]]
    customers: frozenset[UUID]


async def look(conn: Conn, lines: Sequence[Line]) -> Seen:
    """What each line pays, as things stand."""
    numbers = sorted({(each.bank_account_id, each.virtual_number) for each in lines if each.virtual_number})
    virtual = await bank_lines.virtual(conn, [a for a, _ in numbers], [n for _, n in numbers]) if numbers else []
    said = [Said.by(each) for each in lines]
    aliases = await bank_lines.aliases(conn, sorted({each.beginning for each in said} - {""}))
    references = {text for each in said for text in (each.edi, each.number) if text}
    invoices = await bank_lines.open_invoices(
        conn,
        sorted({whole(text) for text in references} - {""}),
        sorted({digits(text) for text in references} - {""}),
        [each.contract_id for each in virtual],
        sorted({each.customer_id for each in aliases if each.customer_id}),
        sorted({each.dealer for each in aliases if each.dealer}),
    )
    shelf = Shelf(virtual, aliases, invoices)
    found = [
        (line, held_back(line) or match(line, line.virtual_number, shelf.ledger(line, words)))
        for line, words in zip(lines, said, strict=True)
    ]
    return Seen(found, frozenset([each.customer_id for each in invoices]))


class Said(NamedTuple):
    """What a line says of who pays for what: its EDI text, the number before the name, how the name's key begins."""

    edi: str
    number: str
    beginning: str

    @classmethod
    def by(cls, line: Line) -> "Said":
        """What this line says."""
        number, name = parted(line.remitter)
        return cls(line.edi, number, key_of(name)[:BEGINNING])


class Shelf:
    """What a batch is held against, found by what a line says."""

    def __init__(
        self, virtual: Sequence[bank_lines.Virtual], aliases: Sequence[Alias],
        invoices: Sequence[OpenInvoice],
    ) -> None:  # fmt: skip
        self.virtual = {(each.bank_account_id, each.number): each.contract_id for each in virtual}
        self.aliases: dict[str, list[Alias]] = {}
        for alias in aliases:
            self.aliases.setdefault(alias.key[:BEGINNING], []).append(alias)
        self.named: dict[str, list[OpenInvoice]] = {}
        self.owed: dict[UUID | tuple[str, ...], list[OpenInvoice]] = {}
        for each in invoices:
            for key in {whole(each.number), digits(each.number)}:
                self.named.setdefault(key, []).append(each)
            if virtual or aliases:
                for whose in (each.contract_id, each.customer_id, of(each.dealer)):
                    self.owed.setdefault(whose, []).append(each)

    def ledger(self, line: Line, said: Said) -> Ledger:
        """What concerns the line."""
        found = [
            each for key in dict.fromkeys((whole(said.edi), said.number)) if key for each in self.named.get(key, ())
        ]
        aliases = self.aliases.get(said.beginning, ())
        contract = self.virtual.get((line.bank_account_id, line.virtual_number)) if line.virtual_number else None
        for whose in (contract, *(each.customer_id or of(each.dealer) for each in aliases)):
            found += self.owed.get(whose, ()) if whose else ()
        once = list({each.number: each for each in found}.values()) if len(found) > 1 else found
        return Ledger(once, aliases, {} if contract is None else {line.virtual_number: contract})


def of(dealer: str | None) -> tuple[str, ...]:
    """A dealer as a key of the shelf, which no id is."""
    return (dealer,) if dealer else ()


def held_back(line: Line) -> Unknown | None:
    """Why a person must see the line before anything is booked. business-formats §1.3, §1.4."""
    if line.nature != "transfer":
        return Unknown("a correction" if line.nature == "correction" else "no transfer: cash, cheque or other")
    if line.uncleared_yen:
        return Unknown(f"{line.uncleared_yen} yen of it are not cleared: no payment yet")
    if line.amount_yen > GREATEST:
        return Unknown("more than one receipt can hold")
    return None


async def book_batch(conn: Conn, seen: Seen, now: datetime) -> Tally:
    """Receipts of the lines; what they pay is paid, in one transaction under the locks of all contracts paid.

    Customers whose block this ends are told (T8-15).
    """
    found = seen.found
    contracts = [invoice.contract_number for _, each in found for invoice in paid_by(each)]
    async with conn.transaction():
        await bank_lines.lock_contracts(conn, contracts)
        come_in = [line.id for line, _ in found if held_back(line) is None]
        receipts = dict(zip(come_in, uuid7s(now, len(come_in)), strict=True))
        await bank_lines.insert_receipts(conn, list(receipts.items()), now)
        payments = [part for line, each in found if paid_by(each) for part in parts(line, each, receipts[line.id])]
        before = await unblocking.blocked(conn, [each.invoice.id for each in payments], now)
        paid = await pay(conn, payments, now)
        await unblocking.tell(conn, before, by_invoice(paid), now)
        await paid_late.noticed(conn, [(each.invoice.contract_id, each.receipt) for each, _ in paid], now)
        spent = {each.receipt for each, _ in paid}
        settled = [_settled(line, each, receipts.get(line.id), spent) for line, each in found]
        await bank_lines.settle(conn, settled)
    matched = sum(each.state == "matched" for each in settled)
    return Tally(matched, len(settled) - matched)


def paid_by(outcome: Outcome) -> tuple[OpenInvoice, ...]:
    """The invoices that it pays."""
    match outcome:
        case Matched():
            return (outcome.invoice,)
        case Shared():
            return outcome.invoices
        case Ambiguous() | Unknown():
            return ()


def parts(line: Line, outcome: Outcome, receipt: UUID) -> list[Part]:
    """What the line pays, by invoice; of a dealer's sum each invoice in full: together they are the line's amount."""
    match outcome:
        case Matched():
            return [Part(line, receipt, outcome.invoice, line.amount_yen, outcome.how, outcome.known_payer)]
        case Shared():
            return [Part(line, receipt, each, each.open_yen, "dealer", known_payer=True) for each in outcome.invoices]
        case Ambiguous() | Unknown():
            return []


async def pay(conn: Conn, payments: Sequence[Part], now: datetime) -> list[tuple[Part, int]]:
    """What was paid, with its yen; each payment has its evidence, each new payer goes to screening (T13-1)."""
    paid: dict[tuple[UUID, UUID], int] = {}
    left = list(payments)
    while left:  # each invoice once a statement: what is open afterwards is known only then
        first = {each.invoice.id: each for each in reversed(left)}
        once = [(each.invoice.id, each.receipt, each.yen) for each in first.values()]
        paid |= await bank_lines.insert_matches(conn, once, now)
        left = [each for each in left if first[each.invoice.id] is not each]
    done = [(each, paid[key]) for each in payments if (key := (each.invoice.id, each.receipt)) in paid]
    await append_all(conn, proofs(done, now))
    new = {(p.invoice.contract_id, p.line.remitter) for p in payments if p.line.remitter and not p.known_payer}
    await bank_lines.screen_payers(conn, sorted(new), now)
    return done


def by_invoice(paid: Sequence[tuple[Part, int]]) -> dict[str, int]:
    """Yen paid, by the number of the invoice."""
    yen: dict[str, int] = {}
    for each, part in paid:
        yen[each.invoice.number] = yen.get(each.invoice.number, 0) + part
    return yen


def proofs(paid: Sequence[tuple[Part, int]], now: datetime) -> list[Entry]:
    """The evidence that lines of a file paid invoices."""
    about = [
        (
            each.invoice.contract_id,
            {
                "rule": "T8-5", "clause": "A8.1", "invoice": each.invoice.number, "receipt": each.receipt,
                "amount_yen": yen, "how": each.how, "line": each.line.id,
            },
        )
        for each, yen in paid
    ]  # fmt: skip
    return entries("payment.matched", OPERATOR, now, about)


def _settled(line: Line, outcome: Outcome, receipt: UUID | None, spent: Collection[UUID]) -> Settled:
    match outcome:
        case Matched() if receipt in spent:
            return Settled(line.id, "matched", outcome.how, receipt)
        case Shared() if receipt in spent:
            return Settled(line.id, "matched", "dealer", receipt)
        case Shared():
            return Settled(line.id, "waiting", "the dealer's invoices are paid already", receipt)
        case Matched():
            return Settled(line.id, "waiting", f"invoice {outcome.invoice.number} is paid already", receipt)
        case Ambiguous():
            return Settled(line.id, "waiting", f"{outcome.reason}: {', '.join(outcome.candidates[:10])}", receipt)
        case Unknown():
            return Settled(line.id, "waiting", outcome.reason, receipt)


async def cancel_by(conn: Conn, line: Line, now: datetime) -> Tally:
    """The earlier credit that the line takes back counts no more; its invoice is open again (T8-5)."""
    earlier = await bank_lines.cancelled_by(conn, line.id)
    if len(earlier) != 1:
        note = "cancels a credit that no file showed" if not earlier else "cancels one of several equal credits"
        await bank_lines.settle(conn, [Settled(line.id, "waiting", note, None)])
        return Tally(waiting=1)
    [(earlier_id, receipt)] = earlier
    numbers = await money.contracts_of_receipt(conn, receipt) if receipt else []
    async with changing(conn, *numbers):
        await bank_lines.hold(conn, earlier_id)
        if await bank_lines.cancelled_by(conn, line.id) != earlier:
            return Tally()  # matched at this moment: the next turn finds by which receipt
        if receipt is not None:
            await money.hold_receipt(conn, receipt)
            if await money.contracts_of_receipt(conn, receipt) != numbers:
                return Tally()  # matched at this moment: the next turn finds whose
            await money.cancel_receipt(conn, receipt, now)
            await append(
                conn,
                entry("payment.cancelled", OPERATOR, now, rule="T8-5", clause="A8.1", receipt=receipt, line=line.id),
            )
        await bank_lines.settle_anew(conn, Settled(earlier_id, "cancelled", f"by line {line.id}", receipt))
        await bank_lines.settle(conn, [Settled(line.id, "cancelled", f"takes back line {earlier_id}", None)])
    return Tally(cancelled=1)
