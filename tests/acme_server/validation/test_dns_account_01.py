"""dns-account-01 against a real DNS server."""

import msgspec
import pytest

from acme_server.protocol.challenges import dns_value
from acme_server.protocol.errors import ErrorType
from acme_server.validation import dns_01
from acme_server.validation.dns_01 import record_name_of_account
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import Behaviour, DnsSimulator

KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
VALUE = dns_value(KEY_AUTHORIZATION)
ACCOUNT = "https://example.com/acme/acct/ExampleAccount"
LABEL = "_ujmmovf2vn55tgye"  # of the draft's own example
RECORD = f"{LABEL}._acme-challenge.www.demo.test"


async def look(
    resolver: Resolver, settings: ValidationSettings, name: str = "www.demo.test", account: str = ACCOUNT
) -> Proven | NotProven:
    return await dns_01.look_of_account(name, account, KEY_AUTHORIZATION, resolver, settings)


@pytest.mark.std("A-231", "A-235")
@pytest.mark.parametrize("name", ["www.demo.test", "*.www.demo.test"])
async def test_the_record_stands_below_a_label_of_the_account(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, name: str
) -> None:
    """Draft -00, whose label later ones keep; wildcards are proven at their base."""
    dns.add(RECORD, "TXT", f'"{VALUE}"')
    outcome = await look(resolver, settings, name)
    seen = {"method": "dns-account-01", "name": RECORD, "records": 1, "value": VALUE, "dnssec": False}
    assert outcome == Proven(None, seen)
    assert dns.asked("TXT") == [RECORD]


@pytest.mark.std("A-232")
@pytest.mark.parametrize(
    "account", [ACCOUNT.replace("acme", "ACME"), ACCOUNT + "/", ACCOUNT.replace(".com/", ".com:443/")]
)
def test_the_label_is_of_the_url_to_the_octet(account: str) -> None:
    """It knows no key, so it stays the same after a rollover."""
    assert record_name_of_account("www.demo.test", ACCOUNT) == RECORD
    assert record_name_of_account("www.demo.test", account) != RECORD


@pytest.mark.std("A-233", "A-234", "C-023")
@pytest.mark.parametrize(
    ("records", "type", "said"),
    [
        ((f'"{VALUE}"', '"else"'), None, ""),
        ((f'"{VALUE[:20]}" "{VALUE[20:]}"',), None, ""),
        (('"else"',), ErrorType.INCORRECT_RESPONSE, f'TXT {RECORD}: expected {VALUE}, found "else"'),
        ((), ErrorType.UNAUTHORIZED, f"{RECORD} has no TXT record; expected one with {VALUE}"),
    ],
)
async def test_it_is_matched_as_in_dns_01(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, records: tuple[str, ...],
    type: ErrorType | None, said: str,
) -> None:  # fmt: skip
    """Any one of several records, strings joined; what fails names where was looked."""
    dns.add(RECORD, "A", "192.0.2.1")
    if records:
        dns.add(RECORD, "TXT", *records)
    outcome = await look(resolver, settings)
    assert (None if isinstance(outcome, Proven) else (outcome.type, outcome.detail)) == (type and (type, said))


@pytest.mark.std("A-234", "C-037")
async def test_a_lookup_that_fails(dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings) -> None:
    dns.add(RECORD, "TXT", f'"{VALUE}"')
    dns.behave(RECORD, Behaviour.BOGUS)
    outcome = await look(resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary, RECORD in outcome.detail) == (ErrorType.DNS, False, True)
    dns.behave(RECORD, Behaviour.DROP)
    outcome = await look(resolver, msgspec.structs.replace(settings, timeout=0.1))
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary, RECORD in outcome.detail) == (ErrorType.DNS, True, True)
