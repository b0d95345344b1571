"""Look-ups through a real unbound, configured as shipped, into zones that nsd serves and ldns has signed."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from acme_server.protocol.challenges import dns_value
from acme_server.protocol.errors import ErrorType
from acme_server.validation import caa, dns_01, dns_persist_01, http_01
from acme_server.validation.outcome import Asked, NotProven, Proven
from acme_server.validation.resolver import DnsFailure, Resolver, Texts
from acme_server.validation.settings import ValidationSettings
from tests.simulators.unbound import CONFIGURATION, SILENT, ZONES, validating

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
KEY_AUTHORIZATION = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
ACCOUNT = "https://acme.ca.example/account/1"
RECORDS = f"""\
_acme-challenge.www IN TXT "{dns_value(KEY_AUTHORIZATION)}"
www IN A 127.0.0.1
www IN CAA 0 issue "ca.example"
alias IN CNAME www.good.test.
into-bogus IN CNAME www.stranger.test.
_validation-persist.www IN TXT "ca.example; accounturi={ACCOUNT}"
bound IN CAA 0 issue "ca.example; accounturi={ACCOUNT}; validationmethods=dns-01"
"""
BOGUS = ("expired.test", "stripped.test", "stranger.test")


@pytest.fixture(scope="module")
def unbound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an unbound whose zones all have the same records."""
    with validating(tmp_path_factory.mktemp("unbound"), dict.fromkeys(ZONES, RECORDS)) as address:
        yield address


@pytest.fixture
def validator(unbound: str) -> Resolver:
    """Asks it."""
    return Resolver([unbound], lifetime=5)


@pytest.mark.std("A-170", "C-034", "C-035")
@pytest.mark.parametrize(
    ("zone", "authentic", "ttl"), [("good.test", True, 300), ("nsec3.test", True, 300), ("unsigned.test", False, 60)]
)
async def test_what_is_signed_is_proven_and_what_is_not_is_not(
    validator: Resolver, settings: ValidationSettings, zone: str, authentic: bool, ttl: int
) -> None:
    """NSEC and NSEC3, ECDSA and RSA with SHA-256; the TTL of a proven record is its zone's, else the cache's."""
    found = await validator.txt(f"_acme-challenge.www.{zone}")
    assert isinstance(found, Texts)
    assert (found.authentic, found.ttl <= ttl, found.ttl > 60) == (authentic, True, authentic)
    proven = await dns_01.look(f"www.{zone}", KEY_AUTHORIZATION, validator, settings)
    assert isinstance(proven, Proven)
    assert proven.detail["dnssec"] is authentic
    permitted = await caa.check(f"www.{zone}", False, ACCOUNT, "dns-01", validator, settings)
    assert isinstance(permitted, Proven)
    assert permitted.detail["dnssec"] is authentic
    absent = await validator.txt(f"_acme-challenge.absent.{zone}")
    assert isinstance(absent, DnsFailure)
    assert absent.kind == "nxdomain"  # proven where the zone is signed, by NSEC or NSEC3


@pytest.mark.std("C-034", "C-037", "C-036")
@pytest.mark.parametrize("zone", BOGUS)
async def test_a_bogus_answer_proves_nothing_and_permits_nothing(
    validator: Resolver, settings: ValidationSettings, zone: str
) -> None:
    """Every kind of look-up: A and AAAA, TXT, CAA. The cause is told, without the resolver's own words."""
    name = f"www.{zone}"
    for outcome in (
        await dns_01.look(name, KEY_AUTHORIZATION, validator, settings),
        await http_01.look(name, TOKEN, KEY_AUTHORIZATION, validator, settings),
        await caa.check(name, False, ACCOUNT, "dns-01", validator, settings),
        await caa.check(f"absent.{zone}", False, ACCOUNT, "dns-01", validator, settings),
    ):
        assert isinstance(outcome, NotProven)
        assert (outcome.type, outcome.temporary) == (ErrorType.DNS, False)
        assert "DNSSEC validation failed: " in outcome.detail
        assert "127.0.0.1" not in outcome.detail


@pytest.mark.std("C-034", "C-041", "C-037")
async def test_an_alias_is_as_good_as_where_it_leads(validator: Resolver, settings: ValidationSettings) -> None:
    followed = await caa.check("alias.good.test", False, ACCOUNT, "dns-01", validator, settings)
    assert isinstance(followed, Proven)
    assert followed.detail["dnssec"] is True
    outcome = await caa.check("into-bogus.good.test", False, ACCOUNT, "dns-01", validator, settings)
    assert isinstance(outcome, NotProven)
    assert "DNSSEC validation failed" in outcome.detail


@pytest.mark.std("C-047")
async def test_a_time_out_in_a_signed_zone_blocks(unbound: str, settings: ValidationSettings) -> None:
    """The parent proves that the zone is signed; its nameserver takes questions and never answers."""
    resolver = Resolver([unbound], lifetime=0.3)
    outcome = await caa.check(f"www.{SILENT}", False, ACCOUNT, "dns-01", resolver, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.DNS, True)
    assert "timed out" in outcome.detail


@pytest.mark.std("A-254", "A-247", "A-250")
async def test_parameters_of_caa_come_through_the_validating_resolver(
    validator: Resolver, settings: ValidationSettings
) -> None:
    for account, method, permitted in (
        (ACCOUNT, "dns-01", True), (f"{ACCOUNT}2", "dns-01", False), (ACCOUNT, "http-01", False),
    ):  # fmt: skip
        outcome = await caa.check("bound.good.test", False, account, method, validator, settings)
        assert isinstance(outcome, Proven) is permitted, (account, method)
    refused = await caa.check("bound.stripped.test", False, ACCOUNT, "dns-01", validator, settings)
    assert isinstance(refused, NotProven)
    assert refused.type is ErrorType.DNS


@pytest.mark.std("A-245", "C-034", "A-237")
async def test_a_record_that_stays_is_proven_by_dnssec(validator: Resolver, settings: ValidationSettings) -> None:
    """And serves for the TTL that its zone has signed, however long it has been in a cache."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    for zone, proven in (("good.test", True), ("nsec3.test", True), ("unsigned.test", False), ("expired.test", False)):
        asked = Asked("dns-persist-01", f"www.{zone}", "", "", ACCOUNT, False, at)
        outcome = await dns_persist_01.look(asked, validator, settings)
        assert isinstance(outcome, Proven) is proven, outcome
        if isinstance(outcome, Proven):
            assert (outcome.ttl, outcome.detail["dnssec"]) == (300, True)
        else:
            assert outcome.type is ErrorType.DNS
            assert "DNSSEC" in outcome.detail


@pytest.mark.std("C-036")
def test_the_shipped_configuration_has_no_exception() -> None:
    """No negative trust anchor, no zone of its own, nothing that switches validation off."""
    lines = [line.split("#")[0].strip() for line in CONFIGURATION.read_text().splitlines()]
    options = dict(line.split(": ", 1) for line in lines if ": " in line)
    assert options["module-config"] == '"validator iterator"'
    assert (options["val-permissive-mode"], options["ede"]) == ("no", "yes")
    forbidden = {
        "domain-insecure", "val-override-date", "ignore-cd-flag", "local-data", "local-zone",
        "trusted-keys-file", "trust-anchor", "stub-zone", "forward-zone", "serve-expired-ttl", "val-clean-additional",
    }  # fmt: skip
    assert not forbidden & {line.partition(":")[0] for line in lines}
    assert options["trust-anchor-file"] == '"/usr/share/dns/root.key"'


@pytest.mark.std("C-034")
async def test_a_resolver_that_cannot_prove_the_root_is_told_from_one_that_does(unbound: str) -> None:
    """This one has no way to the root; a proof is what readiness asks for in production."""
    assert await Resolver([unbound], lifetime=0.3).validates() is False
