"""The issuance gate: G1 to G10 (articles.md §0.4)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import ceil
from types import MappingProxyType
from typing import TypeAlias

from contract_gate.articles import (
    article_02_consent,
    article_04_issuance,
    article_06_changes,
    article_08_payment,
    article_10_suspension,
    article_11_revocation,
    article_12_term,
    article_13_antisocial,
    article_22_maintenance,
    article_23_service_end,
)
from contract_gate.decision import Admitted, Breach, Finding, Gate, Refused, Request
from contract_gate.facts import Facts, LoadedFacts

Rule: TypeAlias = Callable[[Facts, Request, datetime], Finding]

RETRY_AFTER_UNKNOWN = 3600  # seconds, when the end of a suspension is not known

# The order of the gates is that of T0-3, the order in a gate says which case is reported.
GATES: Mapping[Gate, tuple[Rule, ...]] = MappingProxyType(
    {
        Gate.G1: (
            article_12_term.accepted,
            article_12_term.not_ended,
            article_23_service_end.service_goes_on,
            article_12_term.within_term,
            article_04_issuance.formation_told,
        ),
        Gate.G2: (article_02_consent.consented,),
        Gate.G3: (article_04_issuance.review_complete, article_04_issuance.review_fresh),
        Gate.G4: (article_04_issuance.bound,),
        Gate.G5: (
            article_04_issuance.names_of_contract,
            article_04_issuance.names_of_key,
            article_08_payment.names_within_plan,
        ),
        Gate.G6: (article_08_payment.no_payment_block,),
        Gate.G7: (article_13_antisocial.not_held,),
        Gate.G8: (article_06_changes.subject_unchanged, article_11_revocation.certificate_unchanged),
        Gate.G9: (
            article_10_suspension.service_possible,
            article_22_maintenance.service_open,
            article_22_maintenance.no_maintenance,
        ),
        Gate.G10: (article_12_term.long_enough,),
    }
)
ASKED: tuple[tuple[Gate, Rule], ...] = tuple((gate, rule) for gate, rules in GATES.items() for rule in rules)


def decide(loaded: LoadedFacts, request: Request, now: datetime) -> Admitted | Refused:
    """Whether the contract admits this certificate now. Every rule is asked, and all must hold."""
    facts = loaded.facts
    findings = tuple(rule(facts, request, now) for _, rule in ASKED)
    breaches = [(gate, found) for (gate, _), found in zip(ASKED, findings, strict=True) if isinstance(found, Breach)]
    if breaches or facts.contract is None or facts.binding is None:
        return _refused(loaded, request, now, findings, breaches)
    return Admitted(
        contract_id=facts.contract.id,
        binding_key_id=facts.binding.id,
        names=request.names,
        not_after_limit=article_12_term.not_after_limit(facts, request, now),
        facts=loaded.raw,
        findings=findings,
        decided_at=now,
        request=request,
    )


def reported(breaches: list[tuple[Gate, Breach]]) -> Gate:
    """The gate to report: G4 if it fails, since the account is a stranger then; else the lowest. T0-3."""
    failed = [gate for gate, _ in breaches]
    return Gate.G4 if Gate.G4 in failed else failed[0]


def _refused(
    loaded: LoadedFacts,
    request: Request,
    now: datetime,
    findings: tuple[Finding, ...],
    breaches: list[tuple[Gate, Breach]],
) -> Refused:
    facts, gate = loaded.facts, reported(breaches)
    here = [breach for failed, breach in breaches if failed is gate]
    failing = {name for breach in here for name in breach.names}
    return Refused(
        contract_id=facts.contract.id if facts.contract else None,
        binding_key_id=facts.binding.id if facts.binding else None,
        gate=gate,
        case=here[0].case,
        names=tuple(name for name in request.names if name in failing),
        retry_after=_retry_after(facts, now) if gate is Gate.G9 else None,
        facts=loaded.raw,
        findings=findings,
        decided_at=now,
        request=request,
    )


def _retry_after(facts: Facts, now: datetime) -> int:
    """Seconds until the last suspension in effect ends. T10-1, T22-1."""
    ends = [s.ends_at for s in facts.suspensions if article_10_suspension.in_effect(s, now)]
    known = [ceil((end - now).total_seconds()) for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else RETRY_AFTER_UNKNOWN
