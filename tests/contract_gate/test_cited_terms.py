"""What evidence cites of the Terms, against what was in force (T20-3)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from contract_gate.cited_terms import CitedTerms, Text
from contract_gate.evidence import Record

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TEXTS = [Text("1", BEGIN), Text("2", NOVEMBER)]


def record(kind: str, at: datetime, **content: object) -> Record:
    return Record(UUID(int=0), 1, 1, kind, None, "operator", at, msgspec.json.encode(content))


HISTORY = [
    record("text.added", BEGIN, text=["cps", "0"]), record("text.added", BEGIN, text=["terms", "1"]),
    record("terms.enacted", BEGIN + timedelta(days=200), version="2"),
]  # fmt: skip


@pytest.mark.rule("T20-3")
@pytest.mark.parametrize(
    ("at", "cited", "fault"),
    [
        pytest.param(NOVEMBER - SECOND, "1", None, id="T20-3 the old version until its last second"),
        pytest.param(NOVEMBER, "2", None, id="T20-3 the new one from its first"),
        pytest.param(NOVEMBER - SECOND, "2", "Terms 2 were not in force", id="T20-3 too early"),
        pytest.param(NOVEMBER, "1", "Terms 2 were in force, it cites 1", id="T20-3 too late"),
        pytest.param(NOVEMBER, None, "Terms 2 were in force, it cites none", id="T20-3 none though there were"),
        pytest.param(NOVEMBER, "3", "Terms 3 were not in force", id="T20-3 no such version"),
        pytest.param(BEGIN - SECOND, None, None, id="T20-3 before the first there is none"),
        pytest.param(BEGIN + SECOND, None, None, id="T20-3 in the minute in which it was recorded"),
    ],
)
def test_the_version_cited_was_in_force(at: datetime, cited: str | None, fault: str | None) -> None:
    terms = CitedTerms(TEXTS)
    assert [terms.fault(each) for each in HISTORY] == [None, None, None]
    assert terms.fault(record("contract.accepted", at, rule="T4-5", terms_version=cited)) == fault


def test_a_version_counts_against_nobody_before_it_was_recorded() -> None:
    """Who decided at that instant could not know of it; a later row of the same instant could."""
    terms = CitedTerms([Text("1", BEGIN)])
    row = record("person.added", BEGIN + timedelta(days=3), rule="T17-1", terms_version=None)
    assert terms.fault(row) is None
    assert terms.fault(HISTORY[1]) is None
    assert terms.fault(row) == "Terms 1 were in force, it cites none"


def test_rows_that_cite_none_are_taken_as_they_are() -> None:
    terms = CitedTerms(TEXTS)
    assert [terms.fault(each) for each in HISTORY] == [None, None, None]
    for content in ({"rule": "T4-5"}, {"reason": 'of "terms_version" 1'}, {"inputs": {"terms_version": "7"}}):
        assert terms.fault(record("contract.accepted", NOVEMBER, **content)) is None
