"""dns-01 against a real DNS server."""

import msgspec
import pytest

from acme_server.protocol.challenges import dns_value as expected_value
from acme_server.protocol.errors import ErrorType
from acme_server.validation import dns_01
from acme_server.validation.dns_01 import record_name
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import Behaviour, DnsSimulator

KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
VALUE = expected_value(KEY_AUTHORIZATION)
RECORD = "_acme-challenge.www.demo.test"


async def look(name: str, resolver: Resolver, settings: ValidationSettings) -> Proven | NotProven:
    return await dns_01.look(name, KEY_AUTHORIZATION, resolver, settings)


@pytest.mark.std("A-167")
def test_expected_value_is_the_digest_of_the_key_authorization() -> None:
    """The digest was computed with `printf %s … | openssl dgst -sha256 -binary | base64`, made URL-safe."""
    assert VALUE == "lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM"


@pytest.mark.std("A-166")
@pytest.mark.parametrize("name", ["www.demo.test", "*.www.demo.test"])
async def test_the_record_stands_below_the_name_without_its_wildcard(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, name: str
) -> None:
    dns.add(RECORD, "TXT", f'"{VALUE}"')
    outcome = await look(name, resolver, settings)
    assert outcome == Proven(None, {"method": "dns-01", "name": RECORD, "records": 1, "value": VALUE, "dnssec": False})
    assert record_name(name) == RECORD
    assert dns.asked("TXT") == [RECORD]


@pytest.mark.std("A-168")
async def test_any_one_of_several_records_suffices(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(RECORD, "TXT", '"another"', f'"{VALUE}"', '"v=spf1 -all"')
    outcome = await look("www.demo.test", resolver, settings)
    assert isinstance(outcome, Proven)
    assert outcome.detail["records"] == 3


@pytest.mark.std("A-169")
async def test_strings_are_joined_and_aliases_followed(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(RECORD, "CNAME", "www.demo.test.validation.example.")
    dns.add("www.demo.test.validation.example", "TXT", f'"{VALUE[:20]}" "{VALUE[20:]}"')
    assert isinstance(await look("www.demo.test", resolver, settings), Proven)


@pytest.mark.std("A-167", "A-165")
@pytest.mark.parametrize(
    "value",
    [VALUE + "=", VALUE.lower(), VALUE[:-1], KEY_AUTHORIZATION, " " + VALUE, VALUE + " ", "x" * 200],
)
async def test_any_other_value_is_refused(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, value: str
) -> None:
    dns.add(RECORD, "TXT", f'"{value}"')
    outcome = await look("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.INCORRECT_RESPONSE, False)
    assert outcome.detail.startswith(f'TXT {RECORD}: expected {VALUE}, found "{value[:64]}"')
    assert value[65:] not in outcome.detail or not value[65:]


async def test_no_record_is_refused(dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings) -> None:
    dns.add(RECORD, "A", "192.0.2.1")
    outcome = await look("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.UNAUTHORIZED, False)
    assert outcome.detail == f"{RECORD} has no TXT record; expected one with {VALUE}"


@pytest.mark.std("A-165", "C-037")
@pytest.mark.parametrize(
    ("behaviour", "temporary"),
    [(Behaviour.SERVFAIL, True), (Behaviour.NXDOMAIN, False), (Behaviour.BOGUS, False), (Behaviour.REFUSED, True)],
)
async def test_a_failed_lookup_is_a_dns_error(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, behaviour: Behaviour, temporary: bool
) -> None:
    dns.add(RECORD, "TXT", f'"{VALUE}"')
    assert isinstance(await look("www.demo.test", resolver, settings), Proven)
    dns.behave(RECORD, behaviour)
    outcome = await look("www.demo.test", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, temporary)


async def test_a_look_ends_in_time(dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings) -> None:
    dns.add(RECORD, "TXT", f'"{VALUE}"')
    dns.behave(RECORD, Behaviour.DROP)
    outcome = await look("www.demo.test", resolver, msgspec.structs.replace(settings, timeout=0.1))
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, True)
    assert "not finished in 0.1 s" in outcome.detail
