"""What stops or announces to everybody, through the API (Articles 10, 20 and 22)."""

from datetime import timedelta
from typing import Any

import pytest

from sql import Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api

HOUR = timedelta(hours=1)
SUSPENSION = {"clause": "A10.1", "cause": "the data centre burns"}


async def listed(api: Api, path: str) -> Any:
    return (await api.call("auditor", "GET", path))[1]["items"]


@pytest.mark.rule("T10-1", "T22-1")
async def test_an_operator_stops_issuance_and_lets_it_go_on(api: Api, pool: Pool) -> None:
    assert (await api.call("officer", "POST", "/suspensions", SUSPENSION))[0] == 403
    key = {"Idempotency-Key": "stop"}
    first = await api.call("operator", "POST", "/suspensions", SUSPENSION, headers=key)
    assert await api.call("operator", "POST", "/suspensions", SUSPENSION, headers=key) == first  # one, not two
    [found] = await listed(api, "/suspensions")
    assert (found["id"], found["cause"]) == (first[1]["id"], SUSPENSION["cause"])
    assert (await api.call("operator", "POST", f"/suspensions/{found['id']}/end", {}))[
        0
    ] == 422  # it begins this instant
    past = {**SUSPENSION, "starts_at": (NOW - HOUR).isoformat()}
    begun = (await api.made("compliance", "/suspensions", past))["id"]
    await api.made("operator", f"/suspensions/{begun}/end", {})
    assert [each["id"] for each in await listed(api, "/suspensions")] == [found["id"]]
    assert (await api.call("operator", "POST", f"/suspensions/{begun}/end", {}))[0] == 422
    assert (await api.call("operator", "POST", "/suspensions", {**past, "ends_at": past["starts_at"]}))[0] == 422
    rows = await pool.fetch("SELECT actor FROM evidence.records WHERE kind IN ('service.suspended', 'service.resumed')")
    assert [row["actor"].partition(":")[0] for row in rows] == ["person"] * 3


@pytest.mark.rule("T22-2")
async def test_a_window_opens_after_its_notice_or_in_an_emergency(api: Api) -> None:
    window = {"reason": "disks", "starts_at": (NOW + HOUR).isoformat(), "ends_at": (NOW + 2 * HOUR).isoformat()}
    told = (await api.made("operator", "/maintenance", window))["id"]
    status, problem = await api.call("operator", "POST", f"/maintenance/{told}/open", {})
    assert (status, "not delivered" in problem["detail"]) == (422, True)
    urgent = (await api.made("operator", "/maintenance", {**window, "emergency": "smoke"}))["id"]
    opened = await api.made("compliance", f"/maintenance/{urgent}/open", {})
    assert [each["id"] for each in await listed(api, "/suspensions")] == [opened["id"]]
    assert {each["suspension_id"] for each in await listed(api, "/maintenance")} == {None, opened["id"]}


@pytest.mark.rule("T20-1")
async def test_new_terms_are_announced_in_time_or_withdrawn(api: Api) -> None:
    new = {
        "version": "2", "sha256": "ab" * 32, "url": "https://ca.example/t", "change": "clearer", "reason": "asked",
        "effective_at": (NOW + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    assert (await api.call("operator", "POST", "/terms-announcements", new))[0] == 422  # too soon
    new["effective_at"] = (NOW + timedelta(days=60)).isoformat()
    await api.made("compliance", "/terms-announcements", new)
    [found] = await listed(api, "/terms-announcements")
    assert (found["version"], found["sha256"], found["withdrawn_at"]) == ("2", new["sha256"], None)
    assert (await api.call("compliance", "POST", "/terms-announcements", new))[0] == 422
    assert (await api.call("operator", "DELETE", "/terms-announcements/2"))[0] == 204
    assert (await api.call("operator", "DELETE", "/terms-announcements/2"))[0] == 422
