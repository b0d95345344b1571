"""Contract days: Japan Standard Time, month ends, terms and bank days (articles.md §0.2, T26-1)."""

from collections.abc import Set
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

JST = timezone(timedelta(hours=9), "JST")
DAY = timedelta(days=1)
SATURDAY = 5
YEARS = range(2000, 2200)  # of the days that people may name: beyond them the database knows infinite ones

Roll = Literal["next", "previous", "none"]


def jst_date(at: datetime) -> date:
    """The calendar day of an instant in Japan."""
    return at.astimezone(JST).date()


def day_start(day: date) -> datetime:
    """The instant, in UTC, at which a day begins in Japan."""
    return datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC)


def next_month_end(day: date) -> date:
    """The last day of the month after that of `day`. T8-2."""
    return _first_of_month(day, 2) - DAY


def period_end(start: date, months: int) -> date:
    """The exclusive end of `months` months from `start`, which is counted.

    The same day of a later month; where that month has no such day, the first day of the month after it.
    """
    first = _first_of_month(start, months)
    same_day = first + (start.day - 1) * DAY
    return same_day if same_day.month == first.month else _first_of_month(first, 1)


def full_months(start: date, end: date) -> int:
    """The greatest number of months from `start` whose `period_end` is not after `end`; 0 if there is none."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and period_end(start, months) > end:
        months -= 1
    return max(months, 0)


def bank_day(day: date, holidays: Set[date]) -> bool:
    """Whether banks are open: no weekend, no holiday, not 31 December to 3 January."""
    year_end = (day.month, day.day) == (12, 31) or (day.month == 1 and day.day <= 3)
    return day.weekday() < SATURDAY and not year_end and day not in holidays


def bank_days_between(first: date, last: date, holidays: Set[date]) -> int:
    """How many bank days lie after `first` and before `last`."""
    return sum(bank_day(first + n * DAY, holidays) for n in range(1, (last - first).days))


def bank_days_after(day: date, number: int, holidays: Set[date]) -> date:
    """The last of so many bank days after `day`, which is not counted, whether banks are open on it or not."""
    for _ in range(number):
        day += DAY
        while not bank_day(day, holidays):
            day += DAY
    return day


def roll(day: date, rule: Roll, holidays: Set[date]) -> date:
    """The bank day that stands for `day`: itself if open, else as `due.roll` says. T8-4, R-9."""
    if rule == "none":
        return day
    step = DAY if rule == "next" else -DAY
    while not bank_day(day, holidays):
        day += step
    return day


def _first_of_month(day: date, months_later: int) -> date:
    months = day.year * 12 + day.month - 1 + months_later
    return date(months // 12, months % 12 + 1, 1)
