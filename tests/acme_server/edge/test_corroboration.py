"""From newOrder to the certificate with other places of the network that see the same, or do not. BR §3.2.2.9."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from acme_server.clock import utc_now
from acme_server.use_cases.counted import CountedLooks
from acme_server.validation.coordinator import Coordinator
from acme_server.validation.look import CorroboratedLooker
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run, run_jobs
from tests.acme_server.validation.test_corroboration import CODES, REMOTES
from tests.simulators import mpic

NAME = "www.demo.test"
STALE = "UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'"


@pytest.fixture
async def there(served: Served) -> AsyncIterator[mpic.Coordinator]:
    """Seven honest perspectives; the primary sees what the test wants it to."""
    async with mpic.running(*CODES) as coordinator, ClientSession() as session:
        asking = Coordinator(session, coordinator.url, mpic.SECRET, REMOTES, ("ca.example",), 10, utc_now)
        served.context.looks = CountedLooks(CorroboratedLooker(served.looks, asking))
        yield coordinator


async def evidence(served: Served, kind: str) -> list[str]:
    """How the quorums came out, by the evidence of that kind."""
    rows = await served.owner.fetch("SELECT content FROM evidence.records WHERE kind = $1 ORDER BY id", kind)
    return [quorum for row in rows for quorum in quorums(json.loads(row["content"]))]


def quorums(found: object) -> list[str]:
    """Every quorum anywhere in it."""
    if isinstance(found, list):
        return [each for one in found for each in quorums(one)]
    if not isinstance(found, dict):
        return []
    mine = [found["quorum"]] if "quorum" in found else []
    return mine + [each for one in found.values() for each in quorums(one)]


@pytest.mark.std("C-053", "C-063")
async def test_a_certificate_rests_on_what_others_saw_too(served: Served, there: mpic.Coordinator) -> None:
    client = await served.registered()
    await client.certificate(NAME)
    assert [each["check_type"] for each in there.asked] == ["dcv", "caa"]
    assert await evidence(served, "authorization.validated") == ["7/7", "7/7"]


@pytest.mark.std("C-054", "C-059", "C-063")
async def test_what_only_we_see_issues_nothing_and_is_looked_at_again(served: Served, there: mpic.Coordinator) -> None:
    there.sees = lambda code, _question: code in CODES[:4]
    client = await served.registered()
    order = (await client.order(NAME)).json
    await client.fulfil(order)
    first = (await client.post(order["authorizations"][0])).json
    assert (first["status"], first["challenges"][0]["status"]) == ("pending", "processing")
    assert "only 4/7 other places of the network confirm it" in json.dumps(first)
    assert await evidence(served, "corroboration.missed") == ["4/7"]
    there.sees = lambda _code, _question: True
    await run(served, "UPDATE acme.jobs SET run_at = now()")
    await run_jobs(served, "validate")
    assert (await client.post(order["authorizations"][0])).json["status"] == "valid"


@pytest.mark.std("C-053", "C-046")
async def test_old_caa_is_looked_at_again_from_everywhere(served: Served, there: mpic.Coordinator) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, STALE)
    there.sees = lambda _code, question: question["check_type"] != "caa"
    assert (await client.finalize(order)).json["status"] == "processing"
    await run_jobs(served, "issue")
    assert (await client.post(url)).json["status"] == "processing"
    assert await evidence(served, "corroboration.missed") == ["0/7"]
    there.sees = lambda _code, _question: True
    await run(served, "UPDATE acme.jobs SET run_at = now()")
    await run_jobs(served, "issue")
    assert (await client.post(url)).json["status"] == "valid"
    assert await evidence(served, "caa.checked") == ["7/7"]
