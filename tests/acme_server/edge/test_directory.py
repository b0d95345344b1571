"""The directory. RFC 8555 §7.1.1."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from acme_server.edge.routes import make_app
from acme_server.edge.urls import Urls
from acme_server.validation.caa import decide_caa
from acme_server.validation.resolver import CaaRecord
from tests.acme_server.client import Client
from tests.acme_server.conftest import BASE, IDENTITIES, PEOPLE, Served


@pytest.mark.std("A-068", "A-069", "A-008")
async def test_the_directory_names_what_is_offered_and_nothing_else(served: Served) -> None:
    client = served.client()
    found = await client.send("GET", "/directory")
    assert (found.status, found.headers["Content-Type"]) == (200, "application/json")
    named = {name: url for name, url in found.json.items() if name != "meta"}
    assert set(named) == {
        "newNonce", "newAccount", "newOrder", "newAuthz", "revokeCert", "keyChange", "renewalInfo",
    }  # fmt: skip
    assert all(url.startswith(f"{BASE}/") for url in named.values())
    for name in ("newAccount", "newOrder", "revokeCert", "keyChange"):
        assert (await client.send("POST", named[name])).status == 415  # there
    assert (await client.send("HEAD", named["newNonce"])).status == 200
    assert (await client.send("GET", f"{named['renewalInfo']}/x.y")).status == 400
    assert (await client.send("HEAD", "/dir")).headers["Content-Length"] == str(len(found.body))


@pytest.mark.std("A-070", "A-071")
async def test_meta_says_what_an_account_needs_and_what_caa_must_say(served: Served) -> None:
    client = served.client()
    meta = (await client.send("GET", "/directory")).json["meta"]
    assert meta["termsOfService"] == served.context.terms_url
    assert meta["website"] == f"{PEOPLE}/supported"
    assert meta["externalAccountRequired"] is False
    assert (await client.register(termsOfServiceAgreed=False)).error == "userActionRequired"
    assert (await client.register()).status == 201
    assert meta["caaIdentities"] == list(IDENTITIES)
    for domain in meta["caaIdentities"]:
        assert domain == domain.encode("ascii").decode().lower()
        for value, permitted in ((domain, True), (f"www.{domain}", False)):
            record = CaaRecord(0, "issue", value.encode())
            assert (
                decide_caa([record], IDENTITIES, False, "https://acme.test/account/1", "dns-01") is None
            ) is permitted


@pytest.mark.std("A-071", "A-090", "A-096")
async def test_where_a_binding_is_required_the_directory_says_so_and_no_account_comes_without(served: Served) -> None:
    context = replace(served.context, default_binding_kid=None)
    app = make_app(
        context, Urls(BASE, PEOPLE), website=None, identities=IDENTITIES, require_binding=True, max_body=65536
    )
    async with TestServer(app) as server:
        client = Client(served.session, BASE, str(server.make_url("")).rstrip("/"))
        meta = (await client.send("GET", "/directory")).json["meta"]
        assert meta["externalAccountRequired"] is True
        assert "website" not in meta
        refused = await client.register()
        assert (refused.status, refused.error) == (400, "externalAccountRequired")
        assert await served.owner.fetchval("SELECT count(*) FROM acme.accounts") == 0
        key = served.demo.admitted
        assert (await client.register((key.kid, key.hmac_key))).status == 201
        assert (await client.register()).status == 200  # a known key needs no binding
