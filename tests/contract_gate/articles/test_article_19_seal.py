"""Articles 18 and 19: the seal."""

from datetime import datetime

import pytest
from publicsuffixlist import PublicSuffixList

from contract_gate.articles.article_19_seal import cache_seconds, shown_to, valid
from contract_gate.facts import NameEntry
from tests.contract_gate.arrange import jst

NOW = jst(2027, 3, 9, 23, 59, 59)
ICANN = PublicSuffixList(only_icann=True).privatesuffix
NAMES = (
    NameEntry("host", "www.example.co.jp"),
    NameEntry("wildcard", "*.shop.example.com"),
    NameEntry("network", "192.0.2.0/24"),
    NameEntry("host", "me.github.io"),
)


@pytest.mark.rule("T19-2", "T19-1")
@pytest.mark.parametrize(
    ("active", "live", "expected"),
    [
        pytest.param(True, [NOW], True, id="the last second of its last certificate"),
        pytest.param(True, [jst(2027, 3, 9, 23, 59, 58)], False, id="a second later"),
        pytest.param(True, [], False, id="T11-10 none unrevoked"),
        pytest.param(False, [NOW], False, id="the contract is not active"),
    ],
)
def test_valid(active: bool, live: list[datetime], expected: bool) -> None:
    assert valid(active, live, NOW) is expected


@pytest.mark.rule("T19-2")
def test_an_answer_is_kept_for_a_minute_and_never_past_the_last_certificate() -> None:
    assert cache_seconds([jst(2027, 5, 1), NOW], NOW) == 60
    assert cache_seconds([jst(2027, 3, 10, 0, 0, 9)], NOW) == 10


@pytest.mark.rule("T4-10", "T18-1")
@pytest.mark.parametrize(
    ("host", "expected", "same_host"),
    [
        ("www.example.co.jp", True, True),
        ("example.co.jp", True, False),
        ("a.b.example.co.jp", True, False),
        ("shop.example.com", True, False),
        ("other.co.jp", False, False),
        ("co.jp", False, False),
        ("notexample.com", False, False),
        ("192.0.2.7", True, True),
        ("198.51.100.1", False, False),
        ("you.github.io", True, False),  # the ICANN section alone: github.io is registrable
    ],
)
def test_shown_to(host: str, expected: bool, same_host: bool) -> None:
    assert shown_to(host, NAMES, ICANN) is expected
    assert shown_to(host, NAMES, None) is same_host
