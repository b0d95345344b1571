"""Articles 17 and 28: subcontractors, consultation."""

import pytest

from contract_gate.articles.article_17_subcontracting import may_review
from contract_gate.articles.article_28_consultation import pauses
from contract_gate.readings import choice


@pytest.mark.rule("T17-1")
def test_a_subcontractor_never_validates_domains() -> None:
    assert not may_review("domain_right", subcontracted=True)
    assert may_review("domain_right", subcontracted=False)
    assert may_review("address", subcontracted=True)


@pytest.mark.rule("T28-1")
@pytest.mark.parametrize("what", ["reminders", "auto", "A11.4.4"])
def test_a_consultation_pauses_three_things(what: str) -> None:
    scope = choice("consultation.scope", None)
    assert pauses(what, True, scope)
    assert not pauses(what, False, scope)
    assert pauses(what, True, "reminders") is (what == "reminders")


@pytest.mark.rule("T28-1")
@pytest.mark.parametrize("what", ["A11.4.1", "A11.4.9", "A13.1", "A2.1", "G6", "G7"])
def test_a_consultation_pauses_nothing_else(what: str) -> None:
    assert not pauses(what, True, choice("consultation.scope", None))
    assert not pauses(what, True, f"reminders,{what}")
