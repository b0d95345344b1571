"""Incidents through the API: planned, foretold, begun by two people, paused, rehearsed, reported (C-158, C-166)."""

from datetime import timedelta
from typing import Any

import pytest

from office.use_cases import incident_steps
from sql import Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.issued import issue, revoked

NEW = {
    "title": "wrong profile", "ground": "misissued", "known_at": NOW.isoformat(),
    "explanation_url": "https://ca.example/incident", "profile": "ov",
}  # fmt: skip


async def begun(api: Api, incident: str, **pace: Any) -> None:
    """An operator proposes it, an approver confirms."""
    asked = {"kind": "incident.begin", "arguments": {"incident": incident, "reason": "seen", **pace}}
    proposal = (await api.made("operator", "/proposals", asked))["id"]
    assert (await api.call("officer", "GET", f"/proposals/{proposal}"))[0] == 404  # neither proposes nor confirms it
    assert (await api.call("auditor", "GET", f"/proposals/{proposal}"))[0] == 200
    await api.made("compliance", f"/proposals/{proposal}/confirm", {})


@pytest.mark.std("C-158", "C-166")
async def test_an_incident_is_planned_foretold_begun_paused_and_reported(api: Api, pool: Pool) -> None:
    await issue(pool, "acme", 7, NOW)
    assert (await api.call("officer", "POST", "/incidents", NEW))[0] == 403
    assert (await api.call("operator", "POST", "/incidents", {**NEW, "explanation_url": None}))[0] == 422
    made = await api.made("operator", "/incidents", NEW)
    path = f"/incidents/{made['incident']['id']}"
    assert (made["incident"]["title"], made["revoked"], made["incident"]["certificates"]) == ("wrong profile", 0, 1)
    told = (await api.call("auditor", "GET", path + "/run", params={"wait_seconds": 3600}))[1]
    assert (told["in_time"], told["incident"]["begun_at"], told["published_by"] > NOW.isoformat()) == (True, None, True)
    assert (await api.call("operator", "POST", path + "/pause", {"reason": "no"}))[0] == 422  # it has not begun
    await begun(api, made["incident"]["id"], wait_seconds=0)
    assert (await api.call("auditor", "GET", path + "/run"))[0] == 422  # it has begun
    assert (await api.made("operator", path + "/pause", {"reason": "a doubt"}))["paused_at"] is not None
    await incident_steps.sweep(pool, NOW + timedelta(seconds=5))
    assert await revoked(pool) == {}
    assert (await api.made("compliance", path + "/resume", {"reason": "no doubt"}))["paused_at"] is None
    await incident_steps.sweep(pool, NOW + timedelta(seconds=5))
    assert len(await revoked(pool)) == 1
    report = (await api.call("auditor", "GET", path + "/report"))[1]
    assert (report["span"]["unpublished"], report["in_time"], report["counts"][0]["revoked"]) == (1, True, 1)


@pytest.mark.std("C-158")
@pytest.mark.parametrize("command_timeout", [2.0])
async def test_a_list_that_takes_longer_than_a_call_has_is_refused_whole(api: Api, pool: Pool) -> None:
    await issue(pool, "acme", 7, NOW)
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("LOCK TABLE office.incident_certificates IN SHARE MODE")
        status, said = await api.call("operator", "POST", "/incidents", NEW)
    assert (status, "`keiyaku incident plan`" in said["detail"]) == (422, True)
    assert await pool.fetchval("SELECT count(*) FROM office.incidents") == 0
    assert (await api.made("operator", "/incidents", NEW))["incident"]["certificates"] == 1


@pytest.mark.std("C-158")
async def test_a_list_too_long_for_a_call_is_not_counted_by_contract(
    api: Api, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (7, 8):
        await issue(pool, "acme", day, NOW)
    counted = await api.made("operator", "/incidents", NEW)
    assert [each["certificates"] for each in counted["counts"]] == [2]
    monkeypatch.setattr("office.edge.api.incidents.MOST_COUNTED", 1)
    made = await api.made("operator", "/incidents", NEW)
    path = f"/incidents/{made['incident']['id']}"
    assert await api.call("auditor", "GET", path) == (200, made)
    assert (made["incident"]["certificates"], made["revoked"], made["counts"]) == (2, 0, None)
    status, said = await api.call("auditor", "GET", path + "/report")
    assert (status, "`keiyaku incident report`" in said["detail"]) == (422, True)


@pytest.mark.std("C-166")
async def test_a_rehearsal_revokes_nothing(api: Api, pool: Pool) -> None:
    serial = await issue(pool, "acme", 7, NOW)
    drill = {"title": "yearly drill", "ground": "misissued", "known_at": NOW.isoformat(), "drill": True}
    assert (await api.call("operator", "POST", "/incidents", drill))[0] == 422  # it names no certificate
    nothing = {**drill, "serials": ["00" * 9]}
    assert (await api.call("operator", "POST", "/incidents", nothing))[0] == 422  # there is none such
    made = await api.made("compliance", "/incidents", {**drill, "serials": [serial.hex()], "contract": "acme"})
    await begun(api, made["incident"]["id"], per_second=100, wait_seconds=0)
    await incident_steps.sweep(pool, NOW + timedelta(seconds=5))
    said = (await api.call("auditor", "GET", f"/incidents/{made['incident']['id']}"))[1]
    assert (said["incident"]["finished_at"] is not None, said["revoked"], await revoked(pool)) == (True, 1, {})
