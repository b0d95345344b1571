"""Article 9: settlement on early end (精算方法)."""

from datetime import date
from typing import Literal

import msgspec

from contract_gate.articles.article_25_liability import ceiling
from contract_gate.calendar import period_end

OURS = ("service_ended", "cause_of_ca")  # T9-5: no money moves by itself; other causes are not the CA's


class Billed(msgspec.Struct, frozen=True):
    """The one contract's own term (T9-6), what was billed for it and not credited, what of that is open, and what of
    the fee, without tax, was received.
    """

    issued_on: date | None
    starts_on: date | None
    months: int
    billed_yen: int
    open_yen: int
    received_fee_yen: int
    due_on: date | None


class Settlement(msgspec.Struct, frozen=True):
    """What is owed at the end of a contract; `ceiling_yen` only where two people have to decide (T9-5)."""

    outcome: Literal["nothing_owed", "whole_fee_owed", "proposal"]
    rule: str
    clause: str
    owed_yen: int
    open_yen: int
    due_on: date | None
    ceiling_yen: int | None


def settlement(bill: Billed, end_cause: str, ended_on: date) -> Settlement:
    """What an early end makes of the fee. T9-1, T9-2, T9-3, T9-5 [A9.1, A9.2].

    No certificate, nothing owed; else the whole fee on its own due date, which the end does not move (R-15), and
    nothing is returned. A cause of the CA's moves no money: the figures of Article 25 go before two people.
    """
    if bill.issued_on is None or bill.starts_on is None:
        return Settlement("nothing_owed", "T9-2", "A9.1", 0, 0, None, None)
    if end_cause in OURS:
        end = period_end(bill.starts_on, bill.months)
        most = ceiling(bill.received_fee_yen, bill.months, ended_on, end)
        return Settlement("proposal", "T9-5", "A9.1", bill.billed_yen, bill.open_yen, bill.due_on, most)
    return Settlement("whole_fee_owed", "T9-1", "A9.1", bill.billed_yen, bill.open_yen, bill.due_on, None)
