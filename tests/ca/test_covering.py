"""The signer's own look at the names of a contract."""

import pytest

from ca.covering import uncovered

NAMES = ["demo.test", "www.demo.test", "*.demo.test", "a.www.demo.test", "127.0.0.1", "::1", "xdemo.test", "test"]


@pytest.mark.rule("T4-8")
@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        pytest.param("host www.demo.test", ["www.demo.test"], id="host: itself"),
        pytest.param("wildcard *.demo.test", ["*.demo.test"], id="wildcard: itself"),
        pytest.param("domain demo.test", NAMES[:4], id="domain: all under it"),
        pytest.param("domain www.demo.test", ["www.demo.test", "a.www.demo.test"], id="domain: nothing above it"),
        pytest.param("domain 0.0.1", [], id="domain: no address"),
        pytest.param("network 127.0.0.0/8", ["127.0.0.1"], id="network: its addresses"),
        pytest.param("network ::1/128", ["::1"], id="network: of IPv6"),
        pytest.param("network 10.0.0.0/8", [], id="network: no other address"),
        pytest.param("network nonsense", [], id="network: nonsense"),
        pytest.param("host 127.0.0.1", ["127.0.0.1"], id="host: an address as it is written"),
        pytest.param("other demo.test", [], id="a kind that is unknown"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_uncovered(entry: str, covered: list[str]) -> None:
    assert uncovered(NAMES, [entry]) == [name for name in NAMES if name not in covered]


def test_uncovered_takes_all_entries_together() -> None:
    assert uncovered(NAMES[:6], ["domain demo.test", "network 127.0.0.0/8", "network ::/0"]) == []
    assert uncovered(NAMES, []) == NAMES
