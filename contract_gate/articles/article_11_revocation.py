"""Article 11: revocation and termination (証明書の失効・契約の解除)."""

from datetime import datetime

from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts


def certificate_unchanged(facts: Facts, request: Request, now: datetime) -> Finding:
    """No unresolved change touches what a live certificate says. T11-2 [A11.1.1]."""
    changed = [change.item for change in facts.changes if change.in_certificate]
    if changed:
        note = f"changed in a certificate: {', '.join(changed)}"
        return Breach("T11-2", "A11.1.1", note, Case.INFORMATION_CHANGED)
    return Satisfied("T11-2", "A11.1.1")
