"""What operators read about each gate."""

import pytest

from contract_gate.decision import Case, Gate
from contract_gate.explain import explain
from tests.contract_gate.arrange import GOOD, NOW, facts, wanted


def test_every_gate_answers_in_order() -> None:
    answers = explain(GOOD, wanted(), NOW)
    assert [answer.gate for answer in answers] == list(Gate)
    assert all(answer.passed for answer in answers)


def test_a_failing_gate_says_rule_clause_and_note() -> None:
    answers = explain(facts(consent=None), wanted(), NOW)
    assert [answer.gate for answer in answers if not answer.passed] == [Gate.G2]
    (breach,) = answers[1].breaches
    assert (breach.rule, breach.clause, breach.case) == ("T2-1", "A2.1", Case.NO_CONSENT)
    assert breach.note == "no consent to Terms and CP/CPS is on record"


@pytest.mark.rule("T13-3")
def test_a_hold_is_only_a_hold() -> None:
    (breach,) = explain(facts(held=True), wanted(), NOW)[6].breaches
    assert (breach.note, breach.clause) == ("hold", "")
