"""Which names an entry, and a scope, cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_gate.domains import addresses, candidates, covers, in_scope
from contract_gate.facts import NameEntry

LABELS = st.text("ab1-", min_size=1, max_size=3)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("kind", "value", "name", "expected"),
    [
        pytest.param("host", "a.test", "a.test", True, id="T4-8 that host"),
        pytest.param("host", "a.test", "www.a.test", False, id="T4-8 not a host under it"),
        pytest.param("host", "a.test", "*.a.test", False, id="T4-8 not its wildcard"),
        pytest.param("wildcard", "*.a.test", "*.a.test", True, id="T4-8 that wildcard"),
        pytest.param("wildcard", "*.a.test", "www.a.test", False, id="T4-8 not a host it would match"),
        pytest.param("wildcard", "*.a.test", "*.b.a.test", False, id="T4-8 not a deeper wildcard"),
        pytest.param("domain", "a.test", "a.test", True, id="T4-8 the domain"),
        pytest.param("domain", "a.test", "x.www.a.test", True, id="T4-8 everything under the domain"),
        pytest.param("domain", "a.test", "*.a.test", True, id="T4-8 the wildcard of the domain"),
        pytest.param("domain", "a.test", "*.www.a.test", True, id="T4-8 a wildcard under the domain"),
        pytest.param("domain", "a.test", "ba.test", False, id="T4-8 no name that only ends alike"),
        pytest.param("domain", "a.test", "*.test", False, id="T4-8 no wildcard above it"),
        pytest.param("domain", "0.0.1", "127.0.0.1", False, id="T4-8 no address"),
        pytest.param("network", "127.0.0.0/8", "127.0.0.1", True, id="T4-8 an address inside"),
        pytest.param("network", "127.0.0.0/8", "128.0.0.1", False, id="T4-8 no address outside"),
        pytest.param("network", "::1/128", "::1", True, id="T4-8 an IPv6 address inside"),
        pytest.param("network", "::/0", "127.0.0.1", False, id="T4-8 no address of the other family"),
        pytest.param("network", "0.0.0.0/0", "a.test", False, id="T4-8 no DNS name"),
        pytest.param("network", "nonsense", "127.0.0.1", False, id="T4-8 nothing, if it is no network"),
    ],
)
def test_covers(kind: str, value: str, name: str, expected: bool) -> None:
    assert covers(NameEntry(kind, value), name) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "name", "expected"),
    [
        pytest.param((), "a.test", True, id="T4-2 none: no restriction"),
        pytest.param(("a.test",), "a.test", True, id="T4-2 host"),
        pytest.param(("a.test",), "www.a.test", False, id="T4-2 host: not under it"),
        pytest.param(("*.a.test",), "*.a.test", True, id="T4-2 wildcard"),
        pytest.param(("*.a.test",), "www.a.test", False, id="T4-2 wildcard: no host"),
        pytest.param((".a.test",), "a.test", True, id="T4-2 domain: itself"),
        pytest.param((".a.test",), "*.b.a.test", True, id="T4-2 domain: wildcards under it"),
        pytest.param((".a.test",), "ba.test", False, id="T4-2 domain: no name that ends alike"),
        pytest.param((".0.1",), "127.0.0.1", False, id="T4-2 domain: no address"),
        pytest.param(("127.0.0.0/8",), "127.0.0.1", True, id="T4-2 network"),
        pytest.param(("10.0.0.0/8", "a.test"), "127.0.0.1", False, id="T4-2 network: not outside"),
        pytest.param(("x/y",), "127.0.0.1", False, id="T4-2 nonsense covers nothing"),
    ],
)
def test_in_scope(scope: tuple[str, ...], name: str, expected: bool) -> None:
    assert in_scope(scope, name) is expected


def test_candidates_are_the_names_and_all_above() -> None:
    assert candidates(["www.a.test", "*.a.test", "127.0.0.1"]) == [
        "www.a.test", "a.test", "test", "*.a.test", "127.0.0.1",
    ]  # fmt: skip
    assert addresses(["www.a.test", "127.0.0.1", "::1", "1.2.3"]) == ["127.0.0.1", "::1"]


@given(NAMES, st.booleans(), NAMES)
def test_what_covers_a_name_is_a_candidate(name: str, wildcard: bool, value: str) -> None:
    wanted = f"*.{name}" if wildcard else name
    if any(covers(NameEntry(kind, value), wanted) for kind in ("host", "wildcard", "domain")):
        assert value in candidates([wanted])
