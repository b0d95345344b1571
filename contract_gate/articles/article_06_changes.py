"""Article 6: change of name, succession (変更手続き)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from unicodedata import normalize

import msgspec

from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts, Subject
from contract_gate.readings import FirstDay

IN_SUBJECT = frozenset({"organization", "address"})
DAYS_TO_REPORT = 30  # a succession, A6.2


def subject_unchanged(facts: Facts, request: Request, now: datetime) -> Finding:
    """No unresolved change touches what the next certificate would say. T6-4, T14-1 [A6.1].

    Organisation and address are in every reviewed subject; a new representative is registered and blocks nothing.
    """
    changed = [change.item for change in facts.changes if change.item in IN_SUBJECT]
    if changed:
        return Breach("T6-4", "A6.1", f"reported as changed: {', '.join(changed)}", Case.INFORMATION_CHANGED)
    return Satisfied("T6-4", "A6.1")


def effective_at(arrived_at: datetime, confirmed_at: datetime | None, done_at: datetime | None) -> datetime | None:
    """When a change takes effect: the latest of document arrived, fact confirmed, work done. T6-2 [A6.1].

    None while one of them is still to come.
    """
    if confirmed_at is None or done_at is None:
        return None
    return max(arrived_at, confirmed_at, done_at)


def last_day_to_report(succeeded_on: date, first_day: FirstDay) -> date:
    """The last day, JST, on which the successor reports in time. T6-3, R-7 [A6.2].

    Counted from the legal effective date (効力発生日), not from the day on which the register was updated.
    """
    days = DAYS_TO_REPORT if first_day == "not_counted" else DAYS_TO_REPORT - 1
    return succeeded_on + timedelta(days=days)


def late(succeeded_on: date, arrived_on: date, first_day: FirstDay) -> bool:
    """Whether a succession is reported late: a breach (A11.4.1), no automatic end. T6-3 [A6.2]."""
    return arrived_on > last_day_to_report(succeeded_on, first_day)


def touched(
    subjects: Iterable[Subject], organization: str | None, state_or_province: str | None, locality: str | None
) -> bool:
    """Whether a subject says something else than the new data. T6-4 [A6.1].

    `subjects` are those of live certificates and the reviewed one of the next; None is what did not change. An
    address below the locality, as well as a representative, is in no subject.
    """
    return any(
        (organization is not None and subject.organization != organization)
        or (state_or_province is not None and subject.state_or_province != state_or_province)
        or (locality is not None and subject.locality != locality)
        for subject in subjects
    )


def says_as(
    subject: Subject, reported: Iterable[Subject], organization: str | None, state_or_province: str | None,
    locality: str | None,
) -> bool:  # fmt: skip
    """Whether a subject of another contract has the name, or the place, that changed in a reported contract's. T6-4.

    Letter by letter: what is written otherwise (a branch, another spelling) is for people to judge.
    """
    moved = state_or_province is not None or locality is not None
    return any(
        (organization is not None and subject.organization == old.organization)
        or (moved and (subject.state_or_province, subject.locality) == (old.state_or_province, old.locality))
        for old in reported
    )


class Registered(msgspec.Struct, frozen=True):
    """What the corporate-number register says of a corporation."""

    name: str
    prefecture: str
    city: str
    street: str
    closed_on: date | None
    successor: str | None


def register_changes(before: Registered | None, found: Registered, name: str) -> tuple[str, ...]:
    """What the register says anew: `closure`, `successor`, `name`, `address`, `street`. T6-5 [A6.1].

    Against what it said last; at the first look against the customer's name, widths and spaces of no matter.
    """
    if before is None:
        renamed = ("name",) if plain(found.name) != plain(name) else ()
        return (*renamed, *(("closure",) if found.closed_on else ()), *(("successor",) if found.successor else ()))
    new = {
        "closure": found.closed_on is not None and found.closed_on != before.closed_on,
        "successor": found.successor is not None and found.successor != before.successor,
        "name": found.name != before.name,
        "address": (found.prefecture, found.city) != (before.prefecture, before.city),
        "street": found.street != before.street,
    }
    return tuple(item for item, is_new in new.items() if is_new)


def plain(name: str) -> str:
    """A name without differences of width and space."""
    return "".join(normalize("NFKC", name).split())
