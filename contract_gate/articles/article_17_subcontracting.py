"""Article 17: subcontracting (再委託)."""

NEVER_DELEGATED = frozenset({"domain_right"})  # kinds of review items


def may_review(kind: str, subcontracted: bool) -> bool:
    """Whether a person may check a review item of this kind: the domain is the CA's own to validate. T17-1 [A17.2]."""
    return not (subcontracted and kind in NEVER_DELEGATED)
