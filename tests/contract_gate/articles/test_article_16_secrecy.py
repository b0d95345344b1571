"""Article 16: retention, leaks, pseudonyms."""

from datetime import datetime
from uuid import UUID

import pytest

from contract_gate.articles.article_16_secrecy import RETENTION, kept_since, leak_due, pseudonym
from tests.contract_gate.arrange import jst


@pytest.mark.rule("T16-2")
def test_every_field_has_purpose_and_retention() -> None:
    years = {name: each.years for name, each in RETENTION.items()}
    assert years["documents.content"] == years["screenings.subject"] == 2
    assert years["invoice_papers.buyer"] == 7
    assert all(each.purpose for each in RETENTION.values())


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(jst(2028, 11, 22, 9), jst(2026, 11, 22, 9), id="two years"),
        pytest.param(jst(2028, 2, 29), jst(2026, 2, 28), id="a day that the year before had not"),
    ],
)
def test_kept_since(now: datetime, expected: datetime) -> None:
    assert kept_since("documents.content", now) == expected


@pytest.mark.rule("T16-2")
def test_a_leak_is_reported_in_five_days_and_thirty_or_sixty() -> None:
    found = jst(2026, 11, 1, 10)
    assert leak_due(found, False).preliminary_at == jst(2026, 11, 6, 10)
    assert leak_due(found, False).final_at == jst(2026, 12, 1, 10)
    assert leak_due(found, True).final_at == jst(2026, 12, 31, 10)


@pytest.mark.rule("T16-3")
def test_a_pseudonym_is_stable_and_bound_to_its_key_and_kind() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert pseudonym(b"k", "person", one) == pseudonym(b"k", "person", one)
    others = {pseudonym(b"k", "person", two), pseudonym(b"l", "person", one), pseudonym(b"k", "customer", one)}
    assert pseudonym(b"k", "person", one) not in others
    assert str(one) not in pseudonym(b"k", "person", one)
