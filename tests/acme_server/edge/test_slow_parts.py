"""When a look, the signer or a whole process is slow or gone: what the client sees, and that work is done once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from acme_server.clock import utc_now
from acme_server.use_cases import issue
from acme_server.validation.outcome import Asked, NotProven, Proven
from ca.signer_client import SignerClient
from tests.acme_server.client import Client, der, leaf, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run, run_jobs

NAME = "www.demo.test"


def impatient(served: Served) -> None:
    """Requests wait for nothing."""
    served.context.limits = replace(served.context.limits, inline_wait=timedelta(0))


async def finished(served: Served) -> None:
    """All work that requests began is done."""
    while served.context.tasks:
        await asyncio.wait(served.context.tasks)


async def pending_challenge(client: Client, name: str = NAME) -> tuple[str, str]:
    """URLs of an authorization of a new order and of its first challenge."""
    url = (await client.order(name)).json["authorizations"][0]
    return url, (await client.post(url)).json["challenges"][0]["url"]


@pytest.mark.std("A-147", "A-153")
async def test_a_slow_look_goes_on_after_the_answer(served: Served) -> None:
    client = await served.registered()
    impatient(served)
    url, challenge = await pending_challenge(client)
    served.looks.gate = asyncio.Event()
    begun = await client.post(challenge, {})
    assert (begun.status, begun.json["status"], "error" in begun.json) == (200, "processing", False)
    poll = await client.post(url)
    assert (poll.status, poll.json["status"], poll.headers["Retry-After"]) == (200, "pending", "1")
    served.looks.gate.set()
    await finished(served)
    done = await client.post(url)
    assert (done.json["status"], done.headers.get("Retry-After")) == ("valid", None)


@pytest.mark.std("A-147")
async def test_a_process_with_its_hands_full_leaves_validations_to_workers(served: Served) -> None:
    client = await served.registered()
    impatient(served)
    served.context.limits = replace(served.context.limits, validations_at_once=1)
    (_, first), (url, second) = [await pending_challenge(client) for _ in range(2)]
    served.looks.gate = asyncio.Event()
    assert (await client.post(first, {})).json["status"] == "processing"
    left = await client.post(second, {})
    assert (left.status, left.json["status"]) == (200, "processing")
    jobs = await served.owner.fetch("SELECT attempts, fence, locked_by, locked_until FROM acme.jobs ORDER BY attempts")
    assert tuple(jobs[0]) == (0, 0, None, None)
    assert (jobs[1]["attempts"], jobs[1]["locked_by"]) == (1, "test")
    served.looks.gate.set()
    await finished(served)
    assert (await client.post(url)).json["status"] == "pending"
    await run_jobs(served, "validate")
    assert (await client.post(url)).json["status"] == "valid"
    url, third = await pending_challenge(client, "b.demo.test")
    await client.post(third, {})
    await finished(served)
    assert (await client.post(url)).json["status"] == "valid"  # here again: the place was given back


@pytest.mark.std("A-150", "A-143")
async def test_a_look_whose_job_another_process_took_decides_nothing(served: Served) -> None:
    client = await served.registered()
    impatient(served)
    url, challenge = await pending_challenge(client)
    served.looks.gate = asyncio.Event()
    await client.post(challenge, {})
    await run(served, "UPDATE acme.jobs SET fence = fence + 1")
    served.looks.gate.set()
    await finished(served)
    assert (await client.post(url)).json["status"] == "pending"
    assert await run_jobs(served, "validate") == ["validate"]
    assert (await client.post(url)).json["status"] == "valid"
    proofs = "SELECT count(*) FROM evidence.records WHERE kind = 'authorization.validated'"
    assert await served.owner.fetchval(proofs) == 1


@pytest.mark.std("A-133", "A-134", "A-135")
async def test_a_slow_signer_answers_later(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    impatient(served)
    begun = await client.finalize(order)
    assert (begun.status, begun.json["status"], begun.headers["Retry-After"]) == (200, "processing", "1")
    assert "certificate" not in begun.json
    await finished(served)
    done = (await client.post(url)).json
    assert done["status"] == "valid"
    assert (await client.post(done["certificate"])).status == 200


@pytest.mark.std("A-124", "A-125")
@pytest.mark.rule("T0-2")
async def test_a_deferred_order_that_nobody_took_up_ends_at_its_deadline(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, "UPDATE acme.authorizations SET caa_checked_at = now() - interval '9 hours'")
    assert (await client.finalize(order)).json["status"] == "processing"
    assert await issue.end_overdue(served.context, utc_now() + timedelta(seconds=59)) == 0
    for ended in (1, 0):
        assert await issue.end_overdue(served.context, utc_now() + timedelta(seconds=61)) == ended
    document = (await client.post(url)).json
    assert (document["status"], document["error"]["type"]) == ("invalid", "urn:ietf:params:acme:error:serverInternal")
    assert await run_jobs(served, "issue", "crl") == []
    assert await served.owner.fetchval("SELECT count(*) FROM ca.serials") == 0
    assert (await ready(client, NAME))[1]["status"] == "ready"


@pytest.mark.std("A-124")
@pytest.mark.rule("T0-2")
async def test_an_order_read_after_its_deadline_has_ended_though_no_worker_lives(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    there, served.context.signer = served.context.signer, SignerClient(served.context.signer.socket_path / "away")
    assert (await client.finalize(order)).json["status"] == "processing"
    assert (await client.post(url)).json["status"] == "processing"
    await run(served, "UPDATE acme.orders SET deadline_at = now() - interval '1 s'")
    for _ in range(2):
        document = (await client.post(url)).json
        assert (document["status"], "in time" in document["error"]["detail"]) == ("invalid", True)
    counts = "SELECT (SELECT count(*) FROM acme.jobs WHERE kind = 'issue'), (SELECT count(*) FROM ca.revocations)"
    assert tuple(await served.owner.fetchrow(counts)) == (0, 1)
    served.context.signer = there
    url, order = await ready(client, NAME)
    assert (await client.finalize(order)).json["status"] == "valid"
    await run(served, "UPDATE acme.orders SET deadline_at = now() - interval '1 s'")
    assert (await client.post(url)).json["status"] == "valid"


@pytest.mark.rule("T11-3")
async def test_a_key_that_is_blocked_before_the_signature_is_not_certified(served: Served) -> None:
    client, key = await served.registered(), new_key()
    certificate = leaf(await client.certificate(NAME, key=key))
    url, order = await ready(client, "b.demo.test")
    there, served.context.signer = served.context.signer, SignerClient(served.context.signer.socket_path / "away")
    assert (await client.finalize(order, key)).json["status"] == "processing"
    served.context.signer = there
    assert (await client.post("/revoke-cert", {"certificate": der(certificate), "reason": 1})).status == 200
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await client.post(url)).json["status"] == "invalid"
    assert await served.owner.fetchval("SELECT count(*) FROM ca.certificates") == 1
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations") == 2


@pytest.mark.std("A-143", "A-123")
async def test_a_worker_takes_up_what_a_dead_process_left(served: Served) -> None:
    client = await served.registered()
    impatient(served)
    url, challenge = await pending_challenge(client)
    served.looks.gate = asyncio.Event()
    await client.post(challenge, {})
    for task in list(served.context.tasks):
        task.cancel()
    await finished(served)
    served.looks.gate = None
    assert await run_jobs(served, "validate") == ["validate"]
    assert (await client.post(url)).json["status"] == "valid"


class Broken:
    """Looks with a fault of ours."""

    async def validate(self, asked: Asked) -> Proven | NotProven:
        raise RuntimeError("SECRET of a traceback")

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        raise RuntimeError("SECRET of a traceback")


@pytest.mark.std("A-152", "A-067")
async def test_a_fault_of_ours_in_a_look_is_not_shown_and_the_look_made_again(served: Served) -> None:
    client = await served.registered()
    mended, served.context.looks = served.context.looks, Broken()
    url, challenge = await pending_challenge(client)
    waiting = await client.post(challenge, {})
    assert (waiting.status, waiting.json["status"]) == (200, "processing")
    assert b"SECRET" not in waiting.body
    served.context.looks = mended
    assert await run_jobs(served, "validate") == ["validate"]
    assert (await client.post(url)).json["status"] == "valid"
