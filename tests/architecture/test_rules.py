"""Ids cited exist; tests quote few; what no test quotes is admitted in docs/known-gaps.md."""

import re

import pytest

from tests.architecture.coverage_of_rules import quoted_by
from tests.architecture.ids import CITED, ROOT, Id, files, gaps, known, quoted, unexplained

MOST = 3
RULE = re.compile(r"\bT\d+-\d+\b")


@pytest.mark.parametrize("suffix", [".py", ".sql", ".md"])
def test_every_cited_id_is_in_a_list(suffix: str) -> None:
    unknown = [
        f"{path.relative_to(ROOT)}: {i}"
        for path in files(suffix)
        for i in sorted(set(CITED.findall(path.read_text(encoding="utf-8"))) - known().keys())
    ]
    assert not unknown


def test_a_finding_stands_in_the_file_of_its_article() -> None:
    """`Breach("T8-15", …)` belongs to article_08_….py."""
    strangers = [
        f"{path.name}: T{article}-…"
        for path in files(".py")
        if (own := re.match(r"article_(\d+)", path.name)) and path.parent.name == "articles"
        for article in re.findall(r'(?:Breach|Satisfied)\(\s*"T(\d+)-', path.read_text(encoding="utf-8"))
        if int(article) != int(own[1])
    ]
    assert not strangers


def test_a_test_quotes_at_most_three_ids(request: pytest.FixtureRequest) -> None:
    many = [item.nodeid for item in request.session.items if len(quoted_by(item)) > MOST]
    assert not many


def test_every_quoted_id_is_in_a_list(request: pytest.FixtureRequest) -> None:
    wrong = {i for item in request.session.items for i in quoted_by(item)} - known().keys()
    assert not wrong


def test_a_known_gap_is_an_id_without_test_and_has_a_reason() -> None:
    admitted = gaps()
    assert {i for i in admitted if i not in known()} == set()
    assert set(admitted) & quoted() == set()
    assert {i for i, reason in admitted.items() if not reason} == set()


def test_a_demanded_id_has_a_test_or_is_a_known_gap() -> None:
    assert [row.id for row in unexplained()] == []


def test_every_rule_of_the_gate_is_quoted_by_a_test() -> None:
    """Whatever file of the gate cites a rule of the Terms, some test proves it."""
    cited = {i for path in files(".py") if "contract_gate" in path.parts[-3:] and "tests" not in path.parts
             for i in RULE.findall(path.read_text(encoding="utf-8"))}  # fmt: skip
    assert cited
    assert not cited - quoted()


@pytest.mark.parametrize(
    ("row", "demanded"),
    [
        (Id("A-192", "MUST", ""), True),
        (Id("A-192", "SHOULD", ""), False),
        (Id("A-254", "MUST", ""), True),
        (Id("A-246", "MAY", ""), False),
        (Id("C-001", "MUST", ""), True),
        (Id("C-038", "MAY", ""), False),
        (Id("C-178", "MUST", ""), True),
    ],
)
def test_what_is_demanded(row: Id, demanded: bool) -> None:
    assert row.demanded is demanded
