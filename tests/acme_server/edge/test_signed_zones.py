"""From newOrder to the certificate with the real look, through the shipped unbound, into signed and bogus zones."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from acme_server.protocol.objects import DNS_CHALLENGES
from acme_server.use_cases.counted import CountedLooks
from acme_server.validation.look import looker
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.acme_server.client import Client, Json, b64, csr, new_key
from tests.acme_server.conftest import IDENTITIES, Served
from tests.simulators.unbound import validating

ZONES = ("good.test", "stripped.test")
LISTED = (
    "INSERT INTO gate.contract_names (id, contract_id, kind, value, added_at) SELECT gen_random_uuid(), contract_id, "
    "'domain', $1, added_at FROM gate.contract_names WHERE kind = 'domain' AND value = 'demo.test'"
)
ACCOUNT = "https://acme.test/account/00000000-0000-7000-8000-000000000001"
RECORDS = f"""\
_validation-persist IN TXT "{IDENTITIES[0]}; accounturi={ACCOUNT}; policy=wildcard"
@ IN CAA 0 issue "{IDENTITIES[0]}; validationmethods=dns-persist-01; accounturi={ACCOUNT}"
"""


@pytest.fixture(scope="module")
def unbound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an unbound; the records are for one account."""
    with validating(tmp_path_factory.mktemp("unbound"), dict.fromkeys(ZONES, RECORDS)) as address:
        yield address


@pytest.fixture
async def client(served: Served, unbound: str) -> Client:
    """That account, which may have names in both zones; the server looks through unbound."""
    settings = ValidationSettings(IDENTITIES, methods=DNS_CHALLENGES)
    served.context.looks = CountedLooks(looker(settings, Resolver([unbound], settings.dns_lifetime)))
    served.context.offers = replace(served.context.offers, challenges=DNS_CHALLENGES, subdomains=True)
    for zone in ZONES:
        await served.owner.execute(LISTED, zone)
    made = await served.registered()
    await served.owner.execute(
        "SET session_replication_role = replica; UPDATE acme.accounts SET id = "
        f"'{ACCOUNT[-36:]}' WHERE id = '{(made.kid or '')[-36:]}'; RESET session_replication_role"
    )
    made.kid = ACCOUNT
    return made


async def answered(client: Client, zone: str) -> tuple[Json, Json]:
    """An order for the zone's wildcard, and its authorization once dns-persist-01 was answered."""
    order = (await client.order(f"*.{zone}")).json
    offered = (await client.post(order["authorizations"][0])).json["challenges"]
    await client.post(next(each["url"] for each in offered if each["type"] == "dns-persist-01"), {})
    return order, (await client.post(order["authorizations"][0])).json


@pytest.mark.std("C-034", "A-236", "C-028")
async def test_a_wildcard_by_a_record_that_stays_in_a_signed_zone(served: Served, client: Client) -> None:
    order, proven = await answered(client, "good.test")
    assert proven["status"] == "valid", proven
    done = await client.post(order["finalize"], {"csr": b64(csr(new_key(), ["*.good.test"]))})
    assert (done.status, done.json["status"]) == (200, "valid")
    text = await served.owner.fetchval(
        "SELECT convert_from(content, 'UTF8') FROM evidence.records WHERE kind = 'authorization.validated'"
    )
    seen = json.loads(text)["seen"]
    assert seen["ttl"] == 300
    assert (seen["detail"]["dnssec"], seen["detail"]["caa"]["dnssec"]) == (True, True)
    assert seen["detail"]["caa"]["found_at"] == "good.test"


@pytest.mark.std("C-037", "A-165")
async def test_a_client_is_told_that_its_zone_is_bogus(client: Client) -> None:
    _, failed = await answered(client, "stripped.test")
    assert failed["status"] == "invalid"
    error = failed["challenges"][0]["error"]
    assert error["type"] == "urn:ietf:params:acme:error:dns"
    assert error["detail"].startswith(
        "DNS lookup of TXT of _validation-persist.stripped.test: DNSSEC validation failed: "
    )
    assert "127.0.0.1" not in error["detail"]
