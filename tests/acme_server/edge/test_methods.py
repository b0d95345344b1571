"""Which challenges are on offer, what is recorded of them, and how long each proof serves."""

import json
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from acme_server import config, config_unfit
from acme_server.clock import utc_now
from acme_server.protocol.objects import BROAD_CHALLENGES, DNS_CHALLENGES, IP_CHALLENGES, SECTIONS
from acme_server.use_cases.context import Offers
from acme_server.validation.outcome import Proven
from tests.acme_server.client import Client, Json
from tests.acme_server.conftest import IDENTITIES, Served
from tests.acme_server.edge.arrange import id_of, run

NAME, WILDCARD = "www.demo.test", "*.demo.test"
ANSWERED = "UPDATE acme.authorizations SET challenge_type = $2, challenge_status = 'processing' WHERE id = $1"
DAY = timedelta(days=1)
DRAFTS = ("dns-account-01", "dns-persist-01")


async def authorization(client: Client, name: str) -> tuple[str, Json]:
    """URL and document of the authorization of a new order for the name."""
    url = (await client.order(name)).json["authorizations"][0]
    return url, (await client.post(url)).json


def types(document: Json) -> tuple[str, ...]:
    return tuple(each["type"] for each in document["challenges"])


def offer(served: Served, *challenges: str) -> None:
    served.context.offers = replace(served.context.offers, challenges=challenges)


async def evidence_of(served: Served, url: str) -> Json:
    """What was recorded of the validation."""
    text = await served.owner.fetchval(
        "SELECT convert_from(content, 'UTF8') FROM evidence.records "
        "WHERE kind = 'authorization.validated' AND convert_from(content, 'UTF8') LIKE $1",
        f"%{id_of(url)}%",
    )
    found: Json = json.loads(text)
    return found


@pytest.mark.std("C-017", "C-018", "C-029")
def test_only_permitted_methods_exist() -> None:
    """Those of ACME: no e-mail, telephone, WHOIS, no website change without ACME, no domain by its address."""
    assert {section for (kind, _), section in SECTIONS.items() if kind == "dns"} == {
        "3.2.2.4.7", "3.2.2.4.19", "3.2.2.4.20", "3.2.2.4.21", "3.2.2.4.22",
    }  # fmt: skip
    assert {section for (kind, _), section in SECTIONS.items() if kind == "ip"} == {"3.2.2.5.6", "3.2.2.5.7"}
    assert {type for kind, type in SECTIONS if kind == "dns"} == set(DNS_CHALLENGES)
    assert {type for kind, type in SECTIONS if kind == "ip"} == set(IP_CHALLENGES)
    assert (config_unfit.FOR_WILDCARDS, config_unfit.FOR_ADDRESSES) == (BROAD_CHALLENGES, IP_CHALLENGES)
    assert set(config.Acme().challenges) | set(DRAFTS) == set(DNS_CHALLENGES)


@pytest.mark.std("C-017", "C-019", "C-020")
async def test_the_database_takes_no_other_method(served: Served) -> None:
    client = await served.registered()
    url, _ = await authorization(client, NAME)
    for method in ("email", "phone", "agreed-upon-change", "http-00", "tls-sni-01", "reverse-address-lookup"):
        with pytest.raises(asyncpg.CheckViolationError):
            await served.owner.execute(ANSWERED, id_of(url), method)


@pytest.mark.std("A-236", "A-233", "C-021")
async def test_what_the_settings_offer_is_on_offer(served: Served) -> None:
    client = await served.registered()
    _, usual = await authorization(client, NAME)
    assert types(usual) == ("http-01", "dns-01", "tls-alpn-01")
    offer(served, "tls-alpn-01", *DRAFTS)
    _, drafts = await authorization(client, "api.demo.test")
    assert types(drafts) == ("tls-alpn-01", *DRAFTS)
    _, by_account, persistent = drafts["challenges"]
    assert len(by_account["token"]) == 22  # 128 random bits
    assert len({each["token"] for each in drafts["challenges"][:2]}) == 2
    assert "token" not in persistent
    assert persistent["issuer-domain-names"] == list(IDENTITIES)
    assert persistent["accounturi"] == client.kid
    assert types((await authorization(client, WILDCARD))[1]) == DRAFTS
    assert types((await authorization(client, "127.0.0.1"))[1]) == ("tls-alpn-01",)


@pytest.mark.std("A-236")
async def test_what_is_not_on_offer_is_not_there(served: Served) -> None:
    client = await served.registered()
    offer(served, "http-01", "dns-account-01")
    url, document = await authorization(client, NAME)
    for absent in ("dns-01", "tls-alpn-01", "dns-persist-01"):
        refused = await client.post(document["challenges"][0]["url"].replace("http-01", absent), {})
        assert (refused.status, refused.error) == (404, "malformed")
    assert (await client.post(url)).json == document
    await client.post(document["challenges"][1]["url"], {})
    assert (await client.post(url)).json["status"] == "valid"


@pytest.mark.std("C-031", "C-012")
async def test_evidence_names_method_domain_and_how_long_it_serves(served: Served) -> None:
    """C-170: of a wildcard the Authorization Domain Name, too."""
    client = await served.registered()
    offer(served, *DNS_CHALLENGES)
    for name, type, section in (
        (NAME, "http-01", "3.2.2.4.19"), ("a.demo.test", "dns-01", "3.2.2.4.7"),
        ("b.demo.test", "tls-alpn-01", "3.2.2.4.20"),
        (WILDCARD, "dns-account-01", "3.2.2.4.21"), ("*.c.demo.test", "dns-persist-01", "3.2.2.4.22"),
        ("127.0.0.1", "http-01", "3.2.2.5.6"), ("::1", "tls-alpn-01", "3.2.2.5.7"),
    ):  # fmt: skip
        url, document = await authorization(client, name)
        await client.post(next(each["url"] for each in document["challenges"] if each["type"] == type), {})
        valid, recorded = (await client.post(url)).json, await evidence_of(served, url)
        assert valid["status"] == "valid"
        assert (recorded["name"], recorded["domain"]) == (name, name.removeprefix("*."))
        assert (recorded["method"], recorded["section"]) == (type, section)
        assert recorded["account"] in (client.kid or "")
        assert recorded["usable_until"].replace("+00:00", "Z") == valid["expires"]
        assert recorded["seen"]["detail"]["method"] == type


@pytest.mark.std("C-028", "A-244", "A-245")
async def test_a_persistent_record_serves_ten_days_or_its_ttl(served: Served) -> None:
    client = await served.registered()
    offer(served, *DNS_CHALLENGES)
    for number, (ttl, span) in enumerate(
        ((None, 10 * DAY), (20 * 86_400, 10 * DAY), (86_400, DAY), (0, timedelta(minutes=10)))
    ):
        served.looks.outcomes[f"{number}.demo.test"] = Proven(None, {}, ttl)
        url, document = await authorization(client, f"*.{number}.demo.test")
        began = utc_now()
        await client.post(document["challenges"][2]["url"], {})
        expires = await served.owner.fetchval("SELECT expires_at FROM acme.authorizations WHERE id = $1", id_of(url))
        assert abs(expires - began - span) <= timedelta(seconds=5)
    with pytest.raises(asyncpg.CheckViolationError):
        await served.owner.execute(
            "UPDATE acme.authorizations SET expires_at = validated_at + interval '241 hours' WHERE id = $1", id_of(url)
        )


@pytest.mark.std("A-245")
async def test_a_deactivated_account_cannot_use_its_record(served: Served) -> None:
    client = await served.registered()
    offer(served, *DNS_CHALLENGES)
    url, document = await authorization(client, WILDCARD)
    await client.post(client.kid or "", {"status": "deactivated"})
    refused = await client.post(document["challenges"][2]["url"], {})
    assert (refused.status, refused.error) == (401, "unauthorized")
    stored = await served.owner.fetchval("SELECT status FROM acme.authorizations WHERE id = $1", id_of(url))
    assert stored == "pending"


@pytest.mark.std("C-016", "C-015")
async def test_nothing_but_a_new_look_makes_a_proof_last(served: Served) -> None:
    """Orders use it again and leave its end where it is; the database takes none over the limit."""
    client = await served.registered()
    url, document = await authorization(client, NAME)
    await client.post(document["challenges"][1]["url"], {})
    before = (await client.post(url)).json
    for _ in range(2):
        again = (await client.order(NAME)).json
        assert again["authorizations"] == [url]
        await client.finalize(again)
    assert (await client.post(url)).json == before
    with pytest.raises(asyncpg.CheckViolationError):
        await served.owner.execute(
            "UPDATE acme.authorizations SET expires_at = validated_at + interval '4801 hours' WHERE id = $1",
            id_of(url),
        )


@pytest.mark.std("C-027", "A-212")
async def test_no_database_row_says_that_one_host_proves_more(served: Served) -> None:
    client = await served.registered()
    url, _ = await authorization(client, WILDCARD)
    for method in ("http-01", "tls-alpn-01"):
        with pytest.raises(asyncpg.CheckViolationError):
            await served.owner.execute(ANSWERED, id_of(url), method)


@pytest.mark.std("C-022", "A-235")
async def test_a_token_dies_with_its_pending_authorization_after_thirty_days_at_most(served: Served) -> None:
    assert config.LIMITS["acme.order_lifetime"].greatest == "30d"
    client = await served.registered()
    url, document = await authorization(client, NAME)
    await run(served, f"UPDATE acme.authorizations SET expires_at = now() WHERE id = '{id_of(url)}'")
    refused = await client.post(document["challenges"][1]["url"], {})
    assert (refused.status, refused.error) == (400, "malformed")
    assert "expired" in refused.json["detail"]


@pytest.mark.std("C-026")
async def test_no_website_method_without_acme_is_on_offer(served: Served) -> None:
    """/.well-known/pki-validation belongs to a method that this CA does not use."""
    client = await served.registered()
    offer(served, *DNS_CHALLENGES)
    _, document = await authorization(client, NAME)
    assert set(types(document)) == set(DNS_CHALLENGES)
    assert "3.2.2.4.18" not in SECTIONS.values()


def test_offers_are_those_of_the_settings() -> None:
    assert Offers().challenges == config.Acme().challenges
    assert Offers().subdomains is config.Acme().subdomain_authorizations
