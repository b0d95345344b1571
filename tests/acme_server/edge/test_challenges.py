"""Challenges: the response, the look, its retries. RFC 8555 §7.5.1, §8, §8.1, §8.2."""

import asyncio
import re

import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import Client, Json, jwk, jws, new_key, thumbprint
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import id_of, run_jobs, same_account

NAME = "www.demo.test"
AWAY = NotProven(ErrorType.CONNECTION, "Nobody answers on port 80.", temporary=True)
WRONG = NotProven(ErrorType.UNAUTHORIZED, "Something else is there.")


async def challenge_of(client: Client, name: str = NAME, place: int = 0) -> tuple[str, Json]:
    """URL of the authorization of a new order, and one of its challenges."""
    url = (await client.order(name)).json["authorizations"][0]
    return url, (await client.post(url)).json["challenges"][place]


async def due(served: Served) -> bool:
    """Whether the validation job may be taken now."""
    found = await served.owner.fetchval("SELECT run_at <= now() FROM acme.jobs WHERE kind = 'validate' AND NOT dead")
    return found is True


@pytest.mark.std("A-144", "A-145", "A-073")
async def test_a_response_is_answered_with_the_challenge_and_its_authorization(served: Served) -> None:
    client = await served.registered()
    url, challenge = await challenge_of(client)
    assert set(challenge) == {"type", "url", "status", "token"}
    assert challenge["status"] == "pending"
    done = await client.post(challenge["url"], {"keyAuthorization": "of older clients", "unknown": [1]})
    assert done.status == 200
    assert done.json == challenge | {"status": "valid", "validated": done.json["validated"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done.json["validated"])
    assert done.links("up") == [url]
    assert (await client.post(challenge["url"])).json == done.json


@pytest.mark.std("A-146", "A-036", "A-150")
async def test_what_is_no_response_starts_nothing(served: Served) -> None:
    client = await served.registered()
    url, challenge = await challenge_of(client)
    for payload in (b"[]", b'"x"', b"null", b"{", b"1"):
        answer = await client.post(challenge["url"], payload)
        assert (answer.status, answer.error) == (400, "malformed"), payload
    assert (await client.post(challenge["url"])).json == challenge
    assert served.looks.seen == []
    await client.post(challenge["url"], {})
    assert len(served.looks.seen) == 2  # the challenge, and CAA
    assert (await client.post(challenge["url"], {})).json["status"] == "valid"
    assert len(served.looks.seen) == 2
    assert (await client.post(url)).json["status"] == "valid"


@pytest.mark.std("A-156", "A-193")
async def test_tokens_are_long_and_never_the_same(served: Served) -> None:
    client = await served.registered()
    tokens = []
    for name in (NAME, "*.demo.test", "127.0.0.1", "b.demo.test"):
        url = (await client.order(name)).json["authorizations"][0]
        tokens += [each["token"] for each in (await client.post(url)).json["challenges"]]
    assert len(set(tokens)) == len(tokens) == 9
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", token) for token in tokens)


@pytest.mark.std("A-154", "A-192")
async def test_the_key_authorization_is_of_the_accounts_key(served: Served) -> None:
    client = await served.registered()
    _, challenge = await challenge_of(client, place=1)
    await client.post(challenge["url"], {})
    expected = f"{challenge['token']}.{thumbprint(client.key)}"
    assert served.looks.seen[0] == ("dns-01", NAME, challenge["token"], expected)
    caa = ("caa", NAME, "False", client.kid, "dns-01")
    assert served.looks.seen[1] == caa


@pytest.mark.std("A-155", "A-107")
async def test_a_rollover_leaves_the_attempt_at_hand_as_it_is(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    _, challenge = await challenge_of(client)
    assert (await client.post(challenge["url"], {})).json["status"] == "processing"
    before, key = thumbprint(client.key), new_key()
    inner = {"account": client.kid, "oldKey": jwk(client.key)}
    url = client.url("/key-change")
    signed = jws(key, inner, {"alg": "ES256", "jwk": jwk(key), "url": url})
    assert (await client.post("/key-change", signed)).status == 200
    client.key = key
    served.looks.outcomes.clear()
    await run_jobs(served, "validate")
    assert (await client.post(challenge["url"])).json["status"] == "valid"
    attempts = [seen[3] for seen in served.looks.seen if seen[0] == "http-01"]
    assert attempts == [f"{challenge['token']}.{before}"] * 2
    _, later = await challenge_of(client, "b.demo.test")
    await client.post(later["url"], {})
    assert served.looks.seen[-2][3] == f"{later['token']}.{thumbprint(key)}"


@pytest.mark.std("A-151", "A-152", "A-153")
async def test_a_failed_look_is_shown_while_it_is_retried(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    url, challenge = await challenge_of(client)
    waiting = await client.post(challenge["url"], {})
    assert (waiting.status, waiting.json["status"]) == (200, "processing")
    assert waiting.json["error"] == {"type": "urn:ietf:params:acme:error:connection", "detail": AWAY.detail}
    assert int(waiting.headers["Retry-After"]) > 0
    assert "validated" not in waiting.json
    assert (await client.post(challenge["url"])).json == waiting.json
    served.looks.outcomes.clear()
    assert await run_jobs(served, "validate") == ["validate"]
    done = (await client.post(challenge["url"])).json
    assert (done["status"], "error" in done) == ("valid", False)
    assert (await client.post(url)).json["status"] == "valid"
    assert await run_jobs(served, "validate") == []


@pytest.mark.std("A-147", "A-143")
async def test_polls_are_answered_until_the_last_attempt_has_failed(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    url, challenge = await challenge_of(client)
    await client.post(challenge["url"], {})
    for attempt in (2, 3):
        poll = await client.post(url)
        assert (poll.status, poll.json["status"], poll.headers["Retry-After"]) == (200, "pending", "1")
        assert await run_jobs(served, "validate") == ["validate"]
        assert len(served.looks.seen) == attempt
    ended = await client.post(url)
    assert (ended.json["status"], ended.headers.get("Retry-After")) == ("invalid", None)
    assert ended.json["challenges"][0]["status"] == "invalid"
    assert await run_jobs(served, "validate") == []


@pytest.mark.std("A-152", "A-150")
async def test_a_client_that_asks_again_hastens_the_retry_only(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    _, challenge = await challenge_of(client)
    await client.post(challenge["url"], {})
    assert not await due(served)
    again = await client.post(challenge["url"], {})
    assert (again.status, again.json["status"]) == (200, "processing")
    assert await due(served)
    assert len(served.looks.seen) == 1
    served.looks.outcomes[NAME] = WRONG
    await run_jobs(served, "validate")
    ended = await client.post(challenge["url"], {})
    assert (ended.status, ended.json["status"]) == (200, "invalid")
    assert len(served.looks.seen) == 2


@pytest.mark.std("A-143", "A-150")
async def test_one_challenge_of_an_authorization_is_answered(served: Served) -> None:
    client = await served.registered()
    url = (await client.order(NAME)).json["authorizations"][0]
    first, second, third = (await client.post(url)).json["challenges"]
    served.looks.gate = asyncio.Event()
    asked = asyncio.create_task(client.post(first["url"], {}))
    while not served.looks.seen:
        await asyncio.sleep(0)
    other = same_account(client)
    refused = await other.post(second["url"], {})
    assert (refused.status, refused.error) == (400, "malformed")
    assert "http-01" in refused.json["detail"]
    same = await other.post(first["url"], {})
    assert (same.status, same.json["status"]) == (200, "processing")
    served.looks.gate.set()
    assert (await asked).json["status"] == "valid"
    assert (await client.post(third["url"], {})).status == 400
    assert [each["type"] for each in (await client.post(url)).json["challenges"]] == ["http-01"]
    assert [seen[0] for seen in served.looks.seen] == ["http-01", "caa"]


@pytest.mark.std("A-149", "A-151")
async def test_an_authorization_deactivated_during_its_look_stays_so(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    url, challenge = await challenge_of(client)
    await client.post(challenge["url"], {})
    ended = await client.post(url, {"status": "deactivated"})
    assert (ended.json["status"], ended.headers.get("Retry-After")) == ("deactivated", None)
    served.looks.outcomes.clear()
    await run_jobs(served, "validate")
    assert (await client.post(url)).json["status"] == "deactivated"
    assert await served.owner.fetchval("SELECT count(*) FROM acme.jobs") == 0


@pytest.mark.std("A-143")
async def test_an_authorization_that_expired_during_its_look_stays_so(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = AWAY
    url, challenge = await challenge_of(client)
    await client.post(challenge["url"], {})
    served.looks.outcomes.clear()
    await served.owner.execute("UPDATE acme.authorizations SET expires_at = now() - interval '1 second'")
    assert (await client.post(url)).json["status"] == "expired"
    await run_jobs(served, "validate")
    assert (await client.post(url)).json["status"] == "expired"
    assert (await client.order(NAME)).json["status"] == "pending"


@pytest.mark.std("A-143", "A-153")
async def test_caa_that_forbids_fails_the_challenge(served: Served) -> None:
    client = await served.registered()
    served.looks.caa_outcomes[NAME] = NotProven(ErrorType.CAA, "CAA permits another CA only.")
    _, challenge = await challenge_of(client)
    failed = (await client.post(challenge["url"], {})).json
    assert (failed["status"], failed["error"]["type"]) == ("invalid", "urn:ietf:params:acme:error:caa")
    served.looks.caa_outcomes.clear()
    _, fresh = await challenge_of(client)
    assert (await client.post(fresh["url"], {})).json["status"] == "valid"


async def test_a_validation_leaves_its_evidence(served: Served) -> None:
    client = await served.registered()
    url, challenge = await challenge_of(client)
    await client.post(challenge["url"], {})
    row = await served.owner.fetchrow("SELECT * FROM evidence.records WHERE kind = 'authorization.validated'")
    assert id_of(url).encode() in row["content"]
    assert b'"method":"http-01"' in row["content"]
    assert row["contract_id"] is not None
