"""Checks that no other test would miss: each was switched off once, and everything stayed green."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from acme_server.storage import nonces
from tests.acme_server.client import LEAVE_OUT, csr, jwk, new_key
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import finalize_with, ready, run

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
