"""Nonces over HTTP, on two processes with one database. RFC 8555 §6.5, §7.2."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp.test_utils import TestServer

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.routes import make_app
from acme_server.edge.urls import Urls
from acme_server.protocol import nonce
from acme_server.storage import nonces
from tests.acme_server.client import LEAVE_OUT, Answer, Client, b64, jwk, jws, new_key
from tests.acme_server.conftest import BASE, IDENTITIES, PEOPLE, Served

ALPHABET = re.compile(r"[A-Za-z0-9_-]+")


@asynccontextmanager
async def second_process(served: Served, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[str]:
    """Another application with connections and memory of its own, on the same database. Gives where it listens."""
    async with asyncpg.create_pool(postgres.dsn("keiyaku_acme", database), min_size=1, max_size=4) as pool:
        context = replace(served.context, pool=pool, nonce_key=await nonces.current_key(pool), tasks=set())
        app = make_app(
            context, Urls(BASE, PEOPLE), website=None, identities=IDENTITIES, require_binding=False, max_body=65536
        )
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")


async def with_nonce(client: Client, text: object) -> Answer:
    """The account reads itself with that nonce."""
    assert client.kid is not None
    return await client.post(client.kid, None, nonce=text)


@pytest.mark.std("A-054", "A-055", "A-056")
async def test_new_nonce_gives_a_nonce_by_head_and_get(served: Served) -> None:
    client = await served.registered()
    for method, status in (("HEAD", 200), ("GET", 204)):
        answer = await client.send(method, "/new-nonce")
        assert (answer.status, answer.body) == (status, b"")
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await with_nonce(client, answer.headers["Replay-Nonce"])).status == 200
    assert (await client.post("/new-nonce")).headers["Cache-Control"] == "no-store"


@pytest.mark.std("A-051", "A-052")
async def test_nonces_never_repeat_and_are_good_for_any_resource_and_account(served: Served) -> None:
    one, other = await served.registered(), await served.registered()
    issued = [(await one.send("HEAD", "/new-nonce")).headers["Replay-Nonce"] for _ in range(50)]
    assert len(set(issued)) == 50
    assert all(ALPHABET.fullmatch(each) for each in issued)
    assert (await with_nonce(other, issued[0])).status == 200
    assert (await one.post("/new-order", {"identifiers": []}, nonce=issued[1])).error == "malformed"
    of_an_error = (await one.send("POST", "/new-account")).headers["Replay-Nonce"]
    assert (await with_nonce(other, of_an_error)).status == 200


@pytest.mark.std("A-044", "A-045")
async def test_every_answer_to_a_post_carries_a_good_nonce(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    stranger = await served.registered()
    requests = (
        lambda: client.post(kid),
        lambda: client.register(),
        lambda: client.order("www.demo.test"),
        lambda: client.post("/no-such"),
        lambda: client.post(kid, None, key=new_key()),
        lambda: client.post(kid, "{"),
        lambda: client.post(kid, None, alg="none"),
        lambda: client.post(kid, None, nonce="AAAA"),
        lambda: client.post(stranger.kid or ""),
        lambda: client.post_body(kid, b"{"),
        lambda: client.post_body(kid, b"{}", "text/plain"),
        lambda: client.post_body(kid, b" " * 70_000),
        lambda: client.post("/renewal-info/x"),
        lambda: client.post(f"{kid}/orders"),
    )
    answers = []
    for request in requests:
        if request is requests[-1]:
            await served.owner.execute("REVOKE SELECT ON acme.orders FROM keiyaku_acme")
        answers.append(await request())
        client.nonce = None  # the answer's own is kept for the end
    await served.owner.execute("GRANT SELECT ON acme.orders TO keiyaku_acme")
    statuses = [answer.status for answer in answers]
    assert statuses == [200, 200, 201, 404, 400, 400, 400, 400, 403, 400, 415, 413, 405, 500]
    for answer in answers:
        assert (await with_nonce(client, answer.headers["Replay-Nonce"])).status == 200
    assert (await client.post(f"{kid}/orders")).status == 200


@pytest.mark.std("A-046")
async def test_a_nonce_is_dead_once_it_has_appeared_whatever_else_was_wrong(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    nil = kid[:-36] + "00000000-0000-0000-0000-000000000000"
    faults: dict[str, dict[str, Any]] = {
        "signature": {"key": new_key()},
        "url": {"url": client.url("/new-order")},
        "no url": {"url": LEAVE_OUT},
        "kid": {"kid": nil},
        "foreign kid": {"kid": "https://other.test/account/1"},
        "jwk and kid": {"jwk": jwk(client.key)},
        "neither": {"kid": LEAVE_OUT},
        "jwk in place of kid": {"jwk": jwk(client.key), "kid": LEAVE_OUT},
        "alg": {"alg": "none"},
        "alg that does not go with the key": {"alg": "RS256"},
        "crit": {"crit": ["b64"]},
        "payload": {"payload": "not JSON"},
    }
    for name, changes in faults.items():
        used = await client.fresh_nonce()
        assert (await client.post(kid, **{"payload": None, "nonce": used} | changes)).status >= 400, name
        assert (await with_nonce(client, used)).error == "badNonce", name
    for path, changes in (
        ("/no-such", {}),
        ("/order/x", {}),
        ("/renewal-info/x", {}),
        ("/new-account", {}),
        ("/new-account", {"kid": LEAVE_OUT, "jwk": jwk(client.key) | {"crv": "P-1"}}),
        ("/revoke-cert", {"kid": LEAVE_OUT, "jwk": jwk(client.key) | {"x": "AA"}}),
    ):
        used = await client.fresh_nonce()
        assert (await client.post(path, None, nonce=used, **changes)).status >= 400, path
        assert (await with_nonce(client, used)).error == "badNonce", path


@pytest.mark.std("A-046")
async def test_a_nonce_is_dead_once_it_has_appeared_in_a_body_of_the_wrong_form(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    for change, content_type in (({}, "application/json"), ({"payload": LEAVE_OUT}, ""), ({"header": {}}, ""),
                                 ({"signatures": []}, ""), ({"signature": "="}, ""), ({"payload": 1}, "")):  # fmt: skip
        used = await client.fresh_nonce()
        whole = jws(client.key, None, await client.protected(kid, nonce=used)) | change
        body = {name: value for name, value in whole.items() if value is not LEAVE_OUT}
        refused = await client.post_body(kid, body, content_type or "application/jose+json")
        assert refused.status in (400, 415), change
        assert (await with_nonce(client, used)).error == "badNonce", change
    used = await client.fresh_nonce()
    assert (await with_nonce(client, used)).status == 200
    assert (await with_nonce(client, used)).error == "badNonce"


@pytest.mark.std("A-048", "A-049", "A-050")
async def test_a_bad_nonce_is_answered_with_a_good_one(served: Served) -> None:
    client = await served.registered()
    used = await client.fresh_nonce()
    assert (await with_nonce(client, used)).status == 200
    key, now, hour = served.context.nonce_key, utc_now(), timedelta(hours=1)
    forged = replace_last(await client.fresh_nonce())
    expired = nonce.issue(key, now - hour, b"0" * 16)
    ahead = nonce.issue(key, now + timedelta(minutes=5), b"1" * 16)
    for bad in (LEAVE_OUT, used, forged, expired, ahead, "", "AAAA", b64(b"x" * 41), b64(b"x" * 400)):
        refused = await with_nonce(client, bad)
        assert (refused.status, refused.error) == (400, "badNonce"), bad
        retried = await with_nonce(client, refused.headers["Replay-Nonce"])
        assert retried.status == 200, bad
    assert (await with_nonce(client, nonce.issue(key, now - hour / 2, b"2" * 16))).status == 200
    for malformed in ("not base64url", "AAAA=", "AA+A", "AA/A", "AAA\n", "日本"):
        refused = await with_nonce(client, malformed)
        assert (refused.status, refused.error) == (400, "malformed"), malformed
        assert (await with_nonce(client, refused.headers["Replay-Nonce"])).status == 200


def replace_last(text: str) -> str:
    """The nonce with one bit of its MAC changed."""
    return text[:-2] + ("B" if text[-2] == "A" else "A") + text[-1]


@pytest.mark.std("A-047", "A-052")
async def test_of_two_requests_with_one_nonce_one_is_accepted_on_any_process(
    served: Served, postgres: EmbeddedPostgres, database: str
) -> None:
    client = await served.registered()
    assert client.kid is not None
    async with second_process(served, postgres, database) as reach:
        elsewhere = replace(client, reach=reach)
        for _ in range(10):
            used = await client.fresh_nonce()
            body = jws(client.key, None, await client.protected(client.kid, nonce=used))
            both = [each.post_body(client.kid, body) for each in (client, elsewhere) for _ in range(2)]
            answers = await asyncio.gather(*both)
            assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
            assert {answer.error for answer in answers if answer.status == 400} == {"badNonce"}
        there = (await elsewhere.send("HEAD", "/new-nonce")).headers["Replay-Nonce"]
        assert (await with_nonce(client, there)).status == 200
        assert (await with_nonce(elsewhere, there)).error == "badNonce"


@pytest.mark.std("A-048", "A-049")
async def test_when_the_nonces_were_lost_older_ones_are_bad_and_the_answer_has_a_good_one(
    served: Served, postgres: EmbeddedPostgres, database: str
) -> None:
    client = await served.registered()
    assert client.kid is not None
    async with second_process(served, postgres, database) as reach:
        elsewhere = replace(client, reach=reach)
        old = [(await client.send("HEAD", "/new-nonce")).headers["Replay-Nonce"] for _ in range(4)]
        used = old.pop()
        assert (await with_nonce(client, used)).status == 200
        # what a crash of PostgreSQL leaves of unlogged tables
        await served.owner.execute("TRUNCATE acme.nonce_epoch, acme.spent_nonces")
        refused = await with_nonce(client, used)
        assert refused.error == "badNonce"
        fresh = refused.headers["Replay-Nonce"]
        assert (await with_nonce(elsewhere, fresh)).status == 200  # a process that has not heard of the new epoch
        for late in old:
            for each in (client, elsewhere):
                assert (await with_nonce(each, late)).error == "badNonce"
        stale = await elsewhere.fresh_nonce()
        await served.owner.execute("TRUNCATE acme.nonce_epoch, acme.spent_nonces")
        # a request that may write, to a process that has not heard: the database refuses
        assert (await elsewhere.post(client.kid, {}, nonce=stale)).error == "badNonce"
        assert (await elsewhere.post(client.kid, {})).status == 200
        for each in (elsewhere, client):
            missing = await with_nonce(each, LEAVE_OUT)
            assert missing.error == "badNonce"
            assert (await with_nonce(each, missing.headers["Replay-Nonce"])).status == 200


@pytest.mark.std("A-053")
async def test_a_replay_nonce_header_in_a_request_has_no_effect(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    used = await client.fresh_nonce()
    assert (await with_nonce(client, used)).status == 200
    fresh = await client.fresh_nonce()
    body = json.dumps(jws(client.key, None, await client.protected(client.kid, nonce=fresh))).encode()
    sent = await client.send("POST", client.kid, body, Content_Type="application/jose+json", Replay_Nonce=used)
    assert sent.status == 200
    body = json.dumps(jws(client.key, None, await client.protected(client.kid, nonce=LEAVE_OUT))).encode()
    spare = await client.fresh_nonce()
    sent = await client.send("POST", client.kid, body, Content_Type="application/jose+json", Replay_Nonce=spare)
    assert sent.error == "badNonce"
    assert (await with_nonce(client, spare)).status == 200
