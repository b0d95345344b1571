import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import identifiers
from acme_server.protocol.errors import AcmeError, ErrorType
from tests.acme_server.protocol.clients import attempt, refused

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param("www.demo.test", "www.demo.test", id="a plain name"),
        pytest.param("demo.test", "demo.test", id="two labels"),
        pytest.param("*.demo.test", "*.demo.test", id="A-118 a wildcard"),
        pytest.param("WWW.Demo.TEST", "www.demo.test", id="A-121 upper case is folded"),
        pytest.param("xn--wgv71a119e.jp", "xn--wgv71a119e.jp", id="A-120 an A-label"),
        pytest.param("XN--WGV71A119E.jp", "xn--wgv71a119e.jp", id="A-120 an A-label in upper case"),
        pytest.param("a-b--c.1.demo.test", "a-b--c.1.demo.test", id="A-119 inner hyphens and digits"),
        pytest.param("1.demo.test", "1.demo.test", id="A-119 a label of digits"),
        pytest.param(LONGEST, LONGEST, id="A-119 253 characters, labels of 63"),
        pytest.param("in-addr.arpa.demo.test", "in-addr.arpa.demo.test", id="C-014 the zone's labels elsewhere"),
        pytest.param("myonion.test", "myonion.test", id="C-032 onion inside a label"),
    ],
)
def test_a_name_in_certificate_form(value: str, name: str) -> None:
    assert identifiers.parse("dns", value) == name


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        pytest.param("*", ErrorType.MALFORMED, id="A-118 a bare star"),
        pytest.param("*.*.demo.test", ErrorType.MALFORMED, id="A-118 two stars"),
        pytest.param("www.*.demo.test", ErrorType.MALFORMED, id="A-118 a star inside"),
        pytest.param("a*.demo.test", ErrorType.MALFORMED, id="A-118 a star in a label"),
        pytest.param("**.demo.test", ErrorType.MALFORMED, id="A-118 a label of two stars"),
        pytest.param("*demo.test", ErrorType.MALFORMED, id="A-118 a star without a dot"),
        pytest.param("*.", ErrorType.MALFORMED, id="A-118 a star and a dot"),
        pytest.param("demo.test.", ErrorType.MALFORMED, id="A-119 a trailing dot"),
        pytest.param(".demo.test", ErrorType.MALFORMED, id="A-119 a leading dot"),
        pytest.param("a..demo.test", ErrorType.MALFORMED, id="A-119 an empty label"),
        pytest.param("日本語.jp", ErrorType.MALFORMED, id="A-119 a U-label"),
        pytest.param("demo。test", ErrorType.MALFORMED, id="A-119 an ideographic full stop"),
        pytest.param("_acme.demo.test", ErrorType.MALFORMED, id="A-119 an underscore"),
        pytest.param("-a.demo.test", ErrorType.MALFORMED, id="A-119 a hyphen first"),
        pytest.param("a-.demo.test", ErrorType.MALFORMED, id="A-119 a hyphen last"),
        pytest.param("a b.test", ErrorType.MALFORMED, id="A-119 a space"),
        pytest.param("demo.test\n", ErrorType.MALFORMED, id="A-119 a line break"),
        pytest.param("demo.test\0", ErrorType.MALFORMED, id="A-119 a NUL"),
        pytest.param("demo.test:443", ErrorType.MALFORMED, id="A-119 a port"),
        pytest.param("https://demo.test", ErrorType.MALFORMED, id="A-119 an URL"),
        pytest.param("a" * 64 + ".test", ErrorType.MALFORMED, id="A-119 a label of 64"),
        pytest.param(LONGEST + "b", ErrorType.MALFORMED, id="A-119 254 characters"),
        pytest.param("", ErrorType.MALFORMED, id="A-117 an empty value"),
        pytest.param("demo.123", ErrorType.MALFORMED, id="A-119 a last label of digits"),
        pytest.param("192.0.2.1", ErrorType.MALFORMED, id="A-202 an IPv4 address as dns"),
        pytest.param("2001:db8::1", ErrorType.MALFORMED, id="A-202 an IPv6 address as dns"),
        pytest.param("[::1]", ErrorType.MALFORMED, id="A-202 an address in brackets"),
        pytest.param("xn--a.demo.test", ErrorType.MALFORMED, id="A-120 punycode that does not decode"),
        pytest.param("xn--demo-.test", ErrorType.MALFORMED, id="A-120 punycode of ASCII"),
        pytest.param("xn--.test", ErrorType.MALFORMED, id="A-120 an empty A-label"),
        pytest.param("xn--i-7iq.test", ErrorType.MALFORMED, id="A-120 a character IDNA 2008 disallows"),
        pytest.param(f"xn--{'Übung'.encode('punycode').decode()}.test", ErrorType.MALFORMED, id="A-120 upper-case Ü"),
        pytest.param("ab--c.test", ErrorType.MALFORMED, id="A-120 a reserved label"),
        pytest.param("localhost", ErrorType.REJECTED_IDENTIFIER, id="A-116 a single label"),
        pytest.param("*.test", ErrorType.REJECTED_IDENTIFIER, id="A-116 a wildcard of a single label"),
        pytest.param("1.2.0.192.in-addr.arpa", ErrorType.REJECTED_IDENTIFIER, id="C-014 under in-addr.arpa"),
        pytest.param("*.IP6.ARPA", ErrorType.REJECTED_IDENTIFIER, id="C-014 a wildcard of ip6.arpa"),
        pytest.param("ip6.arpa", ErrorType.REJECTED_IDENTIFIER, id="C-014 ip6.arpa itself"),
        pytest.param("router.home.arpa", ErrorType.REJECTED_IDENTIFIER, id="C-013 every home has its own"),
        pytest.param("example.onion", ErrorType.REJECTED_IDENTIFIER, id="C-032 under onion"),
    ],
)
def test_any_other_name_is_refused(value: str, type_: ErrorType) -> None:
    with refused(type_):
        identifiers.parse("dns", value)


@pytest.mark.std("A-202")
@pytest.mark.parametrize("value", ["192.0.2.1", "127.0.0.1", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "::"])
def test_an_address_in_canonical_form(value: str) -> None:
    assert identifiers.parse("ip", value) == value


@pytest.mark.std("A-202")
@pytest.mark.parametrize(
    ("value", "type_"),
    [
        pytest.param("192.0.2.01", ErrorType.MALFORMED, id="a leading zero"),
        pytest.param("192.0.2", ErrorType.MALFORMED, id="three parts"),
        pytest.param("0xc0000201", ErrorType.MALFORMED, id="one number"),
        pytest.param("192.0.2.0/24", ErrorType.MALFORMED, id="CIDR"),
        pytest.param("192.0.2.1 ", ErrorType.MALFORMED, id="a space"),
        pytest.param("192.0.2.1:443", ErrorType.MALFORMED, id="a port"),
        pytest.param("１92.0.2.1", ErrorType.MALFORMED, id="a full-width digit"),
        pytest.param("2001:DB8::1", ErrorType.MALFORMED, id="upper case"),
        pytest.param("2001:0db8::1", ErrorType.MALFORMED, id="leading zeros"),
        pytest.param("2001:db8:0:0:0:0:0:1", ErrorType.MALFORMED, id="zeros written out"),
        pytest.param("2001:db8::1:1:1:1:1", ErrorType.MALFORMED, id="a single zero field shortened"),
        pytest.param("fe80::1%eth0", ErrorType.MALFORMED, id="a zone id"),
        pytest.param("[2001:db8::1]", ErrorType.MALFORMED, id="brackets"),
        pytest.param("2001:db8::/32", ErrorType.MALFORMED, id="CIDR of IPv6"),
        pytest.param("www.demo.test", ErrorType.MALFORMED, id="a name"),
        pytest.param("", ErrorType.MALFORMED, id="nothing"),
        pytest.param("::ffff:192.0.2.1", ErrorType.REJECTED_IDENTIFIER, id="IPv4-mapped"),
    ],
)
def test_any_other_address_is_refused(value: str, type_: ErrorType) -> None:
    with refused(type_):
        identifiers.parse("ip", value)


@pytest.mark.std("A-116")
@pytest.mark.parametrize("type_", ["email", "DNS", "", "permanent-identifier"])
def test_another_type_is_unsupported(type_: str) -> None:
    with refused(ErrorType.UNSUPPORTED_IDENTIFIER, "dns"):
        identifiers.parse(type_, "www.demo.test")


@pytest.mark.std("A-121")
def test_duplicates_collapse_into_the_first() -> None:
    sent = [("dns", "b.test"), ("dns", "A.test"), ("ip", "::1"), ("dns", "a.test"), ("dns", "B.TEST")]
    assert identifiers.parse_all(sent) == ["b.test", "a.test", "::1"]


@pytest.mark.std("A-117")
@pytest.mark.parametrize(("count", "good"), [(0, False), (1, True), (100, True), (101, False)])
def test_an_order_has_1_to_100_identifiers(count: int, good: bool) -> None:
    sent = [("dns", f"{n}.demo.test") for n in range(count)]
    if good:
        assert len(identifiers.parse_all(sent)) == count
    else:
        with refused(ErrorType.MALFORMED):
            identifiers.parse_all(sent)


@pytest.mark.std("A-066")
@pytest.mark.parametrize(
    ("sent", "type_", "subproblems"),
    [
        pytest.param(
            [("dns", "a.test"), ("dns", "_b.test")],
            ErrorType.MALFORMED,
            [("_b.test", "dns", ErrorType.MALFORMED)],
            id="one bad",
        ),
        pytest.param(
            [("dns", "a.onion"), ("dns", "a.test"), ("dns", "localhost")],
            ErrorType.REJECTED_IDENTIFIER,
            [
                ("a.onion", "dns", ErrorType.REJECTED_IDENTIFIER),
                ("localhost", "dns", ErrorType.REJECTED_IDENTIFIER),
            ],
            id="two bad for one reason",
        ),
        pytest.param(
            [("dns", "_a.test"), ("email", "a@b.test"), ("ip", "::ffff:192.0.2.1")],
            ErrorType.COMPOUND,
            [
                ("_a.test", "dns", ErrorType.MALFORMED),
                ("a@b.test", "email", ErrorType.UNSUPPORTED_IDENTIFIER),
                ("::ffff:192.0.2.1", "ip", ErrorType.REJECTED_IDENTIFIER),
            ],
            id="three bad for three reasons",
        ),
    ],
)
def test_every_bad_identifier_gets_its_subproblem(
    sent: list[tuple[str, str]], type_: ErrorType, subproblems: list[tuple[str, str, ErrorType]]
) -> None:
    with refused(type_) as it:
        identifiers.parse_all(sent)
    assert [(s.name, s.name_type, s.type) for s in it.error.subproblems] == subproblems


@pytest.mark.parametrize(
    ("name", "base", "wildcard"),
    [("*.demo.test", "demo.test", True), ("demo.test", "demo.test", False), ("::1", "::1", False)],
)
def test_base_of(name: str, base: str, wildcard: bool) -> None:
    assert identifiers.base_of(name) == (base, wildcard)


@given(st.text(max_size=20) | st.text("ab-.*_1:xn%[]", max_size=30))
def test_any_dns_value_is_canonical_or_refused(value: str) -> None:
    match attempt(lambda: identifiers.parse("dns", value)):
        case AcmeError(detail=detail):
            assert detail.replace("…", "").isascii()
            assert detail.isprintable()
        case name:
            assert name == value.lower()
            assert identifiers.parse("dns", name) == name
            assert identifiers.identifier_of(name) == ("dns", name)


@given(st.ip_addresses())
def test_every_address_has_one_form(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert identifiers.is_ip(str(address))
    assert identifiers.is_ip(address.exploded)
    if not isinstance(attempt(lambda: identifiers.parse("ip", str(address))), AcmeError):
        assert identifiers.identifier_of(str(address)) == ("ip", str(address))


@given(st.text("0123456789abcdef.:/%", max_size=40))
def test_any_ip_value_is_an_address_or_refused(value: str) -> None:
    name = attempt(lambda: identifiers.parse("ip", value))
    assert isinstance(name, AcmeError) or str(ipaddress.ip_address(value)) == name == value


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=59))
def test_any_a_label_is_judged(rest: str) -> None:
    found = attempt(lambda: identifiers.parse("dns", f"xn--{rest}.test"))
    assert isinstance(found, AcmeError) or found == f"xn--{rest}.test"
