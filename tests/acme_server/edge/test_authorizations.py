"""Authorizations: what they show, how they end, whose they are. RFC 8555 §7.1.4, §7.5, §7.5.2."""

from uuid import uuid4

import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import Client, Json
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import ready

NAME = "www.demo.test"


async def first_authorization(client: Client, name: str) -> tuple[str, Json]:
    """URL and document of the authorization of a new order for the name."""
    url = (await client.order(name)).json["authorizations"][0]
    return url, (await client.post(url)).json


@pytest.mark.std("A-139", "A-142", "A-141")
async def test_an_authorization_shows_what_is_on_offer_then_what_was_answered(served: Served) -> None:
    client = await served.registered()
    url, pending = await first_authorization(client, NAME)
    assert pending["identifier"] == {"type": "dns", "value": NAME}
    assert pending["status"] == "pending"
    assert "wildcard" not in pending
    assert [each["type"] for each in pending["challenges"]] == ["http-01", "dns-01", "tls-alpn-01"]
    await client.post(pending["challenges"][1]["url"], {})
    valid = (await client.post(url)).json
    assert (valid["status"], valid["identifier"]) == ("valid", pending["identifier"])
    assert valid["expires"] > pending["expires"]
    assert [(each["type"], each["status"]) for each in valid["challenges"]] == [("dns-01", "valid")]


@pytest.mark.std("A-140", "A-157")
async def test_a_wildcard_drops_its_star_and_offers_dns_only(served: Served) -> None:
    client = await served.registered()
    url, wildcard = await first_authorization(client, "*.demo.test")
    assert wildcard["identifier"] == {"type": "dns", "value": "demo.test"}
    assert wildcard["wildcard"] is True
    assert [each["type"] for each in wildcard["challenges"]] == ["dns-01"]
    for absent in ("http-01", "tls-alpn-01"):
        refused = await client.post(wildcard["challenges"][0]["url"].replace("dns-01", absent), {})
        assert (refused.status, refused.error) == (404, "malformed")
    assert (await client.post(url)).json["status"] == "pending"
    await client.post(wildcard["challenges"][0]["url"], {})
    assert (await client.post(url)).json["status"] == "valid"


@pytest.mark.std("A-142", "A-148", "A-143")
async def test_a_failed_authorization_keeps_its_challenge_and_error(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = NotProven(ErrorType.INCORRECT_RESPONSE, "Wrong content.")
    url, pending = await first_authorization(client, NAME)
    await client.post(pending["challenges"][2]["url"], {})
    failed = (await client.post(url)).json
    assert failed["status"] == "invalid"
    [challenge] = failed["challenges"]
    assert (challenge["type"], challenge["status"]) == ("tls-alpn-01", "invalid")
    assert challenge["error"]["detail"] == "Wrong content."
    refused = await client.post(url, {"status": "deactivated"})
    assert (refused.status, refused.error) == (400, "malformed")
    served.looks.outcomes.clear()
    assert (await client.post(pending["challenges"][0]["url"], {})).status == 400
    assert (await client.post(url)).json == failed


@pytest.mark.std("A-149", "A-192", "A-038")
async def test_only_the_owner_reads_answers_and_deactivates(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    url, pending = await first_authorization(client, NAME)
    challenge = pending["challenges"][0]["url"]
    absent = f"{BASE}/authorization/{uuid4()}"
    for wanted in (None, {"status": "deactivated"}):
        foreign, none = await stranger.post(url, wanted), await stranger.post(absent, wanted)
        assert (foreign.status, foreign.error) == (404, "malformed")
        assert foreign.body == none.body
    for payload in (None, {}):
        assert (await stranger.post(challenge, payload)).status == 404
    assert (await client.post(url)).json == pending
    ended = await client.post(url, {"status": "deactivated"})
    assert (ended.status, ended.json["status"]) == (200, "deactivated")
    assert (await client.post(url)).json["status"] == "deactivated"


@pytest.mark.std("A-149", "A-124", "A-125")
async def test_a_deactivated_authorization_supports_no_issuance(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    authorization = order["authorizations"][0]
    assert (await client.post(authorization, {"status": "deactivated"})).json["status"] == "deactivated"
    refused = await client.finalize(order)
    assert (refused.status, refused.error) == (403, "orderNotReady")
    ended = (await client.post(url)).json
    assert ended["status"] == "invalid"
    assert "deactivated" in ended["error"]["detail"]
    again = (await client.order(NAME)).json
    assert (again["status"], authorization in again["authorizations"]) == ("pending", False)
    assert (await client.post(authorization, {"status": "deactivated"})).status == 400
    assert (await client.post(order["authorizations"][0])).json["status"] == "deactivated"


@pytest.mark.std("A-143")
async def test_an_unknown_change_of_an_authorization_changes_nothing(served: Served) -> None:
    client = await served.registered()
    url, pending = await first_authorization(client, NAME)
    for payload in ({}, {"status": "valid"}, {"status": "revoked"}, {"status": 1}, b"[]", b"{"):
        answer = await client.post(url, payload)
        assert (answer.status, answer.error) == (400, "malformed"), payload
    assert (await client.post(url)).json == pending
