"""A decision as it is recorded, and the same decision made again from its record (design §5)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.decision import Admitted, Finding, Refused, Request, Stage
from contract_gate.facts import Facts, LoadedFacts
from contract_gate.gate import decide


class Findings(msgspec.Struct, frozen=True):
    """What was asked of the gate and what each rule said, in the order of `gate.ASKED`."""

    request: Request
    findings: tuple[Finding, ...]


class DecisionRow(msgspec.Struct, frozen=True):
    """A row of gate.decisions. `names` are all the names wanted; `findings` is JSON of `Findings`."""

    id: UUID
    contract_id: UUID
    binding_key_id: UUID
    stage: Stage
    outcome: Literal["admitted", "refused"]
    gate: str | None
    case: str | None
    names: tuple[str, ...]
    not_after_limit: datetime | None
    facts: bytes
    findings: bytes
    decided_at: datetime


class Recorded(Facts, frozen=True):
    """Facts of any record: what a field was taken for before it was a fact."""

    untold: bool = False


LATER: Mapping[str, str] = MappingProxyType({"untold": "T4-5"})  # fields that became facts later: the rule each is for
FACTS = msgspec.json.Decoder(Facts)
RECORDED = msgspec.json.Decoder(Recorded)
FINDINGS = msgspec.json.Decoder(Findings)
ENCODER = msgspec.json.Encoder()


def recorded(id: UUID, answer: Admitted | Refused, stage: Stage) -> DecisionRow:
    """The row of an answer. Raises ValueError for a refusal of no known contract and key: it has no row."""
    if answer.contract_id is None or answer.binding_key_id is None:
        raise ValueError("a decision is recorded for a known contract and binding key only")
    refused = answer if isinstance(answer, Refused) else None
    return DecisionRow(
        id=id,
        contract_id=answer.contract_id,
        binding_key_id=answer.binding_key_id,
        stage=stage,
        outcome="refused" if refused else "admitted",
        gate=refused.gate.value if refused else None,
        case=refused.case.value if refused else None,
        names=answer.request.names,
        not_after_limit=None if isinstance(answer, Refused) else answer.not_after_limit,
        facts=answer.facts,
        findings=ENCODER.encode(Findings(answer.request, answer.findings)),
        decided_at=answer.decided_at,
    )


def replay(row: DecisionRow) -> Admitted | Refused:
    """The decision made again, from the recorded facts and request, at the recorded instant.

    A rule whose fact was none yet was not asked, and is not now.
    """
    recorded = FINDINGS.decode(row.findings)
    answer = decide(LoadedFacts(facts_of(row), row.facts), recorded.request, row.decided_at)
    told = msgspec.json.decode(row.facts, type=dict[str, msgspec.Raw])
    unasked = {rule for fact, rule in LATER.items() if fact not in told}
    return msgspec.structs.replace(answer, findings=tuple(f for f in answer.findings if f.rule not in unasked))


def facts_of(row: DecisionRow) -> Facts:
    """What the gate looked at."""
    return RECORDED.decode(row.facts)
