"""Certificate profiles. draft-ietf-acme-profiles §3, §4."""

from datetime import timedelta

import pytest

from acme_server.clock import utc_now
from tests.acme_server.client import leaf
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, rfc3339, run, run_jobs

NAME = "www.demo.test"


@pytest.mark.std("A-225", "A-226", "A-229")
async def test_profiles_are_told_and_only_those_are_taken(served: Served) -> None:
    client = await served.registered()
    told = (await client.send("GET", "/directory")).json["meta"]["profiles"]
    assert set(told) == {"tlsserver", "tlsserver-ocsp", "shortlived"}
    assert all(isinstance(text, str) and text for text in told.values())
    for unknown in ("codesigning", "", "TLSSERVER"):
        refused = await client.order(NAME, profile=unknown)
        assert (refused.status, refused.error) == (400, "invalidProfile"), unknown
    assert (await client.order(NAME, profile=7)).error == "malformed"
    for name in told:
        assert (await client.order(NAME, profile=name)).json["profile"] == name
    assert (await client.order(NAME)).json["profile"] == "tlsserver"


@pytest.mark.std("A-229")
async def test_who_asks_for_no_profile_gets_the_first_on_offer(served: Served) -> None:
    """Most clients ask for none: also where the settings offer no tlsserver."""
    client = await served.registered()
    served.context.profiles.pop("tlsserver")
    first = next(iter(served.context.profiles))
    placed = await client.order(NAME)
    assert (placed.status, placed.json["profile"]) == (201, first)
    authorized = await client.post("/new-authz", {"identifier": {"type": "dns", "value": NAME}})
    assert authorized.status == 201


@pytest.mark.std("A-228", "A-227")
async def test_an_order_keeps_its_profile_and_the_certificate_has_its_lifetime(served: Served) -> None:
    client, now = await served.registered(), utc_now()
    conflict = await client.order(NAME, profile="shortlived", notAfter=rfc3339(now + timedelta(days=7)))
    assert (conflict.status, conflict.error) == (400, "invalidProfile")
    assert (await client.order(NAME, profile="tlsserver", notAfter=rfc3339(now + timedelta(days=7)))).status == 201
    url, order = await ready(client, NAME, profile="shortlived")
    assert order["profile"] == "shortlived"
    done = (await client.finalize(order)).json
    assert done["profile"] == (await client.post(url)).json["profile"] == "shortlived"
    certificate = leaf((await client.post(done["certificate"])).body)
    span = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert span == timedelta(days=6) - timedelta(seconds=1)


@pytest.mark.std("A-230")
@pytest.mark.parametrize("waiting", [False, True], ids=["in finalize", "before signing"])
async def test_a_withdrawn_profile_is_not_replaced_by_another(served: Served, waiting: bool) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME, profile="shortlived")
    kept = served.context.profiles.pop("shortlived")
    refused = await client.finalize(order)
    assert (refused.status, refused.error) == (400, "invalidProfile")
    assert (await client.post(url)).json["status"] == "ready"
    served.context.profiles["shortlived"] = kept
    if waiting:
        await run(served, "UPDATE acme.authorizations SET caa_checked_at = now() - interval '9 hours'")
        assert (await client.finalize(order)).json["status"] == "processing"
        served.context.profiles.pop("shortlived")
        assert await run_jobs(served, "issue") == ["issue"]
        ended = (await client.post(url)).json
        assert (ended["status"], ended["error"]["type"]) == ("invalid", "urn:ietf:params:acme:error:invalidProfile")
    else:
        assert (await client.finalize(order)).json["profile"] == "shortlived"
