"""Article 13: anti-social forces (反社会的勢力の排除), and the holds of Article 3, which look the same."""

from datetime import datetime

from contract_gate.application import Application
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts


def not_held(facts: Facts, request: Request, now: datetime) -> Finding:
    """No hold for conduct (T3-2, T3-3) or anti-social forces (T13-1, T13-2) is set. T13-3.

    Facts, note and clause do not tell which of them it is, nor why. A consultation lifts none (T28-1).
    """
    if facts.held:
        return Breach("T13-3", "", "hold", Case.HOLD)
    return Satisfied("T13-3", "")


SUBJECTS = ("customer", "representative", "applicant", "requester", "payer")


def lacking(application: Application) -> list[str]:
    """Everybody on the customer's side is screened without a hit. T13-1 [A13.1].

    Says whose screening is open, and never that one is a hit (T13-3).
    """
    return [f"screening of the {each.role}" for each in application.screened if each.verdict != "clear"]
