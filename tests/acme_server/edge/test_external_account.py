"""External account binding at newAccount. RFC 8555 §7.3.4, T4-2."""

import asyncio
import json
from typing import Any

import pytest

from tests.acme_server.client import Answer, Client, Json, b64, binding, jwk, jws, new_key
from tests.acme_server.conftest import Served

HOLD = "SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts WHERE handle = $1"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def bound(client: Client, value: Any) -> Answer:
    """newAccount with that binding."""
    return await client.register(externalAccountBinding=value)


async def made(served: Served) -> tuple[int, int]:
    """Accounts, and uses of binding keys."""
    row = await served.owner.fetchrow(
        "SELECT (SELECT count(*) FROM acme.accounts), (SELECT count(*) FROM gate.binding_uses)"
    )
    assert row is not None
    return row[0], row[1]


@pytest.mark.std("A-094", "A-097", "A-098")
async def test_a_verified_binding_is_shown_as_received(served: Served) -> None:
    client, key = served.client(), served.demo.admitted
    sent = binding(client.key, key.kid, key.hmac_key, client.url("/new-account"))
    answer = await bound(client, sent)
    assert answer.status == 201
    assert answer.json["externalAccountBinding"] == sent
    assert (await client.post(client.kid or "")).json["externalAccountBinding"] == sent
    other = binding(client.key, served.demo.overdue.kid, served.demo.overdue.hmac_key, client.url("/new-account"))
    assert (await bound(client, other)).json["externalAccountBinding"] == sent  # a known key: all is ignored
    unbound = await served.registered(eab=False)
    assert "externalAccountBinding" not in (await unbound.post(unbound.kid or "")).json


@pytest.mark.std("A-091", "A-092", "A-096")
async def test_a_binding_with_any_fault_makes_no_account(served: Served) -> None:
    client, key = served.client(), served.demo.admitted
    url = client.url("/new-account")

    def with_(**changes: Any) -> Json:
        return binding(client.key, key.kid, key.hmac_key, url, **changes)

    good = with_()
    faults: list[tuple[Any, str]] = [
        (with_(alg="ES256"), "malformed"),
        (with_(alg="none"), "malformed"),
        (jws(client.key, jwk(client.key), {"alg": "ES256", "kid": key.kid, "url": url}), "malformed"),
        (with_(nonce=await client.fresh_nonce()), "malformed"),
        (with_(url=client.url("/new-order")), "malformed"),
        (with_(url=url + "/"), "malformed"),
        (with_(kid=""), "malformed"),
        (with_(kid="\u0000"), "malformed"),
        (with_(kid="キー"), "malformed"),
        (with_(kid="x" * 65), "malformed"),
        (with_(jwk=jwk(client.key)), "malformed"),
        (good | {"header": {}}, "malformed"),
        (good | {"payload": ""}, "unauthorized"),
        (good | {"payload": b64(json.dumps(jwk(new_key())).encode())}, "unauthorized"),
        (binding(new_key(), key.kid, key.hmac_key, url), "malformed"),
        (binding(client.key, key.kid, b64(b"another HMAC key of 32 octets..."), url), "unauthorized"),
        (binding(client.key, key.kid, b64(key.hmac_key.encode()), url), "unauthorized"),
        (with_(kid="no-such-key"), "unauthorized"),
        ({}, "malformed"),
        (None, "malformed"),
        ("x", "malformed"),
        ([], "malformed"),
    ]
    for value, error in faults:
        refused = await bound(client, value)
        assert refused.error == error, value
        assert refused.status == (403 if error == "unauthorized" else 400)
    assert await made(served) == (0, 0)
    assert (await bound(client, good)).status == 201
    assert await made(served) == (1, 1)


@pytest.mark.std("A-093", "A-095", "A-099")
async def test_an_unknown_kid_and_a_wrong_mac_look_alike_and_a_dead_key_says_why(served: Served) -> None:
    key = served.demo.admitted
    client = served.client()
    url = client.url("/new-account")
    wrong = await bound(client, binding(client.key, key.kid, b64(b"x" * 32), url))
    unknown = await bound(client, binding(client.key, "no-such-key", key.hmac_key, url))
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    good = binding(client.key, key.kid, key.hmac_key, url)
    for change, undo, why in (
        ("expires_at = now() - interval '1 second'", "expires_at = NULL", "has expired"),
        ("withdrawn_at = now() - interval '1 second'", "withdrawn_at = NULL", "was withdrawn"),
    ):
        await served.owner.execute(f"UPDATE gate.binding_keys SET {change} WHERE kid = $1", key.kid)
        refused = await bound(client, good)
        assert (refused.status, refused.error) == (403, "unauthorized")
        assert why in refused.json["detail"]
        wrong = await bound(client, binding(client.key, key.kid, b64(b"x" * 32), url))
        assert wrong.body == unknown.body  # who has not the key learns nothing of it
        await served.owner.execute(f"UPDATE gate.binding_keys SET {undo} WHERE kid = $1", key.kid)
    assert await made(served) == (0, 0)
    assert (await bound(client, good)).status == 201


@pytest.mark.std("A-099", "A-084")
@pytest.mark.rule("T4-2")
async def test_a_key_for_one_account_makes_one_in_any_race_and_its_account_comes_back_at_no_cost(
    served: Served,
) -> None:
    key = served.demo.admitted
    await served.owner.execute("UPDATE gate.binding_keys SET uses_max = 1 WHERE kid = $1", key.kid)
    clients = [served.client() for _ in range(10)]
    for each in clients:
        await each.send("HEAD", "/new-nonce")
    async with served.owner.acquire() as conn, conn.transaction():  # as many as can be stand before the insert
        await conn.execute(HOLD, key.kid)
        asked = [asyncio.create_task(each.register((key.kid, key.hmac_key))) for each in clients]
        while await conn.fetchval(WAITING) < 5:
            assert not any(each.done() for each in asked)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status for answer in answers) == [201] + [403] * 9
    assert {a.error for a in answers if a.status == 403} == {"unauthorized"}
    assert all("as often as it may" in a.json["detail"] for a in answers if a.status == 403)
    assert await made(served) == (1, 1)
    winner = next(client for client in clients if client.kid)
    for eab in ((key.kid, key.hmac_key), None):
        again = await winner.register(eab)
        assert (again.status, again.headers["Location"]) == (200, winner.kid)
    assert await made(served) == (1, 1)


@pytest.mark.std("A-099", "A-096")
@pytest.mark.rule("T4-2")
async def test_a_key_that_is_withdrawn_while_a_client_registers_makes_no_account(served: Served) -> None:
    client, key = served.client(), served.demo.admitted
    async with served.owner.acquire() as conn, conn.transaction():
        await conn.execute(HOLD, key.kid)
        asked = asyncio.create_task(client.register((key.kid, key.hmac_key)))
        while not await conn.fetchval(WAITING):
            assert not asked.done(), asked.result().body
        await conn.execute("UPDATE gate.binding_keys SET withdrawn_at = now() WHERE kid = $1", key.kid)
    refused = await asked
    assert (refused.status, refused.error) == (403, "unauthorized")
    assert "was withdrawn" in refused.json["detail"]
    assert await made(served) == (0, 0)
    await served.owner.execute("UPDATE gate.binding_keys SET withdrawn_at = NULL WHERE kid = $1", key.kid)
    assert (await client.register((key.kid, key.hmac_key))).status == 201
