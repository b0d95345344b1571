"""What pauses, and what the CA owes, through the API (Articles 8, 10, 16, 17, 25 and 28)."""

from datetime import timedelta

import pytest

from contract_gate.articles.article_25_liability import EXCLUSIONS
from office.storage.incidents import Query
from office.use_cases import changes, incidents, maintenance, payments
from office.use_cases.incidents import Plan
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money

ACME = "/contracts/acme"


@pytest.mark.rule("T10-3")
async def test_an_officer_lets_a_timer_run_longer_because_of_a_suspension(api: Api, applied: Conn) -> None:
    await changes.suspend(applied, "A10.1", "upkeep", NOW - timedelta(hours=1), None, "ann", NOW)
    [found] = (await api.call("auditor", "GET", "/suspensions"))[1]["items"]
    new = {"timer": "lapse", "suspension": found["id"], "until": "2027-01-31T00:00:00Z", "reason": "we were away"}
    assert (await api.call("applicant", "POST", ACME + "/timer-extensions", new))[0] == 403
    await api.made("officer", ACME + "/timer-extensions", new)
    [said] = (await api.call("auditor", "GET", ACME + "/timer-extensions"))[1]["items"]
    assert (said["timer"], said["until"], said["extended_by"]) == ("lapse", "2027-01-31T00:00:00Z", "ann")


@pytest.mark.rule("T10-3")
async def test_a_reissue_waits_longer(api: Api, applied: Conn, pool: Pool) -> None:
    await changes.suspend(applied, "A10.1", "upkeep", NOW - timedelta(hours=1), None, "ann", NOW)
    [found] = (await api.call("auditor", "GET", "/suspensions"))[1]["items"]
    new = {"timer": "reissue", "suspension": found["id"], "until": "2027-01-31T00:00:00Z", "reason": "we were away"}
    status, problem = await api.call("officer", "POST", ACME + "/timer-extensions", new)
    assert (status, "waits for no reissue" in problem["detail"]) == (422, True)


@pytest.mark.rule("T28-1")
async def test_a_consultation_is_held_and_its_reason_is_not_told(api: Api) -> None:
    path = ACME + "/consultation"
    new = {"reason": "a dispute", "owner": "bob", "review_on": "2026-12-01"}
    assert (await api.call("approver", "POST", path, new))[0] == 403
    await api.made("officer", path, new)
    await api.made("officer", path + "/review", {"review_on": "2026-12-24"})
    [held] = (await api.call("auditor", "GET", "/consultations"))[1]["items"]
    assert (held["reason"], held["owner"], held["review_on"]) == ("a dispute", "bob", "2026-12-24")
    [own] = (await api.call("applicant", "GET", path))[1]["items"]
    assert own == {"contract": "acme", "set_at": held["set_at"], "review_on": "2026-12-24"}
    assert (await api.call("officer", "DELETE", path))[0] == 204
    assert (await api.call("requester", "GET", path))[1]["items"] == []
    assert (await api.call("officer", "DELETE", path))[0] == 422


@pytest.mark.rule("T8-4")
async def test_a_holiday_is_added_and_taken_back(api: Api, applied: Conn) -> None:
    bill = payments.Bill("I-2", "fee", NOW.date(), NOW.date() + timedelta(days=17), 10)
    await payments.add_invoice(applied, "acme", bill, NOW)
    day = bill.due_on.isoformat() if bill.due_on else ""
    moved = (await api.made("officer", "/holidays", {"day": day, "name": "a day of mourning"}))["items"]
    assert [(each["due_on"], each["invoices"], each["last_day"] > day) for each in moved] == [(day, 1, True)]
    assert {"day": day, "name": "a day of mourning"} in (await api.call("applicant", "GET", "/holidays"))[1]["items"]
    status, back = await api.call("operator", "DELETE", f"/holidays/{day}")
    assert (status, [each["last_day"] for each in back["items"]]) == (200, [day])
    assert (await api.made("officer", "/holidays", {"day": day, "name": "again"}))["items"] == moved
    for other, status in (("2026-11-20", 422), ("today", 404), ("9999-12-31", 404), ("2027-02-30", 404)):
        assert (await api.call("officer", "DELETE", f"/holidays/{other}"))[0] == status


@pytest.mark.rule("T16-2")
async def test_a_leak_is_recorded_and_reported_twice(api: Api, pool: Pool) -> None:
    new = {
        "found_at": "2026-11-21T00:00:00Z", "malicious": True, "affected": "3 e-mail addresses", "measures": "closed",
        "customers": ["kaisha"],
    }  # fmt: skip
    path = f"/leaks/{(await api.made('officer', '/leaks', new))['id']}/reports"
    assert await pool.fetchval("SELECT count(*) FROM office.notices WHERE kind = 'personal_data_leak'") == 1
    assert (await api.call("officer", "POST", path, {"report": "final"}))[0] == 422
    for report in ("preliminary", "final"):
        await api.made("officer", path, {"report": report})
    [leak] = (await api.call("auditor", "GET", "/leaks"))[1]["items"]
    assert (leak["affected"], leak["final_at"] is not None) == ("3 e-mail addresses", True)


@pytest.mark.rule("T25-1", "T25-3")
async def test_liability_is_proposed_with_every_exclusion_answered(api: Api, billed: Conn) -> None:
    await payments.record_payment(billed, "F00000001", money(60_500), NOW)
    new = {"incident_on": "2026-08-25", "damage_yen": 30_000, "applies": [], "not_applies": list(EXCLUSIONS)}
    status, problem = await api.call("officer", "POST", ACME + "/liability", {**new, "not_applies": EXCLUSIONS[1:]})
    assert (status, EXCLUSIONS[0] in problem["detail"]) == (422, True)
    for _ in range(3):
        made = await api.made("officer", ACME + "/liability", new)
        assert (made["ceiling_yen"], made["proposed_yen"]) == (27_500, 27_500)
    one = (await api.call("auditor", "GET", ACME + "/liability", params={"limit": 2}))[1]
    two = (await api.call("auditor", "GET", ACME + "/liability", params={"limit": 2, "cursor": one["next"]}))[1]
    assert len({each["id"] for each in one["items"] + two["items"]}) == 3
    assert two["next"] is None


@pytest.mark.rule("T17-1")
async def test_a_subcontractor_comes_and_goes(api: Api) -> None:
    new = {"organisation": "Helpers K.K.", "role": "call_back", "from_on": "2026-11-01"}
    await api.made("officer", "/subcontractors", new)
    assert (await api.call("officer", "POST", "/subcontractors", {**new, "role": "validation"}))[0] == 400
    await api.made("officer", "/subcontractor-ends", {"organisation": "Helpers K.K.", "until_on": "2026-12-31"})
    [found] = (await api.call("auditor", "GET", "/subcontractors"))[1]["items"]
    assert (found["role"], found["from_on"], found["until_on"]) == ("call_back", "2026-11-01", "2026-12-31")


@pytest.mark.std("C-166")
async def test_incidents_are_looked_at(api: Api, applied: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 7, NOW)
    contract = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    wanted = Plan("a rehearsal", "misissued", NOW, None)
    query = Query(contract_id=contract, contract="acme")
    for _ in range(2):
        made = await incidents.plan(applied, wanted, query, "ann", NOW, drill=True)
    first = (await api.call("auditor", "GET", "/incidents", params={"limit": 1}))[1]
    second = (await api.call("auditor", "GET", "/incidents", params={"limit": 1, "cursor": first["next"]}))[1]
    assert {first["items"][0]["id"], second["items"][0]["id"]} >= {str(made.incident.id)}
    said = (await api.call("officer", "GET", f"/incidents/{made.incident.id}"))[1]
    assert (said["incident"]["title"], said["revoked"]) == ("a rehearsal", 0)
    assert [(each["contract"], each["certificates"]) for each in said["counts"]] == [("acme", 1)]


@pytest.mark.rule("T22-2")
async def test_windows_of_maintenance_are_looked_at(api: Api, applied: Conn) -> None:
    at = NOW + timedelta(days=20)
    await maintenance.plan(applied, "new disks", at, at + timedelta(hours=2), "ann", None, NOW)
    [window] = (await api.call("auditor", "GET", "/maintenance"))[1]["items"]
    assert (window["reason"], window["suspension_id"]) == ("new disks", None)
    assert (await api.call("applicant", "GET", "/maintenance"))[0] == 403
