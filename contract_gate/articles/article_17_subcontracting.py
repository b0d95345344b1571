"""Article 17: subcontracting (再委託)."""

from datetime import date

NEVER_DELEGATED = frozenset({"domain_right"})  # kinds of review items


def at_work(from_on: date, until_on: date | None, today: date) -> bool:
    """Whether a subcontractor works for the CA that day, JST; the last day counts. T17-1 [A17.1]."""
    return from_on <= today and (until_on is None or today <= until_on)


def may_review(kind: str, subcontracted: bool) -> bool:
    """Whether a person may check a review item of this kind: the domain is the CA's own to validate. T17-1 [A17.2]."""
    return not (subcontracted and kind in NEVER_DELEGATED)
