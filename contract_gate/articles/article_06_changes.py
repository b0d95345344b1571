"""Article 6: change of name, succession (変更手続き)."""

from datetime import datetime

from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts

IN_SUBJECT = frozenset({"organization", "address"})


def subject_unchanged(facts: Facts, request: Request, now: datetime) -> Finding:
    """No unresolved change touches what the next certificate would say. T6-4, T14-1 [A6.1].

    Organisation and address are in every reviewed subject; a new representative is registered and blocks nothing.
    """
    changed = [change.item for change in facts.changes if change.item in IN_SUBJECT]
    if changed:
        return Breach("T6-4", "A6.1", f"reported as changed: {', '.join(changed)}", Case.INFORMATION_CHANGED)
    return Satisfied("T6-4", "A6.1")
