"""Article 8: fee and payment (契約料金および支払い義務)."""

from datetime import date, datetime

from contract_gate.calendar import jst_date, roll
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts, Invoice
from contract_gate.readings import Readings, adopted


def last_day_in_time(invoice: Invoice, facts: Facts) -> date:
    """The last day on which payment is in time: a due date on a closed day moves as R-9 says. T8-4 [A8.1]."""
    return roll(invoice.due_on, _frozen(invoice, facts).due_roll, facts.holidays)


def bank_data_covers(invoice: Invoice, last_day: date, facts: Facts) -> bool:
    """Whether bank data of every account covers each day from the invoice to its last day in time. T8-6."""
    if facts.bank_data_from is None or facts.bank_data_through is None:
        return False
    return facts.bank_data_from <= invoice.issued_on and last_day <= facts.bank_data_through


def overdue(invoice: Invoice, today: date, facts: Facts) -> bool:
    """Whether the last day in time is over, JST, and all bank data up to it is known. T8-4, T8-5, T8-6 [A8.1]."""
    last_day = last_day_in_time(invoice, facts)
    unpaid = invoice.open_yen > _frozen(invoice, facts).tolerance_yen
    return unpaid and last_day < today and bank_data_covers(invoice, last_day, facts)


def counts(invoice: Invoice, facts: Facts, now: datetime) -> bool:
    """Whether the invoice can block the contract: a fee of the contract, or of its customer if so read. T8-15, R-13.

    An invoice of a tax difference never blocks (T8-11).
    """
    contract = facts.contract
    if contract is None or invoice.kind == "difference":
        return False
    whole_customer = adopted(facts.readings, contract.accepted_at or now).block_scope == "customer"
    return whole_customer or invoice.contract_id == contract.id


def no_payment_block(facts: Facts, request: Request, now: datetime) -> Finding:
    """No invoice that counts for the contract is overdue. T8-15, T8-7 [A8.1]."""
    today = jst_date(now)
    late = [_note(i, facts) for i in facts.invoices if counts(i, facts, now) and overdue(i, today, facts)]
    if late:
        return Breach("T8-15", "A8.1", f"overdue: {', '.join(late)}", Case.OVERDUE)
    return Satisfied("T8-15", "A8.1")


def names_within_plan(facts: Facts, request: Request, now: datetime) -> Finding:
    """The contract lists no more names than were contracted. T8-13 [A8.2]."""
    contract = facts.contract
    if contract is None or contract.names_count > contract.names_max:
        return Breach("T8-13", "A8.2", "more names than contracted", Case.TOO_MANY_NAMES)
    return Satisfied("T8-13", "A8.2")


def _note(invoice: Invoice, facts: Facts) -> str:
    small = invoice.open_yen <= _frozen(invoice, facts).small_difference_yen
    return f"{invoice.number} (a small rest: a person decides)" if small else invoice.number


def _frozen(invoice: Invoice, facts: Facts) -> Readings:
    return adopted(facts.readings, invoice.created_at)
