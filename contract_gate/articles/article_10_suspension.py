"""Article 10: temporary suspension (サービス提供の一時停止)."""

from datetime import datetime

from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts, Suspension


def in_effect(suspension: Suspension, now: datetime) -> bool:
    """Whether a suspension has begun and not ended: from its first instant, up to but not with its last."""
    return suspension.starts_at <= now and (suspension.ends_at is None or now < suspension.ends_at)


def service_possible(facts: Facts, request: Request, now: datetime) -> Finding:
    """No cause outside the CA makes the service impossible. T10-1 [A10.1]."""
    if any(s.clause == "A10.1" and in_effect(s, now) for s in facts.suspensions):
        return Breach("T10-1", "A10.1", "service suspended", Case.SUSPENDED)
    return Satisfied("T10-1", "A10.1")
