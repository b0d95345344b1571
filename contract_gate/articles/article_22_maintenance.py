"""Article 22: suspension and maintenance (サービス提供の停止)."""

from datetime import datetime

from contract_gate.articles.article_10_suspension import in_effect
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts


def service_open(facts: Facts, request: Request, now: datetime) -> Finding:
    """The CA has not suspended the service because of force majeure. T22-1 [A22.1]."""
    if any(s.clause not in ("A10.1", "A22.2", "A23.1") and in_effect(s, now) for s in facts.suspensions):
        return Breach("T22-1", "A22.1", "service suspended", Case.SUSPENDED)
    return Satisfied("T22-1", "A22.1")


def no_maintenance(facts: Facts, request: Request, now: datetime) -> Finding:
    """The service is not under maintenance. T22-2 [A22.2]."""
    if any(s.clause == "A22.2" and in_effect(s, now) for s in facts.suspensions):
        return Breach("T22-2", "A22.2", "maintenance", Case.SUSPENDED)
    return Satisfied("T22-2", "A22.2")


def may_open(starts_at: datetime, delivered_at: datetime | None, emergency: bool) -> bool:
    """Whether a window may open: its notice was delivered before its start, or it is an emergency. T22-2 [A22.2]."""
    return emergency or (delivered_at is not None and delivered_at < starts_at)
