"""What each gate says and why, for `keiyaku gate explain` and the console (design §5). Pure."""

from datetime import datetime

import msgspec

from contract_gate.decision import Breach, Gate, Request
from contract_gate.facts import Facts
from contract_gate.gate import GATES


class GateAnswer(msgspec.Struct, frozen=True):
    """One gate: passed, or every rule it fails. A breach of G7 says `hold` and nothing else (T13-3)."""

    gate: Gate
    breaches: tuple[Breach, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule of the gate holds."""
        return not self.breaches


def explain(facts: Facts, request: Request, now: datetime) -> tuple[GateAnswer, ...]:
    """The answer of every gate, G1 to G10, to a request at an instant."""
    return tuple(
        GateAnswer(gate, tuple(found for rule in rules if isinstance(found := rule(facts, request, now), Breach)))
        for gate, rules in GATES.items()
    )
