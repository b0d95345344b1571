"""Article 1: purpose (目的)."""

from contract_gate.application import Application


def lacking(application: Application) -> list[str]:
    """A declared list of names (T1-1) and the statement that the use is the customer's own (T1-4). [A1.1, A1.4]."""
    needs = []
    if not application.own_use:
        needs.append("the statement of own use")
    if application.names == 0:
        needs.append("a name")
    return needs
