"""Article 2: agreed matters (同意事項)."""

from datetime import datetime

from contract_gate.application import Application
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts


def consented(facts: Facts, request: Request, now: datetime) -> Finding:
    """A consent to the Terms and the CP/CPS is on record. T2-1 [A2.1].

    Its version does not matter: contracts move to a new version without one (T20-2).
    """
    if facts.consent is None:
        return Breach("T2-1", "A2.1", "no consent to Terms and CP/CPS is on record", Case.NO_CONSENT)
    return Satisfied("T2-1", "A2.1")


def lacking(application: Application) -> list[str]:
    """Consent to the Terms and the CP/CPS comes before acceptance. T2-1, T4-1 [A2.1]."""
    return [] if application.consented else ["consent"]
