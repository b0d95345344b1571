"""Which domains nobody has alone."""

from pathlib import Path

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from contract_gate.domains import covers, in_scope
from contract_gate.facts import NameEntry
from contract_gate.public_suffix import has_public_top, is_public_suffix, rules_of


@pytest.mark.std("C-030")
@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("jp", True), ("co.jp", True), ("kawasaki.jp", True), ("a.kawasaki.jp", True), ("com", True),
        ("example.co.jp", False), ("city.kawasaki.jp", False), ("example.com", False), ("demo.test", False),
        ("github.io", False),  # a private entry: one company has it, which may have a wildcard of it
    ],
)  # fmt: skip
def test_is_public_suffix(domain: str, expected: bool) -> None:
    assert is_public_suffix(domain) is expected


@pytest.mark.std("C-013")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("www.example.jp", True), ("www.example.com", True), ("www.demo.test", False), ("mail.internal", False),
     ("router.local", False), ("db.corp", False)],
)  # fmt: skip
def test_has_public_top(name: str, expected: bool) -> None:
    assert has_public_top(name) is expected


def test_each_rule_is_read_as_the_library_reads_it() -> None:
    ours = set(rules_of(Path(PSLFILE).read_text(encoding="utf-8")))
    whole = PublicSuffixList(only_icann=True, accept_unknown=False)
    plain = [rule for rule in ours if rule[0] not in "*!"]
    assert len(plain) > 5000
    assert [rule for rule in plain if whole.publicsuffix(rule) != rule] == []
    assert {"*.kawasaki.jp", "!city.kawasaki.jp", "xn--55qx5d.cn"} <= ours
    assert all(rule.isascii() and rule == rule.lower().strip() for rule in ours)


@pytest.mark.parametrize("text", ["", "jp", "// ===BEGIN ICANN DOMAINS===\njp"])
def test_a_list_without_its_section_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no ICANN section"):
        list(rules_of(text))


@pytest.mark.std("C-030")
@pytest.mark.rule("T4-8")
@pytest.mark.parametrize(
    ("kind", "value", "name", "expected"),
    [
        ("wildcard", "*.example.co.jp", "*.example.co.jp", True),
        ("wildcard", "*.co.jp", "*.co.jp", False),
        ("domain", "example.co.jp", "*.example.co.jp", True),
        ("domain", "co.jp", "*.example.co.jp", False),
        ("domain", "co.jp", "www.example.co.jp", False),
        ("domain", "jp", "*.co.jp", False),
        ("host", "www.co.jp", "www.co.jp", True),
    ],
)
def test_no_entry_covers_a_public_suffix(kind: str, value: str, name: str, expected: bool) -> None:
    assert covers(NameEntry(kind, value), name) is expected  # type: ignore[arg-type]


@pytest.mark.std("C-030")
@pytest.mark.rule("T4-2")
def test_no_scope_of_a_key_is_a_public_suffix() -> None:
    assert in_scope([".example.co.jp"], "www.example.co.jp")
    assert not in_scope([".co.jp"], "www.example.co.jp")
