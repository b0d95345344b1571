"""Article 3: review and eligibility (審査)."""

from collections.abc import Mapping
from types import MappingProxyType

from contract_gate.application import Application

KINDS = ("juridical_person", "other_organisation", "sole_proprietor")
ITEMS = range(1, 9)  # of the proviso, A3.1.1 to A3.1.8

# The judgement on conduct is a person's; software opens a case as reported (T3-4).
CONDUCT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "reported": frozenset({"suspected", "confirmed", "lifted"}),
        "suspected": frozenset({"confirmed", "lifted"}),
        "confirmed": frozenset({"lifted"}),
        "lifted": frozenset(),
    }
)
BY_TWO = frozenset({"confirmed", "lifted"})


def blocks(status: str) -> bool:
    """Whether conduct in this status blocks acceptance and issuance: a suspicion does, a report not. T3-2, T3-4."""
    return status in ("suspected", "confirmed")


def may_revoke(status: str) -> bool:
    """Whether it may found a revocation under A11.4.2: suspicion never does. T3-3 [A3.1, A11.4.2]."""
    return status == "confirmed"


def lacking(application: Application) -> list[str]:
    """Base in Japan, a kind that is eligible, no suspicion. T3-1, T3-2 [A3.1], R-3."""
    needs = []
    base_wanted = application.base_all or application.customer_kind != "sole_proprietor"
    if base_wanted and not application.based_in_japan:
        needs.append("a base of activity in Japan")
    if application.customer_kind == "other_organisation" and not application.approved:
        needs.append("the approval of this kind of organisation")
    if application.held:
        needs.append("the end of its hold")
    return needs
