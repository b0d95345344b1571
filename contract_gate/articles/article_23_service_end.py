"""Article 23: end of the service (サービスの終了)."""

from datetime import date, datetime

from contract_gate.articles.article_10_suspension import in_effect
from contract_gate.calendar import DAY, jst_date, period_end
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts

MONTHS = 3


def earliest_end(delivered_on: date) -> date:
    """The first day, JST, at whose beginning the service may end for whom was told on `delivered_on`. T23-2 [A23.1].

    Three months, the day of delivery not counted.
    """
    return period_end(delivered_on + DAY, MONTHS)


def told_in_time(ends_on: date, delivered_at: datetime | None, *, announced: bool) -> bool:
    """Whether a recipient was told early enough; who was not told at all was not. T23-1, T23-2 [A23.1].

    Three months ahead are owed to the contracts that live when the end is decided. A contract accepted later is formed
    with the end `announced`: it is told too, before that day, and moves it no further.
    """
    if delivered_at is None:
        return False
    told_on = jst_date(delivered_at)
    return told_on < ends_on if announced else earliest_end(told_on) <= ends_on


def service_goes_on(facts: Facts, request: Request, now: datetime) -> Finding:
    """The service has not come to the end that everybody was told of. T23-3 [A23.1]."""
    if any(s.clause == "A23.1" and in_effect(s, now) for s in facts.suspensions):
        return Breach("T23-3", "A23.1", "the service has ended", Case.ENDED)
    return Satisfied("T23-3", "A23.1")


def renewable(term_end: date, ends_on: date | None) -> bool:
    """Whether a renewal whose term ends then may be made: not past the end of the service. T23-3 [A23.1]."""
    return ends_on is None or term_end <= ends_on
