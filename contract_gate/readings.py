"""Adopted readings of the Terms that have a key and that the gate uses (articles.md §0.3 and its register).

Rows are dated; contracts and invoices keep the values that were in force when they were made.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

import msgspec

from contract_gate.calendar import Roll
from contract_gate.money import Apportion, Rounding

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "block.scope": "contract",  # contract, customer
        "cert.min_lifetime": "1",  # days, T12-5
        "due.roll": "next",  # next, previous, none
        "money.rounding": "floor",  # floor, ceiling, half_up
        "payment.small_difference": "1000",  # yen, T8-15
        "payment.tolerance": "0",  # yen, T8-5
        "tax.apportion": "month_end",  # month_end, whole_at_end, whole_at_start
        "tax.diff_due": "next_month_end",  # next_month_end, claim_date
        "term.first_day": "counted",  # counted, not_counted
    }
)


class Reading(msgspec.Struct, frozen=True):
    """One dated row of a reading."""

    key: str
    effective_at: datetime
    value: str


class Readings(msgspec.Struct, frozen=True):
    """What was adopted at an instant."""

    block_scope: Literal["contract", "customer"]
    min_lifetime: timedelta
    due_roll: Roll
    small_difference_yen: int
    tolerance_yen: int
    first_day: Literal["counted", "not_counted"]
    rounding: Rounding = "floor"
    apportion: Apportion = "month_end"
    diff_due: Literal["next_month_end", "claim_date"] = "next_month_end"


def adopted(rows: Iterable[Reading], at: datetime) -> Readings:
    """The readings in force at an instant; a key without a row has its default.

    Raises ValueError for a value that no reading has: nothing is decided by a guess.
    """
    in_force = sorted((row for row in rows if row.effective_at <= at), key=lambda row: row.effective_at)
    return _readings({row.key: row.value for row in in_force}) if in_force else DEFAULT


def _readings(values: Mapping[str, str]) -> Readings:
    chosen = {**DEFAULTS, **values}
    try:
        return msgspec.convert(
            {
                "block_scope": chosen["block.scope"],
                "min_lifetime": timedelta(days=int(chosen["cert.min_lifetime"])),
                "due_roll": chosen["due.roll"],
                "small_difference_yen": int(chosen["payment.small_difference"]),
                "tolerance_yen": int(chosen["payment.tolerance"]),
                "first_day": chosen["term.first_day"],
                "rounding": chosen["money.rounding"],
                "apportion": chosen["tax.apportion"],
                "diff_due": chosen["tax.diff_due"],
            },
            Readings,
        )
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a reading in gate.readings has a value it cannot have: {error}") from error


DEFAULT = _readings({})
