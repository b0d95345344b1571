"""Article 8: fee and payment (契約料金および支払い義務)."""

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime

import msgspec

from contract_gate.calendar import bank_days_between, jst_date, next_month_end, period_end, roll
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts, Invoice
from contract_gate.money import Line, TaxRate, lines, month_rates, split, split_parts, total
from contract_gate.readings import ContractReadings, InvoiceReadings, of_contract, of_invoice

BANK_DAYS_BEHIND = 2


class Term(msgspec.Struct, frozen=True):
    """A paid term: its first day, counted, and its months (T12-2)."""

    starts_on: date
    months: int


class FeeBill(msgspec.Struct, frozen=True):
    """What the fee of a contract comes to: period, due date, a line a rate, the total with tax."""

    issued_on: date
    due_on: date
    period_from: date
    period_end: date
    lines: tuple[Line, ...]
    total_yen: int


class FeeLeft(msgspec.Struct, frozen=True):
    """What credits left of a fee.

    `parts`: months and base of each line of its paper, less what was credited of it. `billed_rates`: the rate of each
    month by which tax was billed or credited last. `tax_yen`: the tax on all papers of the fee, less what was credited.
    """

    fee_yen: int
    parts: tuple[tuple[int, int], ...]
    billed_rates: tuple[int, ...]
    tax_yen: int


class Difference(msgspec.Struct, frozen=True):
    """What the right rates ask of what is left; `difference_yen` below 0 is a proposal of credit for a person."""

    lines: tuple[Line, ...]
    difference_yen: int


def fee_bill(fee_yen: int, signed_on: date, term: Term, rates: Sequence[TaxRate], by: ContractReadings) -> FeeBill:
    """The invoice of the first final certificate, by the day of its signing in Japan. T8-1, T8-2, T8-3 [A8.1].

    The term of a renewal starts later than that; its fee is due from its own first issuance all the same (T12-6).
    """
    made = fee_lines(fee_yen, term.starts_on, term.months, rates, by)
    end = period_end(term.starts_on, term.months)
    return FeeBill(signed_on, next_month_end(signed_on), term.starts_on, end, made, total(made))


def fee_lines(
    fee_yen: int, start: date, months: int, rates: Sequence[TaxRate], by: ContractReadings
) -> tuple[Line, ...]:
    """The fee of a term, a line a rate, with the tax of each. T8-9, T8-10 [A8.1], R-1, R-10."""
    return lines(split(fee_yen, month_rates(start, months, rates, by.apportion)), by.rounding)


def difference(left: FeeLeft, starts_on: date, rates: Sequence[TaxRate], by: ContractReadings) -> Difference:
    """The tax by the right rates on what credits left of a fee, against the tax already billed. T8-11 [A8.1].

    Above 0 a corrected invoice is claimed; below 0 only a credit is proposed, never a refund made. Only a rate makes
    one: neither what rounding left of a credit, nor tax that two people gave up, is claimed again.
    """
    right = lines_left(left, month_rates(starts_on, len(left.billed_rates), rates, by.apportion), by)
    asked, billed = (sum(line.tax_yen for line in each) for each in (right, lines_left(left, left.billed_rates, by)))
    return Difference(right, sorted((0, asked - billed, asked - left.tax_yen))[1])


def lines_left(left: FeeLeft, rates_by_month: Sequence[int], by: ContractReadings) -> tuple[Line, ...]:
    """What is left of a fee, a line a rate: of an untouched fee as it is first billed, else each line's rest over the
    months of that line. T8-10, T8-11 [A8.1].
    """
    if sum(base for _, base in left.parts) == left.fee_yen:
        return lines(split(left.fee_yen, rates_by_month), by.rounding)
    return lines(split_parts(left.parts, rates_by_month), by.rounding)


def difference_due(claimed_on: date, by: ContractReadings) -> date:
    """The end of the month after the claim, or the day of the claim if so read. T8-11 [A8.1], R-11."""
    return claimed_on if by.diff_due == "claim_date" else next_month_end(claimed_on)


def default_of_customer(invoice: Invoice) -> bool:
    """Whether the customer, not a dealer who does not remit, is the one in default. T8-16 [A8.4], R-14.

    Under a dealer this needs the dealer's recorded statement.
    """
    return invoice.dealer is None or invoice.dealer_states_default


def last_day_in_time(invoice: Invoice, facts: Facts) -> date:
    """The last day on which payment is in time: a due date on a closed day moves as R-9 says. T8-4 [A8.1]."""
    return roll(invoice.due_on, _frozen(invoice, facts).due_roll, facts.holidays)


def bank_data_covers(invoice: Invoice, last_day: date, facts: Facts) -> bool:
    """Whether bank data of every account covers each day from the invoice to its last day in time. T8-6."""
    if facts.bank_data_from is None or facts.bank_data_through is None:
        return False
    return facts.bank_data_from <= invoice.issued_on and last_day <= facts.bank_data_through


def bank_data_missing(covered_through: date, today: date, holidays: Set[date]) -> bool:
    """Whether an account's bank data is so far behind that an alarm is due: nothing becomes overdue meanwhile. T8-6.

    A bank tells a day on the next one, so up to two bank days may lie between.
    """
    return bank_days_between(covered_through, today, holidays) > BANK_DAYS_BEHIND


def overdue(invoice: Invoice, today: date, facts: Facts) -> bool:
    """Whether the last day in time is over, JST, and all bank data up to it is known. T8-4, T8-5, T8-6 [A8.1]."""
    last_day = last_day_in_time(invoice, facts)
    unpaid = invoice.open_yen > _frozen(invoice, facts).tolerance_yen
    return unpaid and last_day < today and bank_data_covers(invoice, last_day, facts)


def counts(invoice: Invoice, facts: Facts, now: datetime) -> bool:
    """Whether the invoice can block the contract: a fee of the contract, or of its customer if so read. T8-15, R-13.

    An invoice of a tax difference never blocks (T8-11), nor does a dealer who does not remit (T8-16).
    """
    contract = facts.contract
    if contract is None or invoice.kind == "difference" or not default_of_customer(invoice):
        return False
    whole_customer = of_contract(facts.readings, contract.accepted_at, now).block_scope == "customer"
    return whole_customer or invoice.contract_id == contract.id


def no_payment_block(facts: Facts, request: Request, now: datetime) -> Finding:
    """No invoice that counts for the contract is overdue. T8-15, T8-7 [A8.1].

    After a cause of the CA's own (A11.4.8) its certificates come again whatever is owed (T11-13).
    """
    if facts.free_reissue:
        return Satisfied("T8-15", "A8.1")
    if late := _late(facts, now):
        notes = ", ".join(_note(invoice, facts) for invoice in late)
        return Breach("T8-15", "A8.1", f"overdue: {notes}", Case.OVERDUE)
    return Satisfied("T8-15", "A8.1")


def blocks(number: str, facts: Facts, now: datetime) -> bool:
    """Whether the invoice of that number is one that keeps certificates from the contract. T8-15 [A8.1]."""
    return not facts.free_reissue and any(invoice.number == number for invoice in _late(facts, now))


def unblocked(facts: Facts, settled: Mapping[str, int], now: datetime) -> bool:
    """Whether a payment block of a running contract ends when so many yen of each invoice are settled. T8-15 [A8.1].

    `facts` are those before, `settled` is by the number of the invoice. Nothing else overdue may be left.
    """
    if facts.free_reissue or facts.contract is None or facts.contract.state != "accepted":
        return False
    late = _late(facts, now)
    rests = (msgspec.structs.replace(i, open_yen=i.open_yen - settled.get(i.number, 0)) for i in late)
    return bool(late) and not any(overdue(rest, jst_date(now), facts) for rest in rests)


def names_within_plan(facts: Facts, request: Request, now: datetime) -> Finding:
    """The contract lists no more names than were contracted. T8-13 [A8.2]."""
    contract = facts.contract
    if contract is None or contract.names_count > contract.names_max:
        return Breach("T8-13", "A8.2", "more names than contracted", Case.TOO_MANY_NAMES)
    return Satisfied("T8-13", "A8.2")


def _late(facts: Facts, now: datetime) -> list[Invoice]:
    return [i for i in facts.invoices if counts(i, facts, now) and overdue(i, jst_date(now), facts)]


def _note(invoice: Invoice, facts: Facts) -> str:
    small = invoice.open_yen <= _frozen(invoice, facts).small_difference_yen
    return f"{invoice.number} (a small rest: a person decides)" if small else invoice.number


def _frozen(invoice: Invoice, facts: Facts) -> InvoiceReadings:
    return of_invoice(facts.readings, invoice.created_at)
