"""Adopted readings of the Terms that have a key (articles.md §0.3 and its register): dated rows, with defaults.

"Contracts and invoices freeze the values in force when they were made." So each key is one of a contract, by its
acceptance; of an invoice, by its creation; or of neither, such as a notice, and counts when that happens. `KEPT` says
which, and `as_of` is the only place that turns it into an instant.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

import msgspec

from contract_gate.calendar import Roll
from contract_gate.money import Apportion, Rounding


class Kept(StrEnum):
    """What keeps the value that was in force when it was made."""

    CONTRACT = "contract"
    INVOICE = "invoice"
    NEITHER = "neither"


KEPT: Mapping[str, Kept] = MappingProxyType(
    {
        "accept.lapse_days": Kept.CONTRACT,  # T12-8
        "block.scope": Kept.CONTRACT,  # T8-15
        "breach.material": Kept.CONTRACT,  # T11-12
        "cert.min_lifetime": Kept.CONTRACT,  # T12-5
        "consultation.scope": Kept.CONTRACT,  # T28-1
        "domains.swap": Kept.CONTRACT,  # T8-13, T14-3
        "due.roll": Kept.INVOICE,  # T8-4
        "eligibility.base_all": Kept.CONTRACT,  # T3-1; of an application that is none yet: now
        "invoice.names": Kept.INVOICE,  # T8-14
        "money.rounding": Kept.CONTRACT,  # T8-10: of every invoice and credit of the contract alike
        "nonpayment.revoke": Kept.CONTRACT,  # T11-7; see `spared`
        "notice.postal_days": Kept.NEITHER,  # T5-2: when the letter is posted
        "notice.result_within": Kept.NEITHER,  # T11-6: when what was asked for is revoked, or refused
        "payment.small_difference": Kept.INVOICE,  # T8-15
        "payment.tolerance": Kept.INVOICE,  # T8-5
        "period.first_day": Kept.CONTRACT,  # T6-3
        "reissue.window": Kept.CONTRACT,  # T12-3
        "renewal.issues": Kept.CONTRACT,  # T12-6: of the contract that is renewed
        "renewal.opens": Kept.CONTRACT,  # T12-6
        "review.document_max_age": Kept.CONTRACT,  # T4-3; of an application that is none yet: now
        "review.rejected_docs": Kept.NEITHER,  # T4-7: of what formed no contract
        "seal.scope": Kept.CONTRACT,  # T4-10
        "service_end.certs": Kept.NEITHER,  # T23-3: when two people decide the end of the service
        "tax.apportion": Kept.CONTRACT,  # T8-9
        "tax.diff_due": Kept.CONTRACT,  # T8-11
        "term.first_day": Kept.CONTRACT,  # T12-2
        "terms.min_notice_days": Kept.NEITHER,  # T20-1: when a version of the Terms is announced
    }
)


def as_of(key: str, kept: Kept, made_at: datetime | None, now: datetime) -> datetime:
    """The instant at which a key is read of something that keeps it as `kept` says and was made then.

    Of what is not made yet (an application), and of what is neither contract nor invoice, it is now. Raises ValueError
    when the key is kept by something else: then this is not the thing to ask of.
    """
    if KEPT[key] is not kept:
        raise ValueError(f"the reading {key} is one of {KEPT[key]}, not of {kept}")
    return now if kept is Kept.NEITHER or made_at is None else made_at


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


class ContractReadings(msgspec.Struct, frozen=True):
    """What was adopted for a contract, of what gate and bills ask."""

    block_scope: Literal["contract", "customer"]
    min_lifetime: timedelta
    first_day: Literal["counted", "not_counted"]
    rounding: Rounding
    apportion: Apportion
    diff_due: Literal["next_month_end", "claim_date"]


class InvoiceReadings(msgspec.Struct, frozen=True):
    """What was adopted for an invoice."""

    due_roll: Roll
    small_difference_yen: int
    tolerance_yen: int


def of_contract(rows: Iterable[Reading], accepted_at: datetime | None, now: datetime) -> ContractReadings:
    """The readings that a contract keeps; of one that is not accepted yet those of now.

    Raises ValueError for a value that no reading has: nothing is decided by a guess.
    """
    values = {row.key: row.value for row in _in_force(rows, Kept.CONTRACT, accepted_at, now)}
    return _of_contract(values) if values else DEFAULT


def of_invoice(rows: Iterable[Reading], created_at: datetime) -> InvoiceReadings:
    """The readings that an invoice keeps. Raises ValueError for a value that no reading has."""
    values = {row.key: row.value for row in _in_force(rows, Kept.INVOICE, created_at, created_at)}
    return _of_invoice(values) if values else DEFAULT_OF_INVOICE


def _in_force(rows: Iterable[Reading], kept: Kept, made_at: datetime | None, now: datetime) -> list[Reading]:
    """Rows of what `kept` keeps that were in force when it was made, the newest last."""
    found = [
        row for row in rows if KEPT.get(row.key) is kept and row.effective_at <= as_of(row.key, kept, made_at, now)
    ]
    return sorted(found, key=lambda row: row.effective_at)


def _of_contract(values: Mapping[str, str]) -> ContractReadings:
    chosen = {**DEFAULTS, **values}
    with _said():
        return msgspec.convert(
            {
                "block_scope": chosen["block.scope"],
                "min_lifetime": timedelta(days=int(chosen["cert.min_lifetime"])),
                "first_day": chosen["term.first_day"],
                "rounding": chosen["money.rounding"],
                "apportion": chosen["tax.apportion"],
                "diff_due": chosen["tax.diff_due"],
            },
            ContractReadings,
        )


def _of_invoice(values: Mapping[str, str]) -> InvoiceReadings:
    chosen = {**DEFAULTS, **values}
    with _said():
        return msgspec.convert(
            {
                "due_roll": chosen["due.roll"],
                "small_difference_yen": int(chosen["payment.small_difference"]),
                "tolerance_yen": int(chosen["payment.tolerance"]),
            },
            InvoiceReadings,
        )


@contextmanager
def _said() -> Iterator[None]:
    """A value that cannot be is said to be a reading's."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a reading in gate.readings has a value it cannot have: {error}") from error


DEFAULT, DEFAULT_OF_INVOICE = _of_contract({}), _of_invoice({})


LIFE_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        "accept.lapse_days": "180",  # R-28, T12-8
        "nonpayment.revoke": "manual",  # R-16, T11-7: manual, or after how many days it happens by itself
        "reissue.window": "30",  # days, R-20, T12-3
        "renewal.issues": "30",  # days before the old term ends, T12-6
        "renewal.opens": "90",  # the same
        "review.document_max_age": "3",  # months, T4-3
        "review.rejected_docs": "destroy",  # R-5, T4-7: destroy, or the days for which the CP/CPS wants them archived
    }
)


def days_of(key: str, value: str | None) -> int:
    """A reading that is a number, 1 or more: its row's value, else the one adopted. Raises ValueError for another."""
    found = int(LIFE_DEFAULTS[key] if value is None else value)
    if found < 1:
        raise ValueError(f"the reading {key} in gate.readings is below 1: {found}")
    return found


class RenewalWindow(msgspec.Struct, frozen=True):
    """How long before the old term ends a renewal may be applied for, and may issue (T12-6)."""

    opens: timedelta
    issues: timedelta


WIDEST = timedelta(days=90)  # the signer refuses terms that would begin later after their first certificate


def renewal_window(rows: Iterable[Reading], accepted_at: datetime | None, now: datetime) -> RenewalWindow:
    """What a contract keeps of it. Raises ValueError for a value that none has."""
    values = {row.key: row.value for row in _in_force(rows, Kept.CONTRACT, accepted_at, now)}
    return RenewalWindow(*(window_of(key, values.get(key)) for key in ("renewal.opens", "renewal.issues")))


def window_of(key: str, value: str | None) -> timedelta:
    """One of the two, 90 days at most. Raises ValueError for another."""
    found = timedelta(days=days_of(key, value))
    if found > WIDEST:
        raise ValueError(f"the reading {key} in gate.readings is above {WIDEST.days}: {value}")
    return found


def rounding_of(value: str | None) -> Rounding:
    """How yen are rounded: its row's value, else the one adopted (R-1). Raises ValueError for another."""
    return _of_contract({} if value is None else {"money.rounding": value}).rounding


def archive_of(value: str | None) -> timedelta:
    """How long documents of a rejected application are kept (R-5). Raises ValueError for a value that none has."""
    found = LIFE_DEFAULTS["review.rejected_docs"] if value is None else value
    return timedelta(days=0 if found == "destroy" else int(found))


def grace_of(value: str | None) -> timedelta | None:
    """After it a fee's default revokes by itself; None: only two people decide that (R-16). Raises ValueError."""
    found = LIFE_DEFAULTS["nonpayment.revoke"] if value is None else value
    return None if found == "manual" else timedelta(days=days_of("nonpayment.revoke", found))


def spared(kept: timedelta | None, today: timedelta | None) -> timedelta | None:
    """The grace of a running contract: what it was made with, or today's where that is longer, or `manual`.

    Revoking is the CA's right, not its duty (A11.4: "may"). So a later reading can spare a contract and never harm one.
    """
    return None if kept is None or today is None else max(kept, today)


LONGEST_NOTICE = 365  # days of any kind: nobody means more
NOTICE_DEFAULTS: Mapping[str, int] = MappingProxyType(
    {
        "notice.postal_days": 3,  # bank days, T5-2
        "notice.result_within": 1,  # bank days, T11-6
        "terms.min_notice_days": 30,  # R-22, T20-1
    }
)


def notice_reading(key: str, value: str | None) -> int:
    """A reading of notices: its row's value, else its default. Raises ValueError below 1 (R-22) and above a year."""
    found = NOTICE_DEFAULTS[key] if value is None else int(value)
    if found < 1:
        raise ValueError(f"the reading {key} in gate.readings is below 1: {found}")
    if found > LONGEST_NOTICE:
        raise ValueError(f"the reading {key} in gate.readings is above {LONGEST_NOTICE}: {found}")
    return found


FirstDay = Literal["counted", "not_counted"]

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(  # the first is adopted unless a row says otherwise
    {
        "breach.material": ("recorded", "decided"),  # R-17, T11-12: decided: by the decision to revoke too
        "domains.swap": ("yes", "no"),  # R-12, T8-13: no: a name comes with a new contract only
        "eligibility.base_all": ("yes", "no"),  # R-3, T3-1: no: sole proprietors need no base of activity in Japan
        "invoice.names": ("customer", "payer"),  # whom a qualified invoice names, T8-14; read by gate.issue_invoice
        "period.first_day": ("not_counted", "counted"),  # R-7, T6-3
        "seal.scope": ("registrable_domain", "same_host"),  # R-6, T4-10
        "service_end.certs": ("chosen", "revoke", "run_off"),  # R-23, T23-3: chosen in the decision, or always so
        "consultation.scope": ("reminders,auto,A11.4.4", "reminders,auto", "reminders"),  # R-26, T28-1
    }
)


def choice(key: str, value: str | None) -> str:
    """A reading that is one of a few words: its row's value, else the one adopted. Raises ValueError for another."""
    found = CHOICES[key][0] if value is None else value
    if found not in CHOICES[key]:
        raise ValueError(f"the reading {key} in gate.readings is none of {', '.join(CHOICES[key])}: {found}")
    return found
