"""CAA: the rules as tables, then the climb through a real DNS server."""

import msgspec
import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation import caa
from acme_server.validation.caa import Forbidden, Grant, decide_caa, names_to_ask, parse_grant
from acme_server.validation.outcome import ForbiddenBy, NotProven, Proven
from acme_server.validation.resolver import CaaRecord, Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import Behaviour, DnsSimulator

ACCOUNT = "https://acme.ca.example/acct/0193"
OURS = ("ca.example", "ca2.example")


def records(*texts: str) -> list[CaaRecord]:
    """From `flags tag value`."""
    split = [text.split(" ", 2) for text in texts]
    return [CaaRecord(int(flags), tag, value.encode()) for flags, tag, value in split]


@pytest.mark.std("C-044")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ca.example", Grant("ca.example", [])),
        (" \tCA.Example\t", Grant("ca.example", [])),
        ("ca.example;", Grant("ca.example", [])),
        ("ca.example ; ", Grant("ca.example", [])),
        ("ca.example; account=230123", Grant("ca.example", [("account", "230123")])),
        ("ca.example;a=1;\tB = 2 ", Grant("ca.example", [("a", "1"), ("b", "2")])),
        ("ca.example; a=", Grant("ca.example", [("a", "")])),
        ("ca.example; a=x=y,z", Grant("ca.example", [("a", "x=y,z")])),
        ("ca--2.example", Grant("ca--2.example", [])),
        (";", Grant(None, [])),
        ("", Grant(None, [])),
        (" ; a=1", Grant(None, [("a", "1")])),
        ("%%%%%", Grant(None, [])),
        ("ca.example.", Grant(None, [])),
        (".ca.example", Grant(None, [])),
        ("-ca.example", Grant(None, [])),
        ("ca-.example", Grant(None, [])),
        ("ca_1.example", Grant(None, [])),
        ("ca.example other.example", Grant(None, [])),
        ("ca.example; a", Grant(None, [])),
        ("ca.example; a=1;", Grant(None, [])),
        ("ca.example; a=1;;b=2", Grant(None, [])),
        ("ca.example; a=1 2", Grant(None, [])),
        ("ca.example; -a=1", Grant(None, [])),
        ("ca.example; =1", Grant(None, [])),
        ("ca.example; a=\u00e9", Grant(None, [])),
        ("ca.example\x00", Grant(None, [])),
        ("ca.example;" + "a" * 5000 + "=1", Grant(None, [])),
    ],
)
def test_parse_grant(value: str, expected: Grant) -> None:
    assert parse_grant(value.encode()) == expected


DECISIONS = [
    pytest.param([], False, True, id="C-043 no record"),
    pytest.param(["0 iodef mailto:a@demo.test"], False, True, id="C-043 no relevant property"),
    pytest.param(["0 issue ca.example"], False, True, id="C-043 names us"),
    pytest.param(["0 issue CA.EXAMPLE"], False, True, id="C-043 in another case"),
    pytest.param(["0 issue ca2.example"], False, True, id="C-049 by another of our names"),
    pytest.param(["0 issue other.example"], False, False, id="C-043 names another"),
    pytest.param(["0 issue sub.ca.example"], False, False, id="C-043 names a subdomain of ours"),
    pytest.param(["0 issue other.example", "0 issue ca.example"], False, True, id="C-043 properties add up"),
    pytest.param(["0 issue ;"], False, False, id="C-044 nobody"),
    pytest.param(["0 issue ;", "0 issue ca.example"], False, True, id="C-044 nobody, and us"),
    pytest.param(["0 issue %%%"], False, False, id="C-044 broken value"),
    pytest.param(["0 issue %%%", "0 issue ca.example"], False, True, id="C-044 broken value, and us"),
    pytest.param(["0 issue ca.example; policy=ev"], False, True, id="C-043 unknown parameter"),
    pytest.param(["0 issue ca.example"], True, True, id="C-042 issue decides a wildcard without issuewild"),
    pytest.param(
        ["0 issue other.example", "0 issuewild ca.example"], True, True, id="C-042 issuewild decides a wildcard"
    ),
    pytest.param(["0 issue ca.example", "0 issuewild ;"], True, False, id="C-042 issuewild forbids a wildcard"),
    pytest.param(["0 issue ca.example", "0 issuewild ;"], False, True, id="C-042 and not another name"),
    pytest.param(["0 issuewild other.example"], False, True, id="C-042 issuewild alone restricts no plain name"),
    pytest.param(["0 issue ca.example", "128 tbs unknown"], False, False, id="C-045 unknown critical"),
    pytest.param(["0 issue ca.example", "0 tbs unknown"], False, True, id="C-045 unknown, not critical"),
    pytest.param(["0 issue ca.example", "127 tbs unknown"], False, True, id="C-045 other flag bits"),
    pytest.param(["255 tbs unknown"], False, False, id="C-045 critical among other bits"),
    pytest.param(["128 issue ca.example"], False, True, id="C-045 known critical"),
    pytest.param(["128 issue ca.example", "128 issuemail ;", "128 iodef x"], False, True, id="C-045 all known"),
    pytest.param([f"0 issue ca.example; accounturi={ACCOUNT}"], False, True, id="A-247 this account"),
    pytest.param(["0 issue ca.example; accounturi=https://acme.ca.example/acct/1"], False, False, id="A-247 another"),
    pytest.param([f"0 issuewild ca.example; accounturi={ACCOUNT}x"], True, False, id="A-247 in issuewild"),
    pytest.param([f"0 issue ca.example; ACCOUNTURI={ACCOUNT}x"], False, False, id="A-247 in another case"),
    pytest.param([f"0 issue ca.example; accounturi={ACCOUNT}; accounturi={ACCOUNT}"], False, False, id="A-248 twice"),
    pytest.param(["0 issue ca.example; accounturi="], False, False, id="A-248 empty"),
    pytest.param(["0 issue ca.example; accounturi=acct:0193"], False, False, id="A-248 unrecognised"),
    pytest.param([f"0 issue other.example; accounturi={ACCOUNT}"], False, False, id="A-249 another issuer"),
    pytest.param(
        ["0 issue ca.example; accounturi=x", f"0 issue ca.example; accounturi={ACCOUNT}"],
        False,
        True,
        id="A-247 either",
    ),
    pytest.param(["0 issue ca.example; validationmethods=http-01"], False, True, id="A-250 this method"),
    pytest.param(["0 issue ca.example; validationmethods=dns-01,http-01"], False, True, id="A-250 among others"),
    pytest.param(["0 issue ca.example; validationmethods=dns-01"], False, False, id="A-250 another"),
    pytest.param(["0 issue ca.example; validationmethods="], False, False, id="A-250 empty"),
    pytest.param(["0 issue ca.example; validationmethods=ca-tbr-7,http-01"], False, True, id="A-251 beside ca- labels"),
    pytest.param(["0 issue ca.example; validationmethods=http-01,"], False, False, id="A-251 empty label"),
    pytest.param(["0 issue ca.example; validationmethods=http_01,http-01"], False, False, id="A-251 bad label"),
    pytest.param(["0 issue ca.example; validationmethods=HTTP-01"], False, False, id="A-250 case counts"),
    pytest.param(
        ["0 issue ca.example; validationmethods=http-01; validationmethods=http-01"], False, False, id="A-252 twice"
    ),
    pytest.param(
        [f"0 issue ca.example; accounturi={ACCOUNT}; validationmethods=dns-01"], False, False, id="A-250 both must fit"
    ),
]


@pytest.mark.parametrize(("texts", "wildcard", "permitted"), DECISIONS)
def test_decide_caa(texts: list[str], wildcard: bool, permitted: bool) -> None:
    outcome = decide_caa(records(*texts), OURS, wildcard, ACCOUNT, "http-01")
    assert (outcome is None) is permitted


@pytest.mark.std("A-247", "A-248", "A-249")
@pytest.mark.parametrize(
    ("account", "permitted"),
    [(ACCOUNT, True), (ACCOUNT.upper(), False), (ACCOUNT + "/", False), ("https://acme.ca.example/acct/0194", False)],
)
def test_accounturi_permits_that_account_only(account: str, permitted: bool) -> None:
    found = records(f"0 issue ca.example; accounturi={ACCOUNT}")
    assert (decide_caa(found, OURS, False, account, "http-01") is None) is permitted
    assert decide_caa(records("0 issue ca.example"), OURS, False, account, "http-01") is None
    assert decide_caa(
        records(f"0 issue ca.example; accounturi={account}; accounturi={account}"), OURS, False, account, "http-01"
    )


@pytest.mark.std("A-250", "A-251", "A-252")
@pytest.mark.parametrize(
    ("methods", "permitted"),
    [("dns-01", True), ("http-01,dns-01", True), ("http-01", False), ("", False), ("dns_01,dns-01", False)],
)
def test_validationmethods_lists_the_methods(methods: str, permitted: bool) -> None:
    found = records(f"0 issue ca.example; validationmethods={methods}")
    assert (decide_caa(found, OURS, False, ACCOUNT, "dns-01") is None) is permitted
    twice = records(f"0 issue ca.example; validationmethods={methods}; validationmethods={methods}")
    assert decide_caa(twice, OURS, False, ACCOUNT, "dns-01") is not None


def test_decide_caa_says_why() -> None:
    assert decide_caa(records("0 issue other.example"), OURS, False, ACCOUNT, "http-01") == Forbidden(
        'it does not name this CA; add issue "ca.example" to permit it'
    )
    limited = records("0 issue ca.example; validationmethods=dns-01")
    assert decide_caa(limited, OURS, False, ACCOUNT, "http-01") == Forbidden(
        f"it names this CA, but not for this account ({ACCOUNT}) with http-01"
    )


@pytest.mark.std("C-040")
def test_names_to_ask_climbs_without_the_root() -> None:
    assert names_to_ask("a.b.demo.test") == ["a.b.demo.test", "b.demo.test", "demo.test", "test"]


async def check(
    name: str, resolver: Resolver, settings: ValidationSettings, method: str = "dns-01"
) -> Proven | NotProven:
    return await caa.check(name, name.startswith("*."), ACCOUNT, method, resolver, settings)


@pytest.mark.std("C-040")
async def test_check_stops_at_the_first_records(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("demo.test", "CAA", '0 issue "ca.example"')
    dns.add("test", "CAA", '0 issue ";"')
    outcome = await check("*.a.www.demo.test", resolver, settings)
    assert outcome == Proven(
        None,
        {
            "method": "caa",
            "name": "*.a.www.demo.test",
            "found_at": "demo.test",
            "records": ['0 issue "ca.example"'],
            "dnssec": False,
        },
    )
    assert dns.asked("CAA") == ["a.www.demo.test", "www.demo.test", "demo.test"]


@pytest.mark.std("C-042")
async def test_check_knows_a_wildcard_by_its_base_too(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("demo.test", "CAA", '0 issue "ca.example"', '0 issuewild ";"')
    for name, wildcard in (("demo.test", True), ("*.demo.test", False)):
        assert isinstance(await caa.check(name, wildcard, ACCOUNT, "dns-01", resolver, settings), NotProven)
    assert isinstance(await check("demo.test", resolver, settings), Proven)


@pytest.mark.std("C-040", "C-043")
async def test_check_permits_when_nothing_is_found(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("www.demo.test", "A", "192.0.2.1")
    outcome = await check("www.demo.test", resolver, settings)
    assert isinstance(outcome, Proven)
    assert (outcome.detail["found_at"], outcome.detail["records"]) == (None, [])
    assert dns.asked("CAA") == ["www.demo.test", "demo.test", "test"]


@pytest.mark.std("C-039", "C-040")
async def test_check_refuses_by_a_parent(dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings) -> None:
    dns.add("test", "CAA", '0 issue "other.example"')
    outcome = await check("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.CAA, False)
    assert outcome.detail.startswith("The CAA record of test forbids a certificate for www.demo.test: it does not name")
    assert outcome.forbidden_by == ForbiddenBy("test", ())
    dns.add("demo.test", "CAA", '0 issue "ca.example"')
    assert isinstance(await check("www.demo.test", resolver, settings), Proven)


@pytest.mark.std("C-050")
async def test_what_iodef_says_is_told_with_the_refusal(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    """The first five, as far as they can be URLs, and unread."""
    urls = [f"mailto:{'x' * 240}@{'y' * 60}", *(f"mailto:{number}@demo.test" for number in range(8))]
    dns.add("demo.test", "CAA", '0 issue "other.example"', *(f'0 iodef "{url}"' for url in urls))
    outcome = await check("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert outcome.forbidden_by is not None
    assert outcome.forbidden_by.domain == "demo.test"
    assert len(outcome.forbidden_by.iodef) == 5
    assert all(len(url) < 30 for url in outcome.forbidden_by.iodef)


@pytest.mark.std("C-050")
def test_what_iodef_says_is_bounded() -> None:
    values = ["mailto:é@demo.test", "x" * 300, "x" * 301, "b", "c", "d", "e", "f"]
    found = caa.iodef_of([CaaRecord(0, "iodef", value.encode()) for value in values])
    assert found == ("x" * 300, "b", "c", "d", "e")


@pytest.mark.std("C-041")
async def test_check_follows_aliases_and_climbs_from_the_name_itself(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    """RFC 8659 §3: the alias's target counts, its parents do not."""
    dns.add("www.demo.test", "CNAME", "host.cloud.example.")
    dns.add("cloud.example", "CAA", '0 issue ";"')
    dns.add("host.cloud.example", "A", "192.0.2.1")
    dns.add("demo.test", "CAA", '0 issue "ca.example"')
    assert isinstance(await check("www.demo.test", resolver, settings), Proven)
    assert dns.asked("CAA") == ["www.demo.test", "demo.test"]
    dns.add("host.cloud.example", "CAA", '0 issue ";"')
    outcome = await check("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert outcome.type is ErrorType.CAA


@pytest.mark.std("C-037", "C-047")
@pytest.mark.parametrize("where", ["www.demo.test", "demo.test"])
@pytest.mark.parametrize(
    ("behaviour", "temporary"),
    [
        (Behaviour.SERVFAIL, True),
        (Behaviour.REFUSED, True),
        (Behaviour.DROP, True),
        (Behaviour.BOGUS, False),
        (Behaviour.GARBAGE, False),
    ],
)
async def test_check_refuses_when_a_lookup_fails(
    dns: DnsSimulator, settings: ValidationSettings, where: str, behaviour: Behaviour, temporary: bool
) -> None:
    dns.add("test", "CAA", '0 issue "ca.example"')
    resolver = Resolver([dns.address], lifetime=0.2 if behaviour is Behaviour.DROP else 5)
    assert isinstance(await check("www.demo.test", Resolver([dns.address]), settings), Proven)
    dns.behave(where, behaviour)
    outcome = await check("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, temporary)
    assert where in outcome.detail


@pytest.mark.std("C-047")
async def test_check_retries_a_failed_lookup(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("www.demo.test", "CAA", '0 issue "ca.example"')
    dns.behave("www.demo.test", Behaviour.FAIL_ONCE)
    assert isinstance(await check("www.demo.test", resolver, settings), Proven)
    assert dns.asked("CAA") == ["www.demo.test", "www.demo.test"]


async def test_check_ends_in_time(dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings) -> None:
    dns.behave("www.demo.test", Behaviour.DROP)
    outcome = await check("www.demo.test", resolver, msgspec.structs.replace(settings, timeout=0.1))
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, True)


@pytest.mark.std("C-039")
async def test_check_asks_nothing_about_an_address(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    assert isinstance(await check("127.0.0.1", resolver, settings, "http-01"), Proven)
    assert dns.queries == []
