"""Article 4: review, binding keys, names (証明書の発行等の手続き)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from contract_gate.application import Application
from contract_gate.calendar import DAY, jst_date, period_end
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.domains import covers, in_scope
from contract_gate.facts import Facts

REVIEW_ITEMS = ("legal_existence", "address", "domain_right", "applicant_authority", "screening")

# BR 4.2.1: how many days organisation data may be used, by the day of issuance; newest first.
REUSE_DAYS: Sequence[tuple[date, int]] = ((date(2026, 3, 15), 398), (date.min, 825))
REVALIDATION = timedelta(days=60)  # how long before review data is too old a new review is begun


def reuse_days(issued_on: date) -> int:
    """How old organisation data may be on the day of issuance. T4-4."""
    return next(days for since, days in REUSE_DAYS if issued_on >= since)


def stale_on(obtained_on: date) -> date:
    """The first day, JST, on which data obtained on that day is too old to issue from. T4-4."""
    firsts = []
    until = date.max
    for since, days in REUSE_DAYS:
        if (first := max(since, obtained_on + timedelta(days=days + 1))) < until:
            firsts.append(first)
        until = since
    return min(firsts)


def due_when_obtained_by(today: date) -> date:
    """Data obtained on this day or before wants a new review today, younger data does not. T4-4."""
    through = today + REVALIDATION
    found = []
    until = date.max
    for since, days in REUSE_DAYS:
        if since <= through:
            found.append(min(through, until - DAY) - timedelta(days=days + 1))
        until = since
    return max(found)


def review_complete(facts: Facts, request: Request, now: datetime) -> Finding:
    """Every item of the review is positive, and its subject is recorded. T4-3 [A4.2]."""
    positive = {item.kind for item in facts.review if item.verdict == "positive"}
    missing = [kind for kind in REVIEW_ITEMS if kind not in positive]
    if facts.subject is None:
        missing.append("subject")
    if missing:
        return Breach("T4-3", "A4.2", f"not reviewed: {', '.join(missing)}", Case.REVIEW_INCOMPLETE)
    return Satisfied("T4-3", "A4.2")


def review_fresh(facts: Facts, request: Request, now: datetime) -> Finding:
    """No review data is too old on the day of issuance, JST, or from a day to come. T4-4 [A4.2]."""
    today = jst_date(now)
    limit = reuse_days(today)
    stale = [item.kind for item in facts.review if not 0 <= (today - item.obtained_on).days <= limit]
    if stale:
        return Breach("T4-4", "A4.2", f"older than {limit} days: {', '.join(stale)}", Case.REVIEW_STALE)
    return Satisfied("T4-4", "A4.2")


def bound(facts: Facts, request: Request, now: datetime) -> Finding:
    """The account was made with a live binding key of this contract, or of one that it follows (T12-7). T4-2 [A4.1].

    A withdrawn or expired key stops the orders of its accounts at once.
    """
    key, contract = facts.binding, facts.contract
    if key is None or contract is None:
        return _unbound("no binding key of a contract")
    if key.contract_id != contract.id and key.contract_id not in {p.contract_id for p in facts.predecessors}:
        return _unbound("the binding key belongs to another contract")
    if key.withdrawn_at is not None:
        return _unbound("the binding key is withdrawn")
    if key.expires_at is not None and key.expires_at <= now:
        return _unbound("the binding key has expired")
    return Satisfied("T4-2", "A4.1")


def _unbound(note: str) -> Breach:
    return Breach("T4-2", "A4.1", note, Case.BINDING)


def names_of_contract(facts: Facts, request: Request, now: datetime) -> Finding:
    """At least one name is wanted, and the application lists every one. T4-8 [A4.4, A4.6]."""
    strange = tuple(name for name in request.names if not any(covers(entry, name) for entry in facts.names))
    if strange or not request.names:
        return Breach("T4-8", "A4.4", "not among the names of the contract", Case.NAMES, strange)
    return Satisfied("T4-8", "A4.4")


def names_of_key(facts: Facts, request: Request, now: datetime) -> Finding:
    """Every wanted name lies in the scope of the binding key. T4-2 [A4.1]."""
    scope = facts.binding.names if facts.binding else ()
    strange = tuple(name for name in request.names if not in_scope(scope, name))
    if strange:
        return Breach("T4-2", "A4.1", "outside the scope of the binding key", Case.NAMES, strange)
    return Satisfied("T4-2", "A4.1")


def formation_told(facts: Facts, request: Request, now: datetime) -> Finding:
    """The notice of the contract's formation has left: no certificate comes before it. T4-5, R-4 [A4.3]."""
    if facts.untold:
        return Breach("T4-5", "A4.3", "its notice of formation has not left", Case.NOT_ACCEPTED)
    return Satisfied("T4-5", "A4.3")


def lacking(application: Application) -> list[str]:
    """Every item of the review is positive, the subject recorded, the applicant called back. T4-3, T1-2 [A4.2]."""
    needs = [f"review of {kind}" for kind in REVIEW_ITEMS if kind not in application.reviewed]
    if not application.subject:
        needs.append("subject")
    if not application.called_back:
        needs.append("a call-back to the applicant")
    if application.names > application.names_max:
        needs.append(f"no more than {application.names_max} names")
    return needs


def young_enough(issued_on: date, received_on: date, months: int) -> bool:
    """Whether a document was at most so many months old on the day it arrived. T4-3, `review.document_max_age`."""
    return issued_on <= received_on < period_end(issued_on, months)
