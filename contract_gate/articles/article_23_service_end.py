"""Article 23: end of the service (サービスの終了)."""

from collections.abc import Iterable
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


def end_allowed(ends_on: date, delivered: Iterable[datetime | None]) -> bool:
    """Whether every recipient was told early enough; who was not told at all was not. T23-1, T23-2 [A23.1]."""
    return all(at is not None and earliest_end(jst_date(at)) <= ends_on for at in delivered)


def service_goes_on(facts: Facts, request: Request, now: datetime) -> Finding:
    """The service has not come to the end that everybody was told of. T23-3 [A23.1]."""
    if any(s.clause == "A23.1" and in_effect(s, now) for s in facts.suspensions):
        return Breach("T23-3", "A23.1", "the service has ended", Case.ENDED)
    return Satisfied("T23-3", "A23.1")


def renewable(term_end: date, ends_on: date | None) -> bool:
    """Whether a renewal whose term ends then may be made: not past the end of the service. T23-3 [A23.1]."""
    return ends_on is None or term_end <= ends_on
