"""Article 15: no assignment (譲渡禁止)."""


def transferable(consent_recorded: bool, deciders: frozenset[str]) -> bool:
    """Whether a contract may pass to another customer: with written consent, recorded by two. T15-1 [A15.1].

    Its binding keys and accounts stay with the contract: they move with nothing else.
    """
    return consent_recorded and len(deciders) == 2
