"""Which look answers which challenge, and what each setting changes."""

from datetime import UTC, datetime

import msgspec
import pytest

from acme_server.protocol.challenges import dns_value as expected_value
from acme_server.protocol.errors import ErrorType
from acme_server.validation import dns_01
from acme_server.validation.look import AlwaysValid, Looker, looker
from acme_server.validation.outcome import Asked, NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from acme_server.validation.tls_alpn_01 import expected_extension
from tests.simulators.dns import DnsSimulator
from tests.simulators.tls_alpn import TlsAlpnSimulator, challenge_certificate
from tests.simulators.web import Reply, WebSimulator

NAME = "www.demo.test"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
KEY_AUTHORIZATION = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
ACCOUNT = "https://acme.ca.example/acct/1"


def asked(type: str, name: str, subdomains: bool = False) -> Asked:
    return Asked(type, name, TOKEN, KEY_AUTHORIZATION, ACCOUNT, subdomains, datetime(2026, 11, 23, tzinfo=UTC))


async def test_looker_takes_the_look_of_the_challenge(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add(NAME, "A", "127.0.0.1")
    dns.add(f"_acme-challenge.{NAME}", "TXT", f'"{expected_value(KEY_AUTHORIZATION)}"')
    certificate = challenge_certificate([NAME], expected_extension(KEY_AUTHORIZATION))
    async with WebSimulator.start() as web, TlsAlpnSimulator.start(certificate) as tls:
        web.on(f"/.well-known/acme-challenge/{TOKEN}", Reply(body=KEY_AUTHORIZATION.encode()))
        made = looker(msgspec.structs.replace(settings, http_port=web.port, tls_port=tls.port), resolver)
        for challenge_type in ("http-01", "dns-01", "tls-alpn-01"):
            outcome = await made.validate(asked(challenge_type, NAME))
            assert isinstance(outcome, Proven), outcome
            assert outcome.detail["method"] == challenge_type


@pytest.mark.std("A-157", "A-201", "C-027")
@pytest.mark.parametrize("mode", ["network", "always_valid"])
@pytest.mark.parametrize("challenge_type", ["http-01", "tls-alpn-01"])
async def test_a_method_that_proves_one_host_never_proves_a_wildcard(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, mode: str, challenge_type: str
) -> None:
    made = looker(msgspec.structs.replace(settings, mode=mode), resolver)
    outcome = await made.validate(asked(challenge_type, "*.demo.test"))
    assert outcome == NotProven(ErrorType.UNAUTHORIZED, f"{challenge_type} cannot prove control of *.demo.test")
    assert dns.queries == []


@pytest.mark.std("A-212", "C-027")
@pytest.mark.parametrize("mode", ["network", "always_valid"])
@pytest.mark.parametrize("challenge_type", ["http-01", "tls-alpn-01"])
async def test_a_method_that_proves_one_host_never_proves_subdomains(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, mode: str, challenge_type: str
) -> None:
    made = looker(msgspec.structs.replace(settings, mode=mode), resolver)
    outcome = await made.validate(asked(challenge_type, NAME, subdomains=True))
    said = f"{challenge_type} cannot prove control of {NAME} and its subdomains"
    assert outcome == NotProven(ErrorType.UNAUTHORIZED, said)
    assert dns.queries == []


@pytest.mark.std("C-017")
@pytest.mark.parametrize("challenge_type", ["http-01", "dns-01", "tls-alpn-01", "dns-account-01", "dns-persist-01"])
async def test_a_method_that_is_offered_no_more_proves_nothing(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, challenge_type: str
) -> None:
    """Whatever was offered before the settings changed."""
    made = looker(msgspec.structs.replace(settings, methods=()), resolver)
    outcome = await made.validate(asked(challenge_type, NAME))
    assert outcome == NotProven(ErrorType.UNAUTHORIZED, f"{challenge_type} is not offered any more. Place a new order.")
    assert dns.queries == []


@pytest.mark.parametrize("challenge_type", ["dns-account-01", "dns-persist-01"])
async def test_the_drafts_are_looked_at_where_they_are_offered(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, challenge_type: str
) -> None:
    dns.add(dns_01.record_name_of_account(NAME, ACCOUNT), "TXT", f'"{expected_value(KEY_AUTHORIZATION)}"')
    dns.add(f"_validation-persist.{NAME}", "TXT", f'"ca.example; accounturi={ACCOUNT}"')
    offering = msgspec.structs.replace(settings, methods=(challenge_type,), persist_needs_dnssec=False)
    outcome = await looker(offering, resolver).validate(asked(challenge_type, NAME))
    assert isinstance(outcome, Proven), outcome
    assert outcome.detail["method"] == challenge_type


@pytest.mark.std("A-205")
@pytest.mark.parametrize("mode", ["network", "always_valid"])
async def test_dns_01_never_proves_an_address(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings, mode: str
) -> None:
    made = looker(msgspec.structs.replace(settings, mode=mode), resolver)
    assert isinstance(await made.validate(asked("dns-01", "127.0.0.1")), NotProven)
    assert dns.queries == []


async def test_always_valid_replaces_the_look_only(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("demo.test", "CAA", '0 issue ";"')
    for mode, kind, proven in (("network", Looker, False), ("always_valid", AlwaysValid, True)):
        made = looker(msgspec.structs.replace(settings, mode=mode), resolver)
        assert isinstance(made, kind)
        outcome = await made.validate(asked("dns-01", "*.demo.test"))
        assert isinstance(outcome, Proven) is proven
        outcome = await made.caa("*.demo.test", True, "https://acme.ca.example/acct/1", "dns-01")
        assert isinstance(outcome, Proven) is proven


@pytest.mark.std("C-049")
async def test_issuer_domains_are_those_of_the_settings(
    dns: DnsSimulator, resolver: Resolver, settings: ValidationSettings
) -> None:
    dns.add("demo.test", "CAA", '0 issue "ca.example"')
    for domains, proven in ((("ca.example",), True), (("x.example", "ca.example"), True), (("x.example",), False)):
        made = looker(msgspec.structs.replace(settings, issuer_domains=domains), resolver)
        outcome = await made.caa(NAME, False, "https://acme.ca.example/acct/1", "dns-01")
        assert isinstance(outcome, Proven) is proven


def test_a_lookup_takes_half_a_look_at_most() -> None:
    assert ValidationSettings(("ca.example",)).dns_lifetime == 5.0
    assert ValidationSettings(("ca.example",), timeout=2.0).dns_lifetime == 1.0
    assert ValidationSettings(("ca.example",), timeout=60.0).dns_lifetime == 5.0
