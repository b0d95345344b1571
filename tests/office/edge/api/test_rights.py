"""Tokens that two people give, who left, and reviews of who may do what, through the API."""

from typing import Any

import pytest

from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api


async def proposed(api: Api, kind: str, arguments: dict[str, Any], role: str = "officer") -> dict[str, Any]:
    return dict(await api.made(role, "/proposals", {"kind": kind, "arguments": arguments}))


async def called(api: Api, token: str) -> tuple[int, Any]:
    return await api.call("", "GET", "/token", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.rule("T17-1")
async def test_the_holder_alone_can_call_with_a_token_that_two_people_gave(api: Api, pool: Pool) -> None:
    made = await proposed(api, "token.issue", {"holder": "dave", "role": "approver"})
    first, path = made["secret_part"], f"/proposals/{made['id']}"
    key = {"Idempotency-Key": "once"}
    done = (await api.call("approver", "POST", path + "/confirm", {}, headers=key))[1]
    second = done["secret_part"]
    for part in (first, second, second + first, first + second[:-1] + "-"):
        assert (await called(api, part))[0] == 401
    status, said = await called(api, first + second)
    assert (status, said["role"], said["handle"]) == (200, "approver", "dave")
    again = (await api.call("approver", "POST", path + "/confirm", {}, headers=key))[1]
    assert again["secret_part"] == second  # the answer once more, to who confirmed it alone
    for role in ("officer", "approver", "auditor"):
        shown = (await api.call(role, "GET", path))[1]
        assert "secret_part" not in shown
        assert first not in str(shown)
    kept = await pool.fetchval("SELECT string_agg(sealed, ''::bytea) FROM office.idempotency_keys")
    assert first.encode() not in kept
    assert second.encode() not in kept
    given = (await api.call("auditor", "GET", "/tokens"))[1]["items"][0]
    assert (given["person"], given["first"], given["second"], "sha256" in given) == ("dave", "ann", "bob", False)


@pytest.mark.rule("T17-1")
async def test_nobody_confirms_a_token_of_their_own(api: Api) -> None:
    path = f"/proposals/{(await proposed(api, 'token.issue', {'holder': 'bob', 'role': 'compliance'}))['id']}"
    status, problem = await api.call("approver", "POST", path + "/confirm", {})
    assert (status, "your own" in problem["detail"]) == (422, True)
    assert (await api.call("compliance", "POST", path + "/confirm", {}))[0] == 200


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"holder": "dave", "role": "king"}, "is unknown"),
        ({"holder": "nobody", "role": "operator"}, "no person"),
        ({"holder": "dave", "role": "applicant"}, "name their"),
        ({"holder": "dave", "role": "applicant", "customer": "nobody"}, "no customer"),
        ({"holder": "dave", "role": "operator", "expires_at": "2029-01-01T00:00:00Z"}, "at most 366 days"),
        ({"holder": "dave", "role": "operator", "part_sha256": "00" * 32}, "leave it out"),
    ],
)
async def test_a_token_that_cannot_be_is_not_proposed(api: Api, arguments: dict[str, Any], why: str) -> None:
    asked = {"kind": "token.issue", "arguments": arguments}
    status, problem = await api.call("officer", "POST", "/proposals", asked)
    assert (status, why in problem["detail"]) == (422, True), problem


async def test_a_token_of_a_service_and_one_of_a_customer(api: Api) -> None:
    wanted = ({"holder": "feed", "role": "operator", "service": True},
              {"holder": "hana", "role": "requester", "customer": "kaisha"})  # fmt: skip
    for each in wanted:
        made = await proposed(api, "token.issue", each)
        done = await api.made("approver", f"/proposals/{made['id']}/confirm", {})
        status, said = await called(api, made["secret_part"] + done["secret_part"])
        assert (status, said["role"]) == (200, each["role"])


@pytest.mark.std("C-176")
async def test_one_person_stops_a_token_at_once(api: Api) -> None:
    tokens = (await api.call("auditor", "GET", "/tokens", params={"limit": 200}))[1]["items"]
    of = {each["role"]: each["id"] for each in tokens if each["service"] is None}
    assert (await api.call("auditor", "DELETE", f"/tokens/{of['operator']}"))[0] == 422
    assert (await api.call("operator", "GET", "/token"))[0] == 200
    assert (await api.call("officer", "DELETE", f"/tokens/{of['operator']}"))[0] == 204
    assert (await api.call("operator", "GET", "/token"))[0] == 401
    assert (await api.call("officer", "DELETE", f"/tokens/{of['operator']}"))[0] == 422
    assert (await api.call("auditor", "DELETE", f"/tokens/{of['auditor']}"))[0] == 204  # their own
    assert (await api.call("auditor", "GET", "/token"))[0] == 401
    every = (await api.call("officer", "GET", "/tokens", params={"all": "true", "limit": 200}))[1]["items"]
    alive = (await api.call("officer", "GET", "/tokens", params={"limit": 200}))[1]["items"]
    assert len(every) == len(alive) + 2 == len(tokens)


@pytest.mark.std("C-176")
async def test_who_left_calls_no_more_and_the_removal_of_other_access_is_recorded(api: Api, pool: Pool) -> None:
    early = await api.call("officer", "POST", "/leavers/carol/removal", {})
    assert early[0] == 422
    made = await proposed(api, "person.leave", {"person": "carol", "left_at": "2026-11-22T02:00:00Z"})
    assert (await api.call("compliance", "POST", f"/proposals/{made['id']}/confirm", {}))[0] == 422  # carol herself
    await api.made("approver", f"/proposals/{made['id']}/confirm", {})
    assert (await api.call("compliance", "GET", "/token"))[0] == 401
    assert await pool.fetchval("SELECT left_at::text FROM gate.persons WHERE handle = 'carol'") is not None
    await api.made("officer", "/leavers/carol/removal", {})
    [left] = (await api.call("auditor", "GET", "/leavers"))[1]["items"]
    assert (left["person"], left["recorded_by"], left["removed_by"], left["in_time"]) == ("carol", "ann", "ann", True)
    again = {"kind": "person.leave", "arguments": {"person": "carol"}}
    assert (await api.call("officer", "POST", "/proposals", again))[0] == 422


@pytest.mark.std("C-176")
async def test_who_may_do_what_comes_page_by_page(api: Api, accepted: Conn, pool: Pool) -> None:
    """Each once, tokens that are alike in all that is told too."""
    await pool.execute(
        """INSERT INTO office.tokens (id, sha256, person_id, role, created_at, expires_at, granted_by_first,
            granted_by_second)
        SELECT gen_random_uuid(), sha256(n::text::bytea), person_id, role, created_at, expires_at, granted_by_first,
            granted_by_second
        FROM office.tokens, generate_series(1, 2) n WHERE role = 'auditor' AND person_id IS NOT NULL"""
    )
    for contract in await pool.fetch("SELECT id FROM gate.contracts"):
        await pool.execute(
            "INSERT INTO office.requesters SELECT $1, p.id, p.id, $2 FROM gate.persons p ON CONFLICT DO NOTHING",
            contract["id"], NOW,
        )  # fmt: skip
    whole = (await api.call("auditor", "GET", "/access", params={"limit": 200}))[1]
    assert whole["next"] is None
    assert {"database", "person", "requester", "token"} == {each["kind"] for each in whole["items"]}
    for limit in (1, 4):
        seen: list[object] = []
        asked: dict[str, object] = {"limit": limit}
        while True:
            page = (await api.call("auditor", "GET", "/access", params=asked))[1]
            assert len(page["items"]) <= limit
            seen += page["items"]
            if page["next"] is None:
                break
            asked["cursor"] = page["next"]
        assert seen == whole["items"]


@pytest.mark.std("C-176")
async def test_two_people_close_the_review_of_the_list_that_both_saw(api: Api) -> None:
    digest = (await api.call("officer", "GET", "/access-digest"))[1]
    items = (await api.call("officer", "GET", "/access", params={"limit": 200}))[1]["items"]
    assert len(items) == digest["entries"]
    assert {"database", "person", "token"} == {each["kind"] for each in items}
    asked = {"list_sha256": digest["list_sha256"], "findings": "none"}
    late, made = await proposed(api, "access_review.close", asked), await proposed(api, "access_review.close", asked)
    await api.made("approver", f"/proposals/{made['id']}/confirm", {})
    [review] = (await api.call("auditor", "GET", "/access-reviews"))[1]["items"]
    assert (review["list_sha256"], review["entries"], review["first"], review["second"]) == (
        digest["list_sha256"], digest["entries"], "ann", "bob",
    )  # fmt: skip
    await api.made("officer", "/persons", {"handle": "kenji", "name": "Kenji", "organisation": "CA"})
    status, problem = await api.call("approver", "POST", f"/proposals/{late['id']}/confirm", {})
    assert (status, "another one now" in problem["detail"]) == (422, True)
