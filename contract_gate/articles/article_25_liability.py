"""Article 25: liability of the CA (セコムの責任)."""

from collections.abc import Mapping
from datetime import date

import msgspec

from contract_gate.calendar import full_months

EXCLUSIONS = tuple(f"A25.1.{item}" for item in range(1, 12))


class Proposal(msgspec.Struct, frozen=True):
    """What the CA may have to pay at most, and what it proposes to; `excluded_by` are the items a person affirmed."""

    ceiling_yen: int
    proposed_yen: int
    excluded_by: tuple[str, ...]


def ceiling(received_fee_yen: int, term_months: int, incident_on: date, term_end: date) -> int:
    """The part of the fee received, without tax, for the full months left at the incident. T25-1, T25-2, R-24.

    Months are counted from the incident, never one by one; nothing received, nothing to pay.
    """
    left = min(full_months(incident_on, term_end), term_months)
    return received_fee_yen * left // term_months


def proposal(damage_yen: int, ceiling_yen: int, answers: Mapping[str, bool]) -> Proposal:
    """The proven direct ordinary damage up to the ceiling; 0 if any exclusion applies. T25-1, T25-3 [A25.1.1-11].

    Raises ValueError unless a person answered each of the eleven exclusions.
    """
    if missing := [item for item in EXCLUSIONS if item not in answers]:
        raise ValueError(f"not answered: {', '.join(missing)}")
    excluded = tuple(item for item in EXCLUSIONS if answers[item])
    return Proposal(ceiling_yen, 0 if excluded else min(damage_yen, ceiling_yen), excluded)
