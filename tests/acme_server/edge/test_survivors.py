"""Checks that no other test would miss: each was switched off once, and everything stayed green."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from acme_server import worker
from acme_server.clock import utc_now
from acme_server.storage import accounts, jobs, nonces
from sql.ids import first_of
from tests.acme_server.client import LEAVE_OUT, csr, jwk, new_key, thumbprint, unb64
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import finalize_with, ready, rfc3339, run, run_jobs

NAME = "www.demo.test"
NEW_EPOCH = "UPDATE acme.nonce_epoch SET epoch = epoch + 1"
IN_FORCE = "SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts WHERE handle = 'demo'"
WITHDRAWN = "UPDATE gate.binding_keys SET withdrawn_at = now() WHERE kid = 'demo'"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.mark.std("A-017")
async def test_a_kid_of_another_server_is_nobodys(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    elsewhere = client.kid.replace(BASE, "https://acme.evil")
    assert len(elsewhere) == len(client.kid)
    assert (await client.post("/new-order", {}, kid=elsewhere)).error == "accountDoesNotExist"


@pytest.mark.std("A-041")
async def test_a_registration_signed_for_another_url_is_refused(served: Served) -> None:
    client = served.client()
    header = {"jwk": jwk(client.key), "kid": LEAVE_OUT}
    found = await client.post("/new-account", {"termsOfServiceAgreed": True}, url=f"{BASE}/new-order", **header)
    assert found.error == "unauthorized"
    assert (await client.register()).status == 201


@pytest.mark.std("A-048")
async def test_a_nonce_of_an_older_epoch_is_bad_where_the_new_one_is_not_known_yet(served: Served) -> None:
    """The statement that spends the nonce asks for its epoch, whatever this process remembers."""
    known, stranger = await served.registered(), served.client()
    account, nil = str(known.kid), "00000000-0000-0000-0000-000000000000"
    new_key = {"jwk": jwk(stranger.key), "kid": LEAVE_OUT}
    for client, url, payload, members in (
        (known, account, None, {}),
        (known, "/new-order", {}, {}),
        (known, f"/order/{nil}", None, {}),
        (known, f"/order/{nil}/finalize", {}, {}),
        (known, f"/authorization/{nil}", None, {}),
        (known, f"/certificate/{nil}", None, {}),
        (stranger, "/new-account", {}, new_key),
    ):
        old = await client.fresh_nonce()
        await run(served, NEW_EPOCH)
        assert served.context.nonce_key.epoch < (await nonces.current_key(served.context.pool)).epoch
        assert (await client.post(url, payload, nonce=old, **members)).error == "badNonce", url


@pytest.mark.std("C-013", "C-030")
async def test_what_no_public_ca_may_certify_is_refused_whatever_the_contract_says(served: Served) -> None:
    client, wanted = await served.registered(), {"identifier": {"type": "dns", "value": NAME}}
    assert (await client.order("*.co.jp")).error == "rejectedIdentifier"
    assert (await client.post("/new-authz", wanted)).status == 201
    served.context.offers = replace(served.context.offers, public_only=True)
    assert (await client.order(NAME)).error == "rejectedIdentifier"
    assert (await client.post("/new-authz", wanted)).error == "rejectedIdentifier"


async def test_a_challenge_of_an_expired_authorization_starts_nothing(served: Served) -> None:
    client = await served.registered()
    placed = (await client.order(NAME)).json
    challenge = (await client.post(placed["authorizations"][0])).json["challenges"][0]
    await run(served, "UPDATE acme.authorizations SET expires_at = now() - interval '1 second'")
    assert (await client.post(challenge["url"], {})).error == "malformed"
    assert not served.looks.seen


@pytest.mark.rule("T0-5")
@pytest.mark.parametrize(("change", "status"), [("SELECT 1", 200), (WITHDRAWN, 403)])
async def test_finalize_waits_for_whoever_changes_a_fact_of_the_contract(
    served: Served, change: str, status: int
) -> None:
    """The first certificate too, whose facts are read once only: after the wait."""
    client = await served.registered()
    _, order = await ready(client, NAME)
    conn = await asyncpg.connect(served.dsn)
    async with conn.transaction():
        await conn.execute(IN_FORCE)
        finalizing = asyncio.create_task(finalize_with(client, order, csr(new_key(), [NAME])))
        while not finalizing.done() and await served.owner.fetchval(WAITING) == 0:
            await asyncio.sleep(0.01)
        assert not finalizing.done()
        await conn.execute(change)
    await conn.close()
    assert (await finalizing).status == status


async def test_a_look_whose_job_another_worker_holds_writes_nothing(served: Served) -> None:
    """The lease ended during the look: the result, its evidence and the end of the job are the new holder's."""
    client, served.looks.gate = await served.registered(), asyncio.Event()
    url = (await client.order(NAME)).json["authorizations"][0]
    asked = asyncio.create_task(client.post((await client.post(url)).json["challenges"][0]["url"], {}))
    while not served.looks.seen:
        await asyncio.sleep(0)
    await run(served, "UPDATE acme.jobs SET locked_until = now() - interval '1 second'")
    [held] = await jobs.claim(served.context.pool, 1, "another", 60, ["validate"])
    served.looks.gate.set()
    await asked
    await asyncio.gather(*served.context.tasks)
    assert (await client.post(url)).json["status"] == "pending"
    assert await served.owner.fetchval("SELECT fence FROM acme.jobs") == held.fence == 2
    await worker.work(served.context, held)
    assert (await client.post(url)).json["status"] == "valid"
    proofs = "SELECT count(*) FROM evidence.records WHERE kind = 'authorization.validated'"
    assert await served.owner.fetchval(proofs) == 1


@pytest.mark.parametrize(("status", "ends"), [("valid", True), ("revoked", False)])
async def test_orders_end_with_an_account_that_is_deactivated_and_with_no_other(
    served: Served, status: str, ends: bool
) -> None:
    """An account that the CA ended meanwhile is left as it is, whole."""
    client = await served.registered()
    await client.order(NAME)
    account = await accounts.account_of_key(served.context.pool, unb64(thumbprint(client.key)))
    assert account is not None
    end = "UPDATE acme.accounts SET status = $1, deactivated_at = CASE $1 WHEN 'revoked' THEN now() END"
    await served.owner.execute(end, status)
    week_ago = first_of(utc_now() - timedelta(days=7))
    assert await accounts.deactivate(served.context.pool, account, week_ago, utc_now()) == ends
    assert await served.owner.fetchval("SELECT status FROM acme.orders") == ("invalid" if ends else "pending")


SHORTER = "UPDATE gate.contracts SET term_months = 2 WHERE handle = 'demo'"
OLD_CAA = "UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'"


@pytest.mark.std("A-115")
@pytest.mark.rule("T12-5")
@pytest.mark.parametrize("certificates", [pytest.param(0, id="facts read"), pytest.param(2, id="facts kept")])
async def test_a_wanted_end_that_the_term_does_not_reach_any_more_is_refused(served: Served, certificates: int) -> None:
    """Of a contract's first certificate too, and when what this process keeps of the contract knows of its new end."""
    client = await served.registered()
    for _ in range(certificates):
        await client.certificate(NAME)
    url, order = await ready(client, NAME, notAfter=rfc3339(utc_now() + timedelta(days=90)))
    await run(served, SHORTER)
    for _ in range(certificates):
        await client.certificate(NAME)
    refused = await client.finalize(order)
    assert (refused.status, refused.error) == (400, "malformed")
    assert (await client.post(url)).json["status"] == "ready"
    await run(served, SHORTER.replace("2", "120"))
    assert (await client.finalize(order)).json["status"] == "valid"


@pytest.mark.rule("T0-5", "T12-5")
@pytest.mark.parametrize(("change", "ends"), [("SELECT 1", "valid"), (SHORTER, "invalid")])
async def test_a_wanted_end_is_looked_at_again_by_the_worker_that_goes_on(
    served: Served, change: str, ends: str
) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME, notAfter=rfc3339(utc_now() + timedelta(days=90)))
    await run(served, OLD_CAA)
    assert (await client.finalize(order)).json["status"] == "processing"
    await run(served, change)
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await client.post(url)).json["status"] == ends
    assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == (ends == "valid")
