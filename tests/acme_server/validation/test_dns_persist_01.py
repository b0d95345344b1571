"""dns-persist-01: what a record must say, and how it is found."""

from datetime import UTC, datetime

import msgspec
import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation import dns_persist_01
from acme_server.validation.dns_persist_01 import Fault, fault_of, is_ours, record_name
from acme_server.validation.outcome import Asked, NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import Behaviour, DnsSimulator

ACCOUNT = "https://acme.ca.example/account/1"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())
RECORD = "_validation-persist.www.demo.test"
GOOD = f"ca.example; accounturi={ACCOUNT}"


def asked(name: str = "www.demo.test", subdomains: bool = False) -> Asked:
    return Asked("dns-persist-01", name, "", "", ACCOUNT, subdomains, NOW)


@pytest.fixture
def settings() -> ValidationSettings:
    """A zone need not be signed here: the simulator signs nothing."""
    return ValidationSettings(("ca.example", "other-name.example"), persist_needs_dnssec=False)


@pytest.mark.std("A-238")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (GOOD, True), (f" CA.example ;accounturi={ACCOUNT}", True), ("other-name.example", True),
        (f"ca.example.; accounturi={ACCOUNT}", False), (f"letsencrypt.test; accounturi={ACCOUNT}", False),
        (f"; accounturi={ACCOUNT}", False), ("v=spf1 -all", False), ("", False), ("xca.example", False),
    ],
)  # fmt: skip
def test_is_ours(value: str, expected: bool) -> None:
    assert is_ours(value.encode(), ("ca.example", "other-name.example")) is expected


@pytest.mark.parametrize(
    ("value", "broad", "type"),
    [
        pytest.param(GOOD, False, None, id="A-237 the grammar of RFC 8659"),
        pytest.param(f"ca.example;\taccounturi = {ACCOUNT} ", False, None, id="A-237 blanks as there"),
        pytest.param(f"ca.example; ACCOUNTURI={ACCOUNT}", False, None, id="A-239 a parameter's name in any case"),
        pytest.param("ca.example", False, ErrorType.MALFORMED, id="A-239 A-243 no accounturi"),
        pytest.param("ca.example; accounturi=", False, ErrorType.MALFORMED, id="A-239 an empty accounturi"),
        pytest.param(f"{GOOD}0", False, ErrorType.UNAUTHORIZED, id="A-239 A-243 another account"),
        pytest.param(GOOD.replace("acme", "ACME"), False, ErrorType.UNAUTHORIZED, id="A-239 simple string comparison"),
        pytest.param(f"{GOOD}; accounturi={ACCOUNT}", False, ErrorType.MALFORMED, id="A-243 accounturi twice"),
        pytest.param(f"{GOOD}; policy=wildcard", True, None, id="A-240 wildcard or subdomains"),
        pytest.param(f"{GOOD}; policy=WildCard", True, None, id="A-240 in any case"),
        pytest.param(f"{GOOD}; policy=wildcard", False, None, id="A-240 more than is needed"),
        pytest.param(GOOD, True, ErrorType.UNAUTHORIZED, id="A-240 no policy"),
        pytest.param(f"{GOOD}; policy=subdomains", True, ErrorType.UNAUTHORIZED, id="A-240 another is none"),
        pytest.param(f"{GOOD}; policy=subdomains", False, None, id="A-240 another is none, and none is needed"),
        pytest.param(f"{GOOD}; policy=a; policy=wildcard", True, ErrorType.MALFORMED, id="A-243 policy twice"),
        pytest.param(f"{GOOD}; persistUntil={UNIX}", False, None, id="A-241 up to that second"),
        pytest.param(f"{GOOD}; persistUntil={UNIX - 1}", False, ErrorType.UNAUTHORIZED, id="A-241 a second later"),
        pytest.param(f"{GOOD}; persistUntil=2027-01-01", False, ErrorType.MALFORMED, id="A-241 no number"),
        pytest.param(f"{GOOD}; persistUntil=-1", False, ErrorType.MALFORMED, id="A-241 a sign"),
        pytest.param(f"{GOOD}; persistUntil=0x7fffffff", False, ErrorType.MALFORMED, id="A-241 base 10"),
        pytest.param(f"{GOOD}; persistUntil=", False, ErrorType.MALFORMED, id="A-241 empty"),
        pytest.param(f"{GOOD}; persistUntil=1; persistUntil={UNIX}", False, ErrorType.MALFORMED, id="A-241 repeated"),
        pytest.param(f"{GOOD}; colour=blue; colour=red; x-1=", False, None, id="A-242 unknown parameters"),
        pytest.param(f"{GOOD}; policy wildcard", False, ErrorType.MALFORMED, id="A-243 no grammar"),
        pytest.param(f"{GOOD};;", False, ErrorType.MALFORMED, id="A-243 an empty parameter"),
        pytest.param(f"{GOOD}; policy=wild card", False, ErrorType.MALFORMED, id="A-243 a blank in a value"),
        pytest.param(f"{GOOD}é", False, ErrorType.MALFORMED, id="A-243 not ASCII"),
    ],
)
def test_fault_of(value: str, broad: bool, type: ErrorType | None) -> None:
    fault = fault_of(value.encode(), ACCOUNT, broad, NOW)
    assert (fault and fault.type) == type
    assert fault is None or isinstance(fault, Fault)


@pytest.mark.std("A-237", "A-245", "C-023")
async def test_a_record_that_stays_proves_the_name_while_its_ttl_lasts(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    """Its strings are joined. The simulator's TTL is a minute."""
    dns.add(RECORD, "TXT", f'"{GOOD[:20]}" "{GOOD[20:]}"')
    seen = {"method": "dns-persist-01", "name": RECORD, "records": 1, "value": GOOD, "dnssec": False}
    assert await dns_persist_01.look(asked(), resolver, settings) == Proven(None, seen, 60)
    assert dns.asked("TXT") == [RECORD]


@pytest.mark.std("A-238", "A-242")
async def test_one_usable_record_among_others_suffices(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(RECORD, "TXT", '"v=spf1 -all"', '"ca.example"', f'"else.example; accounturi={ACCOUNT}"', f'"{GOOD}"')
    assert isinstance(await dns_persist_01.look(asked(), resolver, settings), Proven)


@pytest.mark.std("A-238", "A-243")
@pytest.mark.parametrize(
    ("records", "type", "said"),
    [
        ((), ErrorType.UNAUTHORIZED, f'{RECORD} has no TXT record for this CA; expected "{GOOD}"'),
        ((f"else.example; accounturi={ACCOUNT}",), ErrorType.UNAUTHORIZED, "has no TXT record for this CA"),
        (("ca.example; accounturi=https://else.example/1",), ErrorType.UNAUTHORIZED, "its accounturi is another"),
        (("ca.example",), ErrorType.MALFORMED, "it has no accounturi"),
    ],
)
async def test_what_is_wrong_is_told(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, records: tuple[str, ...], type: ErrorType,
    said: str,
) -> None:  # fmt: skip
    dns.add(RECORD, "A", "192.0.2.1")
    if records:
        dns.add(RECORD, "TXT", *(f'"{each}"' for each in records))
    outcome = await dns_persist_01.look(asked(), resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, said in outcome.detail, outcome.temporary) == (type, True, False)


@pytest.mark.std("A-240", "C-028")
@pytest.mark.parametrize(("name", "subdomains"), [("*.www.demo.test", False), ("www.demo.test", True)])
async def test_a_wildcard_or_subdomains_need_their_policy(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, name: str, subdomains: bool
) -> None:
    dns.add(RECORD, "TXT", f'"{GOOD}"')
    assert record_name(name) == RECORD
    outcome = await dns_persist_01.look(asked(name, subdomains), resolver, settings)
    assert isinstance(outcome, NotProven)
    assert "policy=wildcard" in outcome.detail
    dns.remove(RECORD, "TXT")
    dns.add(RECORD, "TXT", f'"{GOOD}; policy=wildcard"')
    assert isinstance(await dns_persist_01.look(asked(name, subdomains), resolver, settings), Proven)


@pytest.mark.std("A-244")
async def test_an_alias_is_followed_to_the_record_and_is_not_what_is_proven(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(RECORD, "CNAME", "records.dns.example.")
    dns.add("records.dns.example", "TXT", f'"{GOOD}"')
    outcome = await dns_persist_01.look(asked(), resolver, settings)
    assert isinstance(outcome, Proven)
    assert outcome.detail["name"] == RECORD
    assert isinstance(await dns_persist_01.look(asked("records.dns.example"), resolver, settings), NotProven)


async def test_a_zone_that_is_not_signed_proves_nothing_where_the_settings_say_so(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(RECORD, "TXT", f'"{GOOD}"')
    strict = msgspec.structs.replace(settings, persist_needs_dnssec=True)
    outcome = await dns_persist_01.look(asked(), resolver, strict)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, "DNSSEC does not prove it" in outcome.detail) == (ErrorType.DNS, True)
    dns.behave(RECORD, Behaviour.SERVFAIL)
    outcome = await dns_persist_01.look(asked(), resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, True)
