"""Article 23: end of the service (サービスの終了)."""

from collections.abc import Iterable
from datetime import date, datetime

from contract_gate.calendar import DAY, jst_date, period_end

MONTHS = 3


def earliest_end(delivered_on: date) -> date:
    """The first day, JST, at whose beginning the service may end for whom was told on `delivered_on`. T23-2 [A23.1].

    Three months, the day of delivery not counted.
    """
    return period_end(delivered_on + DAY, MONTHS)


def end_allowed(ends_on: date, delivered: Iterable[datetime | None]) -> bool:
    """Whether every recipient was told early enough; who was not told at all was not. T23-1, T23-2 [A23.1]."""
    return all(at is not None and earliest_end(jst_date(at)) <= ends_on for at in delivered)
