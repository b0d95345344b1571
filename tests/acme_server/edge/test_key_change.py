"""Account key rollover over HTTP. RFC 8555 §7.3.5. The forms of the inner JWS stand in protocol/test_key_change.py."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.acme_server.client import LEAVE_OUT, Answer, Client, Key, alg_of, jwk, jws, new_key, thumbprint
from tests.acme_server.conftest import Served

URL = "/key-change"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def change(client: Client, new: Key, *, inner: Any = None, signer: Key | None = None, **protected: Any) -> Answer:
    """keyChange to `new`, its inner payload or protected header as given."""
    payload = {"account": client.kid, "oldKey": jwk(client.key)} | (inner or {})
    header = {"alg": alg_of(new), "jwk": jwk(new), "url": client.url(URL)} | protected
    return await client.post(URL, jws(signer or new, payload, header))


@pytest.mark.std("A-100", "A-106", "A-107")
async def test_a_changed_key_works_at_once_and_the_old_one_no_more_while_orders_go_on(served: Served) -> None:
    client, new = await served.registered(), new_key()
    order = await client.order("www.demo.test")
    url = order.headers["Location"]
    old = Client(client.session, client.base, client.reach, client.key, client.kid)
    assert (await client.post(URL, None, key=new)).error == "malformed"  # the outer JWS is the present key's
    done = await change(client, new)
    assert (done.status, done.headers["Location"], done.json["status"]) == (200, client.kid, "valid")
    client.key = new
    assert (await client.post(client.kid or "")).status == 200
    refused = await old.post(client.kid or "")
    assert (refused.status, refused.error) == (400, "malformed")
    assert (await client.register()).headers["Location"] == client.kid
    assert (await client.post(url)).json["status"] == "pending"
    await client.fulfil(order.json)
    ready = (await client.post(url)).json
    assert ready["status"] == "ready"
    assert served.looks.seen[0][3].endswith(f".{thumbprint(new)}")
    assert (await client.finalize(ready)).json["status"] in ("valid", "processing")


@pytest.mark.std("A-101", "A-102", "A-103")
async def test_a_change_with_any_fault_changes_nothing(served: Served) -> None:
    client, other, new = await served.registered(), await served.registered(), new_key()
    before = await client.post(client.kid or "")
    faults: list[dict[str, Any]] = [
        {"signer": client.key},
        {"signer": new_key()},
        {"jwk": LEAVE_OUT, "kid": client.kid},
        {"kid": client.kid},
        {"jwk": LEAVE_OUT},
        {"url": client.url("/new-account")},
        {"url": client.url(URL) + "/"},
        {"nonce": await other.fresh_nonce()},
        {"inner": {"account": other.kid}},
        {"inner": {"account": f"{client.kid}/"}},
        {"inner": {"account": (client.kid or "").upper()}},
        {"inner": {"oldKey": jwk(other.key)}},
        {"inner": {"oldKey": jwk(new)}},
        {"inner": {"oldKey": None}},
        {"inner": {"account": None}},
    ]
    for fault in faults:
        refused = await change(client, new, **fault)
        assert (refused.status, refused.error) == (400, "malformed"), fault
    for payload in (None, {}, "x", {"account": client.kid, "oldKey": jwk(client.key)}):
        assert (await client.post(URL, payload)).error == "malformed"
    after = await client.post(client.kid or "")
    assert (after.status, after.body) == (200, before.body)
    assert await served.owner.fetchval("SELECT count(*) FROM acme.account_keys") == 2
    assert (await change(client, new)).status == 200


@pytest.mark.std("A-104")
async def test_a_new_key_passes_the_policy_of_every_account_key(served: Served) -> None:
    client = await served.registered()
    small = rsa.generate_private_key(65537, 1024)
    refused = await change(client, small)
    assert (refused.status, refused.error) == (400, "badPublicKey")
    refused = await change(client, new_key(), alg="HS256")
    assert (refused.status, refused.error) == (400, "badSignatureAlgorithm")
    assert (await client.post(client.kid or "")).status == 200
    assert (await change(client, rsa.generate_private_key(65537, 2048))).status == 200


@pytest.mark.std("A-105", "A-190")
async def test_a_key_that_is_or_was_an_accounts_is_a_conflict_with_that_accounts_url(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    retired = other.key
    other_new = new_key()
    assert (await change(other, other_new)).status == 200
    other.key = other_new
    for key, owner in ((other_new, other.kid), (retired, other.kid), (client.key, client.kid)):
        refused = await change(client, key)
        assert (refused.status, refused.error, refused.headers["Location"]) == (409, "malformed", owner)
    assert (await client.post(client.kid or "")).status == 200
    assert (await other.post(other.kid or "")).status == 200
    gone = served.client()
    gone.key = retired
    for payload in ({}, {"onlyReturnExisting": True}):
        refused = await gone.register(**payload)
        assert (refused.status, refused.error) == (400, "badPublicKey")
        assert "Location" not in refused.headers
    assert (await served.client().register()).status == 201


@pytest.mark.std("A-105", "A-106")
async def test_changes_that_race_leave_one_key_with_one_account(served: Served) -> None:
    client, other, key = await served.registered(), await served.registered(), new_key()
    twins = [Client(client.session, client.base, client.reach, client.key, client.kid) for _ in range(3)]
    for each in twins:
        await each.send("HEAD", "/new-nonce")
    news = [new_key() for _ in twins]
    async with served.owner.acquire() as conn, conn.transaction():  # all are authenticated before one is done
        await conn.execute("SELECT FROM acme.accounts FOR UPDATE")
        asked = [asyncio.create_task(change(each, new)) for each, new in zip(twins, news, strict=True)]
        while await conn.fetchval(WAITING) < len(twins):
            assert not any(each.done() for each in asked)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status for answer in answers) == [200, 403, 403]
    assert {answer.error for answer in answers if answer.status != 200} == {"unauthorized"}
    client.key = news[[answer.status for answer in answers].index(200)]
    assert (await client.post(client.kid or "")).status == 200
    both = await asyncio.gather(change(client, key), change(other, key))
    assert sorted(answer.status for answer in both) == [200, 409]
    owners = await served.owner.fetchval("SELECT count(*) FROM acme.account_keys WHERE retired_at IS NULL")
    assert owners == 2


async def test_a_key_of_a_certificate_is_no_new_key(served: Served) -> None:
    """RFC 8555 §11.1."""
    client, shared = await served.registered(), new_key()
    await client.certificate("www.demo.test", key=shared)
    refused = await change(client, shared)
    assert (refused.status, refused.error) == (400, "badPublicKey")
    assert (await client.post(client.kid or "")).status == 200  # the old key is still the account's
    assert (await change(client, new_key())).status == 200
