"""What happened, counted for /metrics on its way through."""

from acme_server import tally
from acme_server.use_cases.context import Looks
from acme_server.validation.outcome import Asked, NotProven, Proven
from contract_gate.decision import Admitted, Refused, Stage


def decision(stage: Stage, decided: Admitted | Refused) -> Admitted | Refused:
    """The gate's answer."""
    if isinstance(decided, Refused):
        tally.count("decision", stage, "refused", decided.gate.name, decided.case.value)
    else:
        tally.count("decision", stage, "admitted", "", "")
    return decided


class CountedLooks:
    """The looks, each attempt at a challenge counted."""

    def __init__(self, looks: Looks) -> None:
        self.looks = looks

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """Whether the challenge is answered as expected."""
        outcome, type = await self.looks.validate(asked), asked.type
        match outcome:
            case Proven():
                tally.count("validation", type, "valid")
            case NotProven(temporary=True):
                tally.count("validation", type, "temporary")
            case NotProven():
                tally.count("validation", type, "invalid")
        return outcome

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Whether CAA permits issuance."""
        outcome = await self.looks.caa(name, wildcard, account_uri, method)
        tally.count("validation", "caa", "valid" if isinstance(outcome, Proven) else "invalid")
        return outcome
