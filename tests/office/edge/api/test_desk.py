"""The desk through the API: what waits, who takes it, who is away."""

from datetime import timedelta
from typing import Any

import pytest

from sql import Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, things

TASK = f"/desk/dead_job/{OURS['subject']}"


async def waiting(api: Api, **query: Any) -> list[Any]:
    """What the desk shows."""
    status, page = await api.call("auditor", "GET", "/desk", params=query)
    assert status == 200, page
    return list(page["items"])


@pytest.mark.std("C-162")
async def test_the_nearest_deadline_comes_first_a_page_at_a_time(api: Api, pool: Pool) -> None:
    await things(pool)
    whole = await waiting(api)
    assert [each["deadline_at"] for each in whole] == sorted(each["deadline_at"] for each in whole)
    assert {"application", "dead_job", "report_answer", "screening"} <= {each["kind"] for each in whole}
    seen, query = [], {"limit": 1}
    while True:
        _, page = await api.call("operator", "GET", "/desk", params=query)
        seen += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == whole
    assert [each["kind"] for each in await waiting(api, kind="dead_job")] == ["dead_job"]
    for wrong in ({"kind": "nothing"}, {"person": "nobody"}, {"cursor": "x"}, {"cursor": "bnVsbA"}):
        assert (await api.call("auditor", "GET", "/desk", params=wrong))[0] == 422


async def test_a_task_is_taken_handed_over_and_put_off(api: Api, pool: Pool) -> None:
    await things(pool)
    assert (await api.call("auditor", "POST", TASK + "/assignment", {}))[0] == 403
    await api.made("officer", TASK + "/assignment", {})
    assert [each["subject"] for each in await waiting(api, person="ann")] == [OURS["subject"]]
    await api.made("officer", TASK + "/assignment", {"to": "bob"})
    assert (await waiting(api, person="ann"), len(await waiting(api, person="bob"))) == ([], 1)
    later = {"until": (NOW + timedelta(days=2)).isoformat(), "reason": "the disk comes tomorrow"}
    await api.made("approver", TASK + "/snooze", later)
    assert (await waiting(api, person="bob"), len(await waiting(api, person="bob", snoozed=1))) == ([], 1)
    binding = f"/desk/report_answer/{OURS['report']}/snooze"
    assert (await api.call("officer", "POST", binding, later))[0] == 422


async def test_a_task_is_done_once(api: Api, pool: Pool) -> None:
    await things(pool)
    reason, key = {"reason": "the shard was made again"}, {"Idempotency-Key": "done"}
    assert (await api.call("operator", "POST", TASK + "/done", reason, headers=key))[0] == 204
    assert (await api.call("operator", "POST", TASK + "/done", reason, headers=key))[0] == 204  # the same answer
    assert (await api.call("operator", "POST", TASK + "/done", reason))[0] == 404
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'desk.done'") == 1
    assert (await api.call("officer", "POST", f"/desk/report_answer/{OURS['report']}/done", reason))[0] == 422


async def test_who_stands_in_does_the_tasks_of_who_is_away(api: Api, pool: Pool) -> None:
    await things(pool)
    await api.made("officer", TASK + "/assignment", {})
    away = {"person": "ann", "deputy": "bob", "from_on": "2026-11-22", "until_on": "2026-11-26"}
    assert (await api.call("officer", "POST", "/absences", {**away, "deputy": "ann"}))[0] == 422
    assert await api.made("approver", "/absences", away) == away
    [found] = (await api.call("auditor", "GET", "/absences"))[1]["items"]
    assert found == {"id": found["id"], **away}
    assert [each["owner"] for each in await waiting(api, person="bob")] == ["ann"]
    assert (await api.call("officer", "DELETE", "/absences/ann"))[0] == 204
    assert (await api.call("officer", "DELETE", "/absences/ann"))[0] == 422
    assert [each["acting"] for each in await waiting(api, person="ann")] == ["ann"]
