"""What acceptance asks of an application, article by article."""

import msgspec
import pytest

from contract_gate.acceptance import lacking
from contract_gate.application import Application, Screened
from contract_gate.articles.article_04_issuance import REVIEW_ITEMS

WHOLE = Application(
    customer_kind="juridical_person", based_in_japan=True, approved=False, own_use=True, consented=True, names=1,
    names_max=3, subject=True, reviewed=frozenset(REVIEW_ITEMS), called_back=True, held=False,
    screened=(Screened("customer", "Rei", "clear"), Screened("payer", "Payer", "clear")),
)  # fmt: skip


def screened(verdict: str) -> tuple[Screened, ...]:
    return (Screened("payer", "Payer", verdict),)


@pytest.mark.rule("T1-2", "T4-5")
def test_a_whole_application_lacks_nothing() -> None:
    assert lacking(WHOLE) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"own_use": False}, "the statement of own use", id="T1-4"),
        pytest.param({"names": 0}, "a name", id="T1-1"),
        pytest.param({"consented": False}, "consent", id="T4-1 consent comes first"),
    ],
)
def test_what_the_customer_owes(change: dict[str, object], expected: str) -> None:
    assert lacking(msgspec.structs.replace(WHOLE, **change)) == [expected]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"based_in_japan": False}, ["a base of activity in Japan"], id="T3-1 R-3"),
        pytest.param(
            {"based_in_japan": False, "customer_kind": "sole_proprietor"}, ["a base of activity in Japan"],
            id="T3-1 of all kinds",
        ),
        pytest.param({"customer_kind": "sole_proprietor"}, [], id="T3-1 sole proprietor"),
        pytest.param(
            {"based_in_japan": False, "customer_kind": "sole_proprietor", "base_all": False}, [],
            id="T3-1 R-3 if so read",
        ),
        pytest.param(
            {"based_in_japan": False, "base_all": False}, ["a base of activity in Japan"],
            id="T3-1 R-3 a company always",
        ),
        pytest.param(
            {"customer_kind": "other_organisation"}, ["the approval of this kind of organisation"], id="T3-1 other"
        ),
        pytest.param({"customer_kind": "other_organisation", "approved": True}, [], id="T3-1 other, approved"),
        pytest.param({"held": True}, ["the end of its hold"], id="T3-2"),
    ],
)  # fmt: skip
def test_who_is_eligible(change: dict[str, object], expected: list[str]) -> None:
    assert lacking(msgspec.structs.replace(WHOLE, **change)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"called_back": False}, ["a call-back to the applicant"], id="T4-3 C-006 call-back"),
        pytest.param({"subject": False}, ["subject"], id="T4-3 subject"),
        pytest.param(
            {"reviewed": frozenset(REVIEW_ITEMS) - {"address"}}, ["review of address"], id="T4-3 an item is missing"
        ),
        pytest.param({"names": 4}, ["no more than 3 names"], id="T8-13"),
    ],
)
def test_what_the_review_owes(change: dict[str, object], expected: list[str]) -> None:
    assert lacking(msgspec.structs.replace(WHOLE, **change)) == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param("clear", [], id="T13-1 screened"),
        pytest.param("pending", ["screening of the payer"], id="T13-1 pending holds acceptance"),
        pytest.param("hit", ["screening of the payer"], id="T13-3 a hit looks like a pending one"),
    ],
)
def test_everybody_is_screened(verdict: str, expected: list[str]) -> None:
    assert lacking(msgspec.structs.replace(WHOLE, screened=screened(verdict))) == expected
