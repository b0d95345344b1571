"""Article 28: consultation (協議)."""

PAUSABLE = frozenset({"reminders", "auto", "A11.4.4"})


def pauses(what: str, held: bool, scope: str) -> bool:
    """Whether a consultation pauses it: reminders, what is automatic, decisions under A11.4.4. T28-1, R-26 [A28.1].

    Never another item of A11.4, Article 13, a deadline of the Baseline Requirements, or a gate.
    """
    return held and what in PAUSABLE and what in scope.split(",")
