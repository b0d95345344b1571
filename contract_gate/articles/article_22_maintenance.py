"""Article 22: suspension and maintenance (サービス提供の停止)."""

from datetime import datetime

from contract_gate.articles.article_10_suspension import in_effect
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts


def service_open(facts: Facts, request: Request, now: datetime) -> Finding:
    """The CA has not suspended the service, nor is it under maintenance. T22-1, T22-2 [A22.1, A22.2]."""
    stopped = [s for s in facts.suspensions if s.clause != "A10.1" and in_effect(s, now)]
    if stopped:
        return Breach("T22-1", stopped[0].clause, "service suspended", Case.SUSPENDED)
    return Satisfied("T22-1", "A22.1")
