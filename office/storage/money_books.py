"""Papers of invoices, what two people took off them, refunds, closed months, and the journal that follows from all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_08_payment import FeeBill, FeeLeft
from contract_gate.readings import Reading
from office.storage.sellers import PayInto, VirtualAccount, written
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/money_books")


class Paper(msgspec.Struct, frozen=True):
    """An invoice as it was made: business-formats.md §4. One element a rate in each list."""

    id: UUID
    contract_id: UUID
    number: str
    kind: str
    issued_on: date
    due_on: date
    total_yen: int
    open_yen: int
    created_at: datetime
    original_number: str | None
    seller: str | None
    seller_address: str | None
    registration_number: str | None
    buyer: str
    payer: str | None
    dealer: str | None
    period_from: date
    period_end: date
    rates: list[int]
    months: list[int]
    bases: list[int]
    taxes: list[int]
    contract: str
    buyer_kind: str | None
    pay_into: PayInto | None
    virtual_account: VirtualAccount | None


class Adjustment(msgspec.Struct, frozen=True):
    """What two people take off an invoice; of a credit the tax in it, at one rate."""

    kind: str
    amount_yen: int
    tax_yen: int
    basis_points: int | None
    reason: str
    first: UUID
    second: UUID


class Adjusted(msgspec.Struct, frozen=True):
    """Its id and, of a credit invoice, its number."""

    id: UUID
    number: str | None


class GivenUp(msgspec.Struct, frozen=True):
    """What of an invoice is written off and was not recovered, and the tax in it."""

    yen: int
    tax_yen: int


class Suspense(msgspec.Struct, frozen=True):
    """A receipt with a rest that pays nothing (仮受金); below 0: sent back, and then the bank took the receipt back."""

    id: UUID
    value_on: date
    remitter: str
    amount_yen: int
    rest_yen: int


class Aged(msgspec.Struct, frozen=True):
    """An open invoice, and by how many days it is past its due date."""

    contract: str
    customer: str
    number: str
    kind: str
    due_on: date
    open_yen: int
    dealer: str | None
    days: int


class FeePaper(msgspec.Struct, frozen=True):
    """The fee of a contract as billed, and what credits left of it: `bases` a line, `tax_yen` of all its papers.

    `billed_rates` and `billed_months` are those by which tax was billed or credited last. `proposed_yen`: a credit of
    tax that waits; `declined_rates` and `declined_months`: of the last that two people did not give.
    """

    id: UUID
    contract_id: UUID
    contract_number: int
    contract: str
    number: str
    fee_yen: int
    accepted_at: datetime
    period_from: date
    period_end: date
    rates: list[int]
    months: list[int]
    bases: list[int]
    tax_yen: int
    billed_rates: list[int]
    billed_months: list[int]
    proposed_yen: int | None
    declined_rates: list[int] | None
    declined_months: list[int] | None

    @property
    def left(self) -> FeeLeft:
        """As the rule of differences takes it."""
        runs = zip(self.billed_rates, self.billed_months, strict=True)
        billed = tuple(rate for rate, months in runs for _ in range(months))
        return FeeLeft(self.fee_yen, tuple(zip(self.months, self.bases, strict=True)), billed, self.tax_yen)


class Unpaid(msgspec.Struct, frozen=True):
    """An open invoice, as its reminders tell of it."""

    id: UUID
    contract_id: UUID
    number: str
    kind: str
    issued_on: date
    due_on: date
    total_yen: int
    open_yen: int
    created_at: datetime


class Place(msgspec.Struct, frozen=True):
    """Where a movement stands in the journal; no two stand at one."""

    posted_on: date
    recorded_at: datetime
    id: UUID
    debit: str
    credit: str


def before(day: date) -> Place:
    """The place before all movements of a day."""
    return Place(day, datetime.min.replace(tzinfo=UTC), UUID(int=0), "", "")


class Posting(msgspec.Struct, frozen=True):
    """One movement: the same yen on a debit and a credit account. `id`: of the row that it follows from."""

    id: UUID
    posted_on: date
    reference: str
    kind: str
    debit: str
    credit: str
    yen: int
    recorded_at: datetime

    @property
    def place(self) -> Place:
        """Where it stands in the journal."""
        return Place(self.posted_on, self.recorded_at, self.id, self.debit, self.credit)


class Earning(msgspec.Struct, frozen=True):
    """Fees booked in one month whose contract months end in the same months, and credits, which take back, below 0.

    `part_yen`: together of each contract month; `last_yen`: of the last one, which takes what is left.
    """

    booked_in: date
    period_from: date
    term_months: int
    part_yen: int
    last_yen: int


class Settling(msgspec.Struct, frozen=True):
    """The fee of a contract and what was billed for it, less what was credited; what of that is open and came in."""

    issued_at: datetime | None
    period_from: date | None
    term_months: int
    fee_yen: int
    due_on: date | None
    billed_yen: int
    open_yen: int
    received_yen: int

    @property
    def received_fee_yen(self) -> int:
        """What came in counts for fee and tax in the same proportion; the fee is without tax (R-24)."""
        return self.received_yen * self.fee_yen // self.billed_yen if self.billed_yen else 0


class Running(msgspec.Struct, frozen=True):
    """A contract that may ask for certificates."""

    id: UUID
    number: int
    handle: str
    names: list[str]


async def paper(conn: Conn, number: str) -> Paper | None:
    """The paper of an invoice; None when there is no such invoice, or it was recorded by hand."""
    row = await conn.fetchrow(SQL["paper"], number)
    if row is None:
        return None
    accounts = {
        "pay_into": written(PayInto, row["pay_into"]),
        "virtual_account": written(VirtualAccount, row["virtual_account"]),
    }
    return Paper(**{**row, **accounts})


async def readings(conn: Conn, now: datetime) -> list[Reading]:
    """Every row of a reading that took effect."""
    return many(Reading, await conn.fetch(SQL["readings"], now))


async def adjust(conn: Conn, invoice_id: UUID, taken: Adjustment, now: datetime) -> Adjusted | None:
    """The invoice is open by that much less. None when it is not open by so much."""
    row = await conn.fetchrow(
        SQL["adjust"], uuid7(now), invoice_id, taken.kind, taken.amount_yen, taken.tax_yen, taken.basis_points,
        taken.reason, taken.first, taken.second, now,
    )  # fmt: skip
    return one(Adjusted, row)


async def given_up(conn: Conn, invoice_id: UUID) -> GivenUp:
    """Yen of the invoice that two people gave up, and the tax in them."""
    found = one(GivenUp, await conn.fetchrow(SQL["given_up"], invoice_id))
    assert found is not None  # a sum always has a row
    return found


async def left_of(conn: Conn, receipt_id: UUID) -> int:
    """Yen that the receipt has left; 0 of one that was cancelled or is unknown."""
    return await conn.fetchval(SQL["left_of"], receipt_id) or 0


async def recover(
    conn: Conn, invoice_id: UUID, yen: int, tax_yen: int, reason: str, first: UUID, second: UUID, now: datetime
) -> None:  # fmt: skip
    """So much of what was given up of the invoice is owed again, with the tax in it."""
    await conn.execute(SQL["recover"], uuid7(now), invoice_id, yen, tax_yen, reason, first, second, now)


async def unmatch(conn: Conn, invoice_id: UUID, receipt_id: UUID, now: datetime) -> int:
    """Yen that the receipt no longer pays of the invoice; 0 when it paid none."""
    return sum(row["amount_yen"] for row in await conn.fetch(SQL["unmatch"], invoice_id, receipt_id, now))


async def refund(
    conn: Conn, receipt_id: UUID, yen: int, adjustment_id: UUID | None, reason: str, first: UUID, second: UUID,
    now: datetime,
) -> UUID | None:  # fmt: skip
    """The receipt's rest is sent back so far. None when it has not so much."""
    made: UUID | None = await conn.fetchval(
        SQL["refund"], uuid7(now), receipt_id, yen, adjustment_id, reason, first, second, now
    )
    return made


async def state_default(conn: Conn, invoice_id: UUID) -> bool:
    """The dealer states that the customer did not pay it. False without a dealer, or when stated before."""
    return await conn.fetchval(SQL["state_default"], invoice_id) is not None


async def suspense(conn: Conn, most: int, after: UUID | None) -> list[Suspense]:
    """Receipts with a rest, oldest first; those behind one."""
    return many(Suspense, await conn.fetch(SQL["suspense"], most, after))


async def hold_unspent(conn: Conn, behind: tuple[date, UUID], most: int) -> list[tuple[date, UUID]]:
    """Receipts that are not known to be spent, held until the transaction ends, behind a day and an id."""
    rows = await conn.fetch(SQL["hold_unspent"], *behind, most)
    return [(row["value_on"], row["id"]) for row in rows]


async def mark_spent(conn: Conn, receipts: Sequence[UUID]) -> None:
    """Those of the receipts, which are held, of which nothing is left are looked for no more."""
    await conn.execute(SQL["mark_spent"], receipts)


async def carry(conn: Conn, most: int) -> int:
    """How many papers and decisions are carried over, each once, into what the fees earn."""
    carried: int = await conn.fetchval(SQL["carry"], most)
    return carried


async def ageing(conn: Conn, today: date, most: int, after: str | None) -> list[Aged]:
    """Open invoices, the longest due first; those behind a number."""
    return many(Aged, await conn.fetch(SQL["ageing"], today, most, after))


async def fee_papers(conn: Conn, after: UUID | None, most: int, ends_after: date) -> list[FeePaper]:
    """A page of fees whose term ends after a day, by id."""
    return many(FeePaper, await conn.fetch(SQL["fee_papers"], after, most, ends_after))


async def issue_difference(conn: Conn, contract_id: UUID, original: str, bill: FeeBill, now: datetime) -> str:
    """The number of the corrected invoice over `bill.total_yen`, made with its notice and evidence."""
    lines = bill.lines
    number: str = await conn.fetchval(
        SQL["issue_difference"], contract_id, bill.issued_on, original, bill.due_on, bill.period_from, bill.period_end,
        [line.basis_points for line in lines], [line.months for line in lines], [line.base_yen for line in lines],
        [line.tax_yen for line in lines], bill.total_yen, now,
    )  # fmt: skip
    return number


async def no_import(conn: Conn) -> bool:
    """Whether no bank file is booked now, nor until the transaction ends."""
    return bool(await conn.fetchval(SQL["no_import"]))


async def take_books(conn: Conn) -> None:
    """Money that is being recorded by hand is recorded first; nobody else records any until the transaction ends."""
    await conn.execute(SQL["take_books"])


async def close_month(conn: Conn, month: date, person_id: UUID, now: datetime) -> bool:
    """Nothing is dated in that month from now on. False when it was closed before."""
    return await conn.fetchval(SQL["close_month"], month, person_id, now) is not None


async def journal(conn: Conn, last: date, most: int, behind: Place) -> list[Posting]:
    """Movements behind a place, dated up to `last`."""
    place = behind.posted_on, behind.recorded_at, behind.id, behind.debit, behind.credit
    return many(Posting, await conn.fetch(SQL["journal"], last, most, *place))


async def earning(conn: Conn, most: int) -> Sequence[Earning]:
    """Fees billed, and credits of them, together where they are earned in the same months."""
    return many(Earning, await conn.fetch(SQL["earning"], most))


async def settling(conn: Conn, contract_id: UUID) -> Settling:
    """What was billed and received for a contract."""
    found = one(Settling, await conn.fetchrow(SQL["settling"], contract_id))
    assert found is not None  # contracts are never deleted
    return found


async def running(conn: Conn, after: int, most: int) -> list[Running]:
    """A page of contracts that may ask for certificates, by number."""
    return many(Running, await conn.fetch(SQL["running"], after, most))


async def made_at(conn: Conn, numbers: Sequence[str]) -> dict[str, datetime]:
    """When each of these invoices was made, by number."""
    return {row["number"]: row["created_at"] for row in await conn.fetch(SQL["made_at"], list(numbers))}


async def to_remind(conn: Conn, kind: str, due_by: date, most: int) -> list[Unpaid]:
    """Open invoices due by a day whose reminder of this kind is not sent, and about which nobody confers (T28-1)."""
    return many(Unpaid, await conn.fetch(SQL["to_remind"], kind, due_by, most))


async def reminded(conn: Conn, invoice_id: UUID, kind: str, now: datetime) -> bool:
    """The reminder is this transaction's to send. False when another node was first."""
    return await conn.fetchval(SQL["reminded"], invoice_id, kind, now) is not None
