"""newAuthz and authorizations that cover subdomains. RFC 8555 §7.4.1, RFC 9444."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from acme_server.edge import documents
from acme_server.edge.urls import Urls
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.limits import Rate
from acme_server.use_cases.limits import Rates
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import Answer, Client, Json, b64, csr, der, leaf, new_key
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import id_of, run_jobs
from tests.acme_server.test_round_trips import ORDER, Counted
from tests.acme_server.test_round_trips import counted as counted  # a fixture

NAME, PARENT = "www.demo.test", "demo.test"


async def new_authz(client: Client, value: str, type: str = "dns", **members: Any) -> Answer:
    return await client.post("/new-authz", {"identifier": {"type": type, "value": value, **members}})


async def order(client: Client, *names: str | tuple[str, str]) -> Answer:
    """newOrder; a pair is a name and its ancestorDomain."""
    pairs = [(each, None) if isinstance(each, str) else each for each in names]
    identifiers = [
        {"type": "dns", "value": name} | ({"ancestorDomain": above} if above else {}) for name, above in pairs
    ]
    return await client.post("/new-order", {"identifiers": identifiers})


async def prove(client: Client, url: str) -> Json:
    """The authorization after its dns-01 challenge was answered."""
    offered = (await client.post(url)).json["challenges"]
    await client.post(next(each["url"] for each in offered if each["type"] == "dns-01"), {})
    found: Json = (await client.post(url)).json
    return found


def allow_subdomains(served: Served) -> None:
    served.context.offers = replace(served.context.offers, subdomains=True)


@pytest.mark.std("A-137", "C-012")
async def test_a_name_may_be_proven_before_an_order_wants_it(served: Served) -> None:
    client = await served.registered()
    made = await new_authz(client, NAME)
    assert made.status == 201
    url = made.headers["Location"]
    assert made.json["identifier"] == {"type": "dns", "value": NAME}
    assert made.json["status"] == "pending"
    assert "subdomainAuthAllowed" not in made.json
    assert [each["type"] for each in made.json["challenges"]] == ["http-01", "dns-01", "tls-alpn-01"]
    assert (await client.post(url)).json == made.json
    assert (await (await served.registered()).post(url)).status == 404
    assert (await prove(client, url))["status"] == "valid"
    placed = (await client.order(NAME)).json
    assert (placed["status"], placed["authorizations"]) == ("ready", [url])
    address = await new_authz(client, "127.0.0.1", "ip")
    assert [each["type"] for each in address.json["challenges"]] == ["http-01", "tls-alpn-01"]
    stages = await served.owner.fetch("SELECT stage FROM gate.decisions ORDER BY id")
    assert [row["stage"] for row in stages] == ["new_authorization", "new_order", "new_authorization"]


@pytest.mark.std("A-137", "A-138")
async def test_what_newauthz_refuses(served: Served) -> None:
    client = await served.registered()
    for value, status, error in (
        ("*.demo.test", 400, "malformed"), ("www.demo.test.", 400, "malformed"), ("a.onion", 400, "rejectedIdentifier"),
    ):  # fmt: skip
        refused = await new_authz(client, value)
        assert (refused.status, refused.error) == (status, error), value
    strange = await new_authz(client, "www.elsewhere.test")
    assert (strange.status, strange.error) == (403, "rejectedIdentifier")
    assert strange.json["instance"].startswith("https://people.test/help/")
    assert [each["identifier"]["value"] for each in strange.json["subproblems"]] == ["www.elsewhere.test"]
    assert (await client.post("/new-authz", {"identifiers": []})).status == 400
    assert await served.owner.fetchval("SELECT count(*) FROM acme.authorizations") == 0


@pytest.mark.std("A-137")
async def test_newauthz_has_the_limits_of_an_order(served: Served, counted: Counted) -> None:
    client = await served.registered()
    for _ in range(2):  # asyncpg has asked each connection for the types by now
        assert (await new_authz(client, NAME)).status == 201
    assert await counted.of(lambda: new_authz(client, NAME), 201) <= ORDER
    few: Rates = msgspec.structs.replace(
        served.context.rates, orders_of_account=Rate(1, served.context.limits.order_lifetime)
    )
    await served.owner.execute("DELETE FROM acme.limits")  # what was taken at the old pace counts at the new one
    served.context.rates = few
    served.looks.outcomes[NAME] = NotProven(ErrorType.UNAUTHORIZED, "no")
    limited = [await new_authz(client, NAME) for _ in range(3)]
    assert [each.status for each in limited] == [201, 429, 429]
    assert limited[1].error == "rateLimited"
    assert int(limited[1].headers["Retry-After"]) > 0
    assert (await client.order(NAME)).status == 429
    served.context.rates = msgspec.structs.replace(
        few, orders_of_account=served.context.rates.orders_of_contract, pause_failures=1
    )
    url = (await new_authz(client, NAME)).headers["Location"]
    assert (await prove(client, url))["status"] == "invalid"
    paused = await new_authz(client, NAME)
    assert (paused.status, "is paused" in paused.json["detail"]) == (429, True)


@pytest.mark.std("A-207")
async def test_the_directory_says_whether_subdomains_are_covered(served: Served) -> None:
    client = served.client()
    assert "subdomainAuthAllowed" not in (await client.send("GET", "/directory")).json["meta"]
    allow_subdomains(served)
    told = documents.directory(Urls(BASE, BASE), BASE, None, (), False, {}, served.context.offers.subdomains)
    assert told["meta"]["subdomainAuthAllowed"] is True
    assert told["newAuthz"] == f"{BASE}/new-authz"


@pytest.mark.std("A-211", "A-210")
async def test_where_the_settings_forbid_it_no_authorization_covers_subdomains(served: Served) -> None:
    client = await served.registered()
    made = await new_authz(client, PARENT, subdomainAuthAllowed=True)
    assert made.status == 201
    assert "subdomainAuthAllowed" not in made.json
    assert (await prove(client, made.headers["Location"]))["status"] == "valid"
    placed = (await order(client, (NAME, PARENT))).json
    assert (placed["status"], made.headers["Location"] in placed["authorizations"]) == ("pending", False)
    assert (await client.post(placed["authorizations"][0])).json["identifier"]["value"] == NAME


@pytest.mark.std("A-210", "A-212", "A-209")
async def test_one_proof_for_a_domain_and_all_below_it(served: Served) -> None:
    client = await served.registered()
    allow_subdomains(served)
    made = await new_authz(client, PARENT, subdomainAuthAllowed=True)
    url = made.headers["Location"]
    assert made.json["subdomainAuthAllowed"] is True
    assert [each["type"] for each in made.json["challenges"]] == ["dns-01"]
    for absent in ("http-01", "tls-alpn-01"):
        assert (await client.post(made.json["challenges"][0]["url"].replace("dns-01", absent), {})).status == 404
    assert (await prove(client, url))["subdomainAuthAllowed"] is True
    for names in ((NAME,), ("*.demo.test",), (PARENT,), (NAME, "a.b.demo.test", "*.b.demo.test", PARENT)):
        placed = (await order(client, *names)).json
        assert (placed["status"], placed["authorizations"]) == ("ready", [url]), names
    address = await new_authz(client, "127.0.0.1", "ip", subdomainAuthAllowed=True)
    assert (address.status, "subdomainAuthAllowed" in address.json) == (201, False)
    plain = await served.registered()
    without = await new_authz(plain, PARENT)
    assert "subdomainAuthAllowed" not in (await prove(plain, without.headers["Location"]))
    assert (await order(plain, NAME)).json["status"] == "pending"
    assert (await order(plain, (NAME, PARENT))).json["status"] == "pending"
    assert (await order(plain, PARENT)).json["status"] == "ready"


@pytest.mark.std("A-209", "C-039", "C-033")
async def test_an_order_may_be_proven_at_an_ancestor(served: Served) -> None:
    """CAA is looked at for each of its names, not for the ancestor; that is a domain above, never an alias."""
    client = await served.registered()
    allow_subdomains(served)
    placed = await order(client, (NAME, PARENT), ("api.demo.test", PARENT), ("*.a.demo.test", "a.demo.test"))
    urls = placed.json["authorizations"]
    shown = [(await client.post(url)).json for url in urls]
    assert [each["identifier"]["value"] for each in shown] == [PARENT, "a.demo.test"]
    assert all(each["subdomainAuthAllowed"] for each in shown)
    assert all("wildcard" not in each for each in shown)
    for url in urls:
        await prove(client, url)
    served.looks.seen.clear()
    names = [each["value"] for each in placed.json["identifiers"]]
    done = await client.post(placed.json["finalize"], {"csr": b64(csr(new_key(), names))})
    assert (done.status, done.json["status"]) == (200, "processing")
    assert await run_jobs(served, "issue") == ["issue"]
    looked = sorted(seen[1:3] for seen in served.looks.seen if seen[0] == "caa")
    assert looked == [("a.demo.test", "True"), ("api.demo.test", "False"), (NAME, "False")]
    assert (await client.post(placed.headers["Location"])).json["status"] == "valid"


@pytest.mark.std("A-208")
@pytest.mark.parametrize("allowed", [True, False])
async def test_an_ancestor_lies_above_the_name_by_whole_labels(served: Served, allowed: bool) -> None:
    client = await served.registered()
    served.context.offers = replace(served.context.offers, subdomains=allowed)
    for name, ancestor in (
        (NAME, NAME), (NAME, "mo.test"), (NAME, "elsewhere.test"), (NAME, "a.www.demo.test"), (NAME, "*.demo.test"),
        (NAME, ""), (NAME, "demo.test."),
    ):  # fmt: skip
        refused = await order(client, (name, ancestor or "."))
        assert (refused.status, refused.error) == (400, "malformed"), ancestor
    refused = await client.post(
        "/new-order", {"identifiers": [{"type": "ip", "value": "127.0.0.1", "ancestorDomain": PARENT}]}
    )
    assert (refused.status, refused.error) == (400, "malformed")
    assert (await order(client, (NAME, PARENT), ("*.demo.test", PARENT))).status == 201


@pytest.mark.std("C-030", "A-211")
async def test_nobody_proves_all_names_below_a_public_suffix(served: Served) -> None:
    """The hint counts for nothing, and the name is proven by itself."""
    client = await served.registered()
    allow_subdomains(served)
    await served.owner.execute(
        "INSERT INTO gate.contract_names (id, contract_id, kind, value, added_at) "
        "SELECT gen_random_uuid(), contract_id, 'host', 'www.co.jp', added_at FROM gate.contract_names LIMIT 1"
    )
    placed = await order(client, ("www.co.jp", "co.jp"))
    assert placed.status == 201, placed.body
    document = (await client.post(placed.json["authorizations"][0])).json
    assert document["identifier"]["value"] == "www.co.jp"
    assert "subdomainAuthAllowed" not in document


async def test_failures_of_an_ancestor_count_for_orders_that_would_prove_it(served: Served) -> None:
    client = await served.registered()
    allow_subdomains(served)
    served.context.rates = msgspec.structs.replace(served.context.rates, pause_failures=1)
    served.looks.outcomes[PARENT] = NotProven(ErrorType.UNAUTHORIZED, "no")
    url = (await order(client, (NAME, PARENT))).json["authorizations"][0]
    assert (await prove(client, url))["status"] == "invalid"
    paused = await order(client, ("api.demo.test", PARENT))
    assert (paused.status, f"Validation of {PARENT} " in paused.json["detail"]) == (429, True)
    assert (await order(client, "api.demo.test")).status == 201


async def test_what_was_proven_for_subdomains_is_recorded_so(served: Served) -> None:
    client = await served.registered()
    allow_subdomains(served)
    url = (await new_authz(client, PARENT, subdomainAuthAllowed=True)).headers["Location"]
    await prove(client, url)
    texts = await served.owner.fetch(
        "SELECT convert_from(content, 'UTF8') AS text FROM evidence.records WHERE kind = 'authorization.validated'"
    )
    (recorded,) = [json.loads(row["text"]) for row in texts]
    assert (recorded["domain"], recorded["subdomains"], recorded["authorization"]) == (PARENT, True, id_of(url))
    assert BASE in url


@pytest.mark.std("A-180", "A-210")
async def test_who_holds_a_domain_with_its_subdomains_may_revoke_what_lies_below(served: Served) -> None:
    """Its orders use that authorization again and again, so it could never hold one of the name's own."""
    allow_subdomains(served)
    owner, other, narrow = [await served.registered() for _ in range(3)]
    for client, broad in ((other, True), (narrow, False)):
        url = (await new_authz(client, PARENT, subdomainAuthAllowed=broad)).headers["Location"]
        assert (await prove(client, url))["status"] == "valid"
    for names in ((NAME, PARENT), ("*.demo.test",), ("a.b.demo.test", "127.0.0.1")):
        _, placed = await owner.ready(*names)
        document = (await owner.finalize(placed)).json
        wanted = {"certificate": der(leaf((await owner.post(document["certificate"])).body))}
        refused = await narrow.post("/revoke-cert", wanted)
        assert (refused.status, refused.error) == (403, "unauthorized")
        done = await other.post("/revoke-cert", wanted)
        assert done.status == (403 if "127.0.0.1" in names else 200), names
