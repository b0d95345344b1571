"""Which authorization covers which name (RFC 9444)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.identifiers import base_of, is_ip
from acme_server.protocol.objects import Authorization
from acme_server.protocol.subdomains import ancestor_of, covering, domains_above

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def held(name: str, subdomains: bool = False) -> Authorization:
    base, wildcard = base_of(name)
    return Authorization(
        id=UUID(int=1), account_id=UUID(int=2), identifier_type="ip" if is_ip(base) else "dns", identifier_value=base,
        wildcard=wildcard, status="valid", tokens=[], challenge_type="dns-01", challenge_status="valid",
        challenge_error=None, key_authorization=None, validated_at=NOW, caa_checked_at=NOW, expires_at=NOW,
        subdomains=subdomains,
    )  # fmt: skip


@pytest.mark.std("A-208")
@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("www.demo.test", "demo.test", ("www.demo.test", "demo.test")),
        ("a.b.Demo.test", "DEMO.test", ("a.b.demo.test", "demo.test")),
        ("*.demo.test", "demo.test", ("*.demo.test", "demo.test")),
        ("demo.test", "demo.test", None),
        ("www.demo.test", "mo.test", None),
        ("www.demo.test", "w.demo.test", None),
        ("www.demo.test", "other.test", None),
        ("www.demo.test", "*.demo.test", None),
        ("*.demo.test", "*.demo.test", None),
    ],
)
def test_ancestor_of(name: str, domain: str, expected: tuple[str, str] | None) -> None:
    if expected is not None:
        assert ancestor_of("dns", name, domain) == expected
        return
    with pytest.raises(AcmeError) as refused:
        ancestor_of("dns", name, domain)
    assert refused.value.type is ErrorType.MALFORMED
    assert [each.name for each in refused.value.subproblems] == [name]


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("a.b.demo.test", ["b.demo.test", "demo.test"]), ("*.b.demo.test", ["b.demo.test", "demo.test"]),
        ("demo.test", []), ("*.demo.test", ["demo.test"]), ("127.0.0.1", []), ("::1", []),
    ],
)  # fmt: skip
def test_domains_above(name: str, above: list[str]) -> None:
    assert list(domains_above(name)) == above


@pytest.mark.std("A-210", "C-012", "C-027")
@pytest.mark.parametrize(
    ("name", "authorization", "covered"),
    [
        ("www.demo.test", held("www.demo.test"), True),
        ("www.demo.test", held("demo.test", subdomains=True), True),
        ("a.b.demo.test", held("demo.test", subdomains=True), True),
        ("*.demo.test", held("demo.test", subdomains=True), True),
        ("*.demo.test", held("*.demo.test"), True),
        ("demo.test", held("demo.test", subdomains=True), True),
        ("www.demo.test", held("demo.test"), False),
        ("www.demo.test", held("*.demo.test"), False),
        ("*.demo.test", held("demo.test"), False),
        ("demo.test", held("*.demo.test"), False),
        ("www.xdemo.test", held("demo.test", subdomains=True), False),
        ("demo.test", held("www.demo.test", subdomains=True), False),
        ("127.0.0.1", held("demo.test", subdomains=True), False),
        ("127.0.0.1", held("127.0.0.1"), True),
    ],
)
def test_covering(name: str, authorization: Authorization, covered: bool) -> None:
    assert (covering(name, [held("other.test", subdomains=True), authorization]) is authorization) is covered
