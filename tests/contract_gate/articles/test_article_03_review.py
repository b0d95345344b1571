"""Conduct, and what becomes of a judgement on it."""

import pytest

from contract_gate.articles.article_03_review import blocks, may_revoke
from contract_gate.articles.article_04_issuance import young_enough
from contract_gate.articles.article_14_change import handled_by
from contract_gate.articles.article_15_assignment import transferable
from tests.contract_gate.arrange import jst


@pytest.mark.parametrize(
    ("status", "blocked", "revocable"),
    [
        pytest.param("reported", False, False, id="T3-4 a report blocks nothing"),
        pytest.param("suspected", True, False, id="T3-3 suspicion blocks and never revokes"),
        pytest.param("confirmed", True, True, id="T3-3 confirmed"),
        pytest.param("lifted", False, False, id="T3-2 lifted"),
    ],
)
def test_conduct(status: str, blocked: bool, revocable: bool) -> None:
    assert (blocks(status), may_revoke(status)) == (blocked, revocable)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(jst(2026, 3, 10), True, id="T4-3 on its own day"),
        pytest.param(jst(2026, 6, 9), True, id="T4-3 the last day of three months"),
        pytest.param(jst(2026, 6, 10), False, id="T4-3 too old"),
        pytest.param(jst(2026, 3, 9), False, id="T4-3 from the future"),
    ],
)
def test_document_age(received: object, expected: bool) -> None:
    assert young_enough(jst(2026, 3, 10).date(), received.date(), 3) is expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("item", "in_certificate", "expected"),
    [
        pytest.param("organization", True, "new_contract", id="T14-1 renamed"),
        pytest.param("address", True, "new_contract", id="T14-1 moved"),
        pytest.param("domain", True, "names", id="T14-3 domain names stay inside the contract"),
        pytest.param("representative", False, "register", id="T6-4 representative"),
    ],
)
def test_change(item: str, in_certificate: bool, expected: str) -> None:
    assert handled_by(item, in_certificate) == expected


@pytest.mark.parametrize(
    ("consent", "people", "expected"),
    [
        pytest.param(True, {"ann", "bob"}, True, id="T15-1 with consent by two"),
        pytest.param(True, {"ann"}, False, id="T15-1 one person"),
        pytest.param(False, {"ann", "bob"}, False, id="T15-1 no consent"),
    ],
)
def test_assignment(consent: bool, people: set[str], expected: bool) -> None:
    assert transferable(consent, frozenset(people)) is expected
