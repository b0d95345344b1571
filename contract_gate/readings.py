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


LIFE_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "accept.lapse_days": "180",  # R-28, T12-8
        "nonpayment.revoke": "manual",  # R-16, T11-7: manual, or after how many days it happens by itself
        "reissue.window": "30",  # days, R-20, T12-3
        "review.document_max_age": "3",  # months, T4-3
        "review.rejected_docs": "destroy",  # R-5, T4-7: destroy, or the days for which the CP/CPS wants them archived
    }
)


class LifeReadings(msgspec.Struct, frozen=True):
    """What was adopted of the life of a contract. `archive`: how long documents of a rejected application are kept.

    `nonpayment_grace`: after it the fee's default revokes by itself; None: only two people decide that.
    """

    lapse_days: int
    reissue_window: timedelta
    document_months: int
    archive: timedelta
    nonpayment_grace: timedelta | None


def adopted_life(rows: Iterable[Reading], at: datetime) -> LifeReadings:
    """The readings of the life of a contract in force at an instant. Raises ValueError for a value that none has."""
    in_force = sorted((row for row in rows if row.effective_at <= at), key=lambda row: row.effective_at)
    chosen = {**LIFE_DEFAULTS, **{row.key: row.value for row in in_force}}
    kept, revoked = chosen["review.rejected_docs"], chosen["nonpayment.revoke"]
    numbers = {key: int(chosen[key]) for key in ("accept.lapse_days", "reissue.window", "review.document_max_age")}
    if min(*numbers.values(), 1 if revoked == "manual" else int(revoked)) < 1:
        raise ValueError(f"a reading in gate.readings is below 1: {numbers}")
    return LifeReadings(
        lapse_days=numbers["accept.lapse_days"],
        reissue_window=timedelta(days=numbers["reissue.window"]),
        document_months=numbers["review.document_max_age"],
        archive=timedelta(days=0 if kept == "destroy" else int(kept)),
        nonpayment_grace=None if revoked == "manual" else timedelta(days=int(revoked)),
    )


NOTICE_DEFAULTS: Mapping[str, int] = MappingProxyType(
    {
        "notice.postal_days": 3,  # bank days, T5-2
        "terms.min_notice_days": 30,  # R-22, T20-1
    }
)


def notice_reading(key: str, value: str | None) -> int:
    """A reading of notices: its row's value, else its default. Raises ValueError for one below 1 (R-22)."""
    found = NOTICE_DEFAULTS[key] if value is None else int(value)
    if found < 1:
        raise ValueError(f"the reading {key} in gate.readings is below 1: {found}")
    return found


FirstDay = Literal["counted", "not_counted"]

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(  # the first is adopted unless a row says otherwise
    {
        "invoice.names": ("customer", "payer"),  # whom a qualified invoice names, T8-14; read by gate.issue_invoice
        "period.first_day": ("not_counted", "counted"),  # R-7, T6-3
        "seal.scope": ("registrable_domain", "same_host"),  # R-6, T4-10
        "consultation.scope": ("reminders,auto,A11.4.4", "reminders,auto", "reminders"),  # R-26, T28-1
    }
)


def choice(key: str, value: str | None) -> str:
    """A reading that is one of a few words: its row's value, else the one adopted. Raises ValueError for another."""
    found = CHOICES[key][0] if value is None else value
    if found not in CHOICES[key]:
        raise ValueError(f"the reading {key} in gate.readings is none of {', '.join(CHOICES[key])}: {found}")
    return found
