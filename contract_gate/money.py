"""Yen, basis points and dated tax rates; a fee split by months (articles.md §0.2, T8-8 to T8-11). Integers only."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Literal

import msgspec

from contract_gate.calendar import DAY, period_end

Rounding = Literal["floor", "ceiling", "half_up"]
Apportion = Literal["month_end", "whole_at_end", "whole_at_start"]

WHOLE = 10_000  # basis points


class TaxRate(msgspec.Struct, frozen=True):
    """The rate of services complete from that day on."""

    effective_on: date
    basis_points: int


class Share(msgspec.Struct, frozen=True):
    """The months of a term that take one rate, and their part of the fee, without tax."""

    basis_points: int
    months: int
    base_yen: int


class Line(msgspec.Struct, frozen=True):
    """All that an invoice asks at one rate: months, base, and the tax on that base."""

    basis_points: int
    months: int
    base_yen: int
    tax_yen: int


# As the law has them: a database begins with these rows. The postponed 10 % of 2015 never took effect.
RATES = (
    TaxRate(date(1989, 4, 1), 300),
    TaxRate(date(1997, 4, 1), 500),
    TaxRate(date(2014, 4, 1), 800),
    TaxRate(date(2019, 10, 1), 1000),
)


def divided(yen: int, by: int, rounding: Rounding) -> int:
    """Whole yen of a quotient, as `money.rounding` says; halves go away from zero. R-1."""
    whole, rest = divmod(abs(yen), by)
    sign = -1 if yen < 0 else 1
    if rounding == "half_up":
        return sign * (whole + (2 * rest >= by))
    return -(-yen // by) if rounding == "ceiling" else yen // by


def rate_on(rates: Sequence[TaxRate], day: date) -> int:
    """The rate, in basis points, of a service complete on that day; 0 before the first row. T8-8."""
    known = [rate for rate in rates if rate.effective_on <= day]
    return max(known, key=lambda rate: rate.effective_on).basis_points if known else 0


def tax(base_yen: int, basis_points: int, rounding: Rounding) -> int:
    """The tax on the sum of one rate's bases. T8-10 [A8.1], R-1."""
    return divided(base_yen * basis_points, WHOLE, rounding)


def month_rates(start: date, months: int, rates: Sequence[TaxRate], apportion: Apportion) -> list[int]:
    """The rate of each month of a term: that of the month's last day, unless the whole term takes one. T8-9, R-10.

    Boundaries are counted from the start of the term, never from one month to the next.
    """
    if apportion == "whole_at_start":
        return [rate_on(rates, start)] * months
    last_days = [period_end(start, month) - DAY for month in range(1, months + 1)]
    if apportion == "whole_at_end":
        last_days = last_days[-1:] * months
    return [rate_on(rates, day) for day in last_days]


def split(fee_yen: int, rates_by_month: Sequence[int]) -> tuple[Share, ...]:
    """The fee by runs of months of one rate: earlier runs floor, the last takes the remainder. T8-10 [A8.1]."""
    runs = [(rate, len(list(run))) for rate, run in groupby(rates_by_month)]
    parts = [fee_yen * months // len(rates_by_month) for _, months in runs[:-1]]
    parts.append(fee_yen - sum(parts))
    return tuple(Share(rate, months, part) for (rate, months), part in zip(runs, parts, strict=True))


def lines(shares: Sequence[Share], rounding: Rounding) -> tuple[Line, ...]:
    """One line a rate, in the order the rates first come; tax once per rate, never per share. T8-10 [A8.1]."""
    found = dict.fromkeys(share.basis_points for share in shares)
    return tuple(_line(rate, [s for s in shares if s.basis_points == rate], rounding) for rate in found)


def split_parts(parts: Sequence[tuple[int, int]], rates_by_month: Sequence[int]) -> tuple[Share, ...]:
    """Parts of a fee, months and base of each, one after another, each by runs of months of one rate. T8-10 [A8.1]."""
    found: list[Share] = []
    at = 0
    for months, base in parts:
        found += split(base, rates_by_month[at : at + months])
        at += months
    return tuple(found)


def tax_in_credit(yen: int, basis_points: int, base_left: int, tax_left: int, rounding: Rounding) -> int:
    """The tax in a credit of `yen`, tax included, of a line of which so much base and tax is left. T8-10, R-1.

    Rounded once, and moved by what rounding of earlier credits left over, so that no line falls below 0 and the credit
    of all that is left leaves neither base nor tax.
    """
    own = divided(yen * basis_points, WHOLE + basis_points, rounding)
    return max(0, min(max(own, yen - base_left), tax_left))


def tax_within(yen: int, left: Sequence[tuple[int, int]], rounding: Rounding) -> int:
    """The tax in `yen`, tax included, of lines of which so much base and tax is left: in proportion, rounded once per
    rate; all of it in all that is left. R-1
    """
    whole = sum(base + tax_yen for base, tax_yen in left)
    if yen >= whole:
        return sum(tax_yen for _, tax_yen in left)
    return min(yen, sum(divided(yen * tax_yen, whole, rounding) for _, tax_yen in left))


def total(billed: Sequence[Line]) -> int:
    """What the lines come to, tax included."""
    return sum(line.base_yen + line.tax_yen for line in billed)


def _line(rate: int, shares: Sequence[Share], rounding: Rounding) -> Line:
    base = sum(share.base_yen for share in shares)
    return Line(rate, sum(share.months for share in shares), base, tax(base, rate, rounding))
