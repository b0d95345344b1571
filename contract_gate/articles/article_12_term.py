"""Article 12: term (契約有効期間)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from contract_gate.calendar import DAY, day_start, jst_date, period_end
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Contract, Facts, Predecessor
from contract_gate.readings import Reading, of_contract

SECOND = timedelta(seconds=1)
LAPSE_ANNOUNCED = timedelta(days=30)  # before, T12-8

# The states of a contract as they are stored (articles.md §0.3): `active` is accepted with a first certificate.
CHANGES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "applied": frozenset({"under_review", "withdrawn"}),
        "under_review": frozenset({"awaiting_customer", "withdrawn", "rejected", "accepted"}),
        "awaiting_customer": frozenset({"under_review", "withdrawn", "rejected"}),
        "accepted": frozenset({"ended"}),
        "withdrawn": frozenset(),
        "rejected": frozenset(),
        "ended": frozenset(),
    }
)


def before(state: str) -> list[str]:
    """The states from which a contract may come into this one (§0.3)."""
    return sorted(old for old, new in CHANGES.items() if state in new)


def lapses_at(accepted_at: datetime, days: int) -> datetime:
    """When an accepted contract without a certificate lapses. T12-8 [A12.1]."""
    return accepted_at + timedelta(days=days)


def renewable_from(term_ends_at: datetime, opens: timedelta) -> datetime:
    """The instant at which a renewal may be applied for: so long before the end, `renewal.opens`. T12-6 [A12.1]."""
    return term_ends_at - opens


def serves_from(link: str, old_term_ends_at: datetime | None, accepted_at: datetime, issues: timedelta) -> datetime:
    """From when new orders belong to the successor. T12-7 [A12.1].

    A renewal: `renewal.issues` before the old end, or its acceptance if that is later. A change: its acceptance.
    """
    if link == "change" or old_term_ends_at is None:
        return accepted_at
    return max(accepted_at, old_term_ends_at - issues)


def last_certificate_gone(live: Iterable[datetime], now: datetime) -> bool:
    """Whether no certificate is alive: `live` holds notAfter of each that is not revoked. T12-3, R-20."""
    return all(not_after <= now for not_after in live)


def accepted(facts: Facts, request: Request, now: datetime) -> Finding:
    """The contract was accepted: it starts at that instant. T12-2 [A12.1]."""
    contract = facts.contract
    if contract is None or contract.accepted_at is None or contract.state not in ("accepted", "ended"):
        return Breach("T12-2", "A12.1", "the contract is not accepted", Case.NOT_ACCEPTED)
    return Satisfied("T12-2", "A12.1")


def not_ended(facts: Facts, request: Request, now: datetime) -> Finding:
    """No end of the contract is recorded. T12-3 [A12.1]. Only an end by time points to renewal (T0-3)."""
    contract = facts.contract
    if contract is None or contract.state == "ended":
        cause = contract.end_cause if contract else None
        case = Case.RENEWAL_NEEDED if cause == "expired" else Case.ENDED
        return Breach("T12-3", "A12.1", f"the contract has ended: {cause}", case)
    return Satisfied("T12-3", "A12.1")


def within_term(facts: Facts, request: Request, now: datetime) -> Finding:
    """The term has not run out; going on is a new contract. T12-1, T12-4 [A12.1]."""
    end = term_end(facts, now)
    if end is None or now >= end:
        return Breach("T12-4", "A12.1", "the term has run out", Case.RENEWAL_NEEDED)
    return Satisfied("T12-4", "A12.1")


def long_enough(facts: Facts, request: Request, now: datetime) -> Finding:
    """A certificate would be valid for at least `cert.min_lifetime`. T12-5 [A12.1]."""
    contract = facts.contract
    if contract is not None:
        limit = not_after_limit(facts, request, now)
        not_after = min(limit, request.not_after or limit)
        if not_after >= max(now, request.not_before or now) + _min_lifetime(contract, facts, now):
            return Satisfied("T12-5", "A12.1")
    return Breach("T12-5", "A12.1", "too little of the term is left", Case.TOO_SHORT)


def not_after_limit(facts: Facts, request: Request, now: datetime) -> datetime:
    """The latest notAfter, UTC, whole seconds: profile lifetime or a second before the term ends. T12-5 [A12.1].

    An unknown contract has no time left.
    """
    end = term_end(facts, now)
    limit = min(now + request.lifetime, end - SECOND) if end else now
    return limit.astimezone(UTC).replace(microsecond=0)


def term_end(facts: Facts, now: datetime) -> datetime | None:
    """The exclusive end of the paid term. T12-2, T12-6 [A12.1].

    Counted from the issuance date of the first certificate, before it exists from today; a renewal's term
    starts at the old end.
    """
    if facts.contract is None:
        return None
    return term_end_of(facts.contract, facts.predecessors, facts.readings, now)


def term_end_of(
    contract: Contract | Predecessor, predecessors: Sequence[Predecessor], readings: Sequence[Reading], now: datetime
) -> datetime:
    """The same of a contract and the line of contracts before it, nearest first."""
    return day_start(period_end(term_start_of(contract, predecessors, readings, now), contract.term_months))


def term_start_of(
    contract: Contract | Predecessor, predecessors: Sequence[Predecessor], readings: Sequence[Reading], now: datetime
) -> date:
    """The first day of the paid term, which is counted. T12-2, T12-6 [A12.1], R-19."""
    old_end: date | None = None
    for predecessor in reversed(predecessors):
        start = _first_day(predecessor, old_end, readings, now)
        old_end = period_end(start, predecessor.term_months) if _renewable(predecessor) else None
    return _first_day(contract, old_end, readings, now)


def _renewable(predecessor: Predecessor) -> bool:
    """Whether its term runs to its end, so that a renewal continues it (T12-6); not after another end, nor where
    a change made a contract of its own (T14-1).
    """
    if predecessor.link == "change":
        return False
    return predecessor.started_at is not None and predecessor.end_cause in (None, "expired")


def _first_day(
    contract: Contract | Predecessor, old_end: date | None, readings: Sequence[Reading], now: datetime
) -> date:
    first_day = old_end or jst_date(contract.started_at or now)
    counted = old_end or of_contract(readings, contract.accepted_at, now).first_day == "counted"
    return first_day if counted else first_day + DAY


def _min_lifetime(contract: Contract, facts: Facts, now: datetime) -> timedelta:
    return of_contract(facts.readings, contract.accepted_at, now).min_lifetime
