"""How Japanese letters address whom they go to: an organisation with 御中, a person with 様 (pure)."""

import re

ORGANISATIONS = ("juridical_person", "other_organisation")
FORMS = re.compile(
    "会社|法人|組合|協会|財団|社団|連合会|大学|学園|病院|[㈱㈲]|[（(][株有名資同][)）]"
    r"|\b(?:k\.? ?k\b|co\b|corp\b|inc\b|ltd\b|llc\b|llp\b|gmbh\b|plc\b)",
    re.IGNORECASE,
)


def honorific(name: str, kind: str | None) -> str:
    """By the kind of customer that they are; of whom no kind is known, by a legal form in the name."""
    organised = FORMS.search(name) is not None if kind is None else kind in ORGANISATIONS
    return "御中" if organised else "様"


def addressed(name: str, kind: str | None, language: str) -> str:
    """The name as a letter in that language begins."""
    return f"{name} {honorific(name, kind)}" if language == "ja" else name
