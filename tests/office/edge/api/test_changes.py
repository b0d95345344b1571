"""Changes and the seal through the API: by the customer and by officers (Articles 1, 6, 14 and 19)."""

import json
from typing import Any

import pytest

from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.issued import issue

ACME = "/contracts/acme"
REGISTER = """
INSERT INTO office.register_states (customer_id, name, prefecture, city, street, checked_at)
SELECT id, 'N', 'P', 'C', 'S', $1 FROM gate.customers WHERE handle = 'kaisha'"""


async def proof(api: Api, role: str = "applicant") -> str:
    """A document that the customer hands in."""
    given: dict[str, Any] = {"params": {"kind": "registry", "issued_on": "2026-11-01"}, "data": b"proof"}
    headers = {"Content-Type": "application/octet-stream"}
    status, made = await api.call(role, "POST", ACME + "/documents", headers=headers, **given)
    assert status == 201, made
    return str(made["id"])


@pytest.mark.rule("T6-1", "T6-2")
async def test_a_customer_reports_a_change_and_officers_finish_it(api: Api, pool: Pool) -> None:
    made = await api.made("applicant", ACME + "/changes", {"item": "address", "document": await proof(api)})
    assert (made["contract"], made["item"], made["handling"]) == ("acme", "address", "register")
    path = f"/changes/{made['id']}"
    assert (await api.call("officer", "POST", path + "/finish", {}))[0] == 422
    confirmed = await api.made("approver", path + "/confirmation", {"source": "corporate-number register"})
    assert confirmed["confirmed_at"] is not None
    done = await api.made("officer", path + "/finish", {"name": "株式会社 新", "representative": "新 花子"})
    assert done["done_at"] is not None
    assert (await api.call("applicant", "GET", ACME + "/changes"))[1] == {"items": [done], "next": None}
    assert (await api.call("officer", "GET", "/changes"))[1]["items"] == []
    assert await pool.fetchval("SELECT name FROM gate.customers WHERE handle = 'kaisha'") == "株式会社 新"
    row = await pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'change.arrived'")
    assert json.loads(row)["through"].startswith("token:")


@pytest.mark.rule("T6-4", "T14-1")
async def test_what_certificates_show_blocks_through_the_api_too(api: Api, applied: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 7, NOW)
    new = {"item": "name", "document": await proof(api), "organization": "Nova K.K."}
    assert (await api.made("applicant", ACME + "/changes", new))["handling"] == "new_contract"
    assert [each["ground"] for each in (await api.call("officer", "GET", "/revocation-cases"))[1]["items"]] == [
        "change_learned"
    ]


@pytest.mark.rule("T6-1")
async def test_a_document_of_another_customer_proves_nothing(api: Api) -> None:
    """The stranger reaches neither the contract nor, with a contract of its own, the document."""
    document = await proof(api)
    await api.made("stranger", "/applications", {"handle": "theirs", "plan": "small"})
    new = {"item": "address", "document": document}
    assert (await api.call("stranger", "POST", "/contracts/theirs/changes", new))[0] == 422
    assert (await api.call("stranger", "POST", ACME + "/changes", new))[0] == 404
    assert (await api.call("applicant", "POST", ACME + "/changes", new))[0] == 201


async def test_changes_come_in_pages_which_go_on_after_one_that_was_finished(api: Api) -> None:
    for _ in range(3):
        await api.made("applicant", ACME + "/changes", {"item": "representative", "document": await proof(api)})
    first = (await api.call("auditor", "GET", "/changes", params={"limit": 1}))[1]
    path = f"/changes/{first['items'][0]['id']}"
    await api.made("officer", path + "/confirmation", {"source": "register"})
    await api.made("officer", path + "/finish", {})
    rest = (await api.call("auditor", "GET", "/changes", params={"cursor": first["next"]}))[1]
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 3
    assert rest["next"] is None


@pytest.mark.rule("T6-4", "T6-5")
async def test_what_the_ca_learns_is_recorded_and_settled(api: Api, pool: Pool) -> None:
    found = (await api.made("officer", ACME + "/change-findings", {"item": "other", "in_certificate": True}))["id"]
    blocking = "SELECT count(*) FROM gate.information_changes WHERE resolved_at IS NULL"
    assert await pool.fetchval(blocking) == 1
    await api.made("approver", f"/change-findings/{found}/resolution", {})
    assert await pool.fetchval(blocking) == 0
    await pool.execute(REGISTER, NOW)
    [said] = (await api.call("officer", "GET", "/register-states"))[1]["items"]
    assert (said["customer"], said["name"], said["closed_on"]) == ("kaisha", "N", None)


@pytest.mark.rule("T1-3", "T19-2")
async def test_the_seal_is_asked_for_and_given_back_by_the_customer(api: Api, pool: Pool) -> None:
    assert (await api.call("applicant", "GET", ACME + "/seal"))[1]["items"] == []
    made = await api.made("applicant", ACME + "/seal", {})
    assert made["page"].startswith("https://people.example/seal/")
    assert made["image"] == made["page"] + "/image.svg"
    async with api.client.get(made["page"].removeprefix("https://people.example")) as page:
        assert page.status == 200
    asked = {"page": "https://a.example.jp/"}
    said = (await api.call("applicant", "GET", ACME + "/seal/validity", params=asked))[1]
    assert (said["host"], said["on_host"], said["valid"]) == ("a.example.jp", True, False)  # not accepted yet
    assert [each["contract"] for each in (await api.call("auditor", "GET", "/seals"))[1]["items"]] == ["acme"]
    assert (await api.call("applicant", "DELETE", ACME + "/seal"))[0] == 204
    assert (await api.call("applicant", "GET", ACME + "/seal/validity"))[0] == 422
    assert (await api.made("officer", ACME + "/seal", {})) == made  # at the same addresses
    kinds = "SELECT kind FROM evidence.records WHERE kind LIKE 'seal.%' ORDER BY id"
    assert [row["kind"] for row in await pool.fetch(kinds)] == ["seal.requested", "seal.withdrawn", "seal.requested"]


@pytest.mark.rule("T1-3")
async def test_a_seal_asked_for_again_under_its_key_is_answered_as_before(api: Api, pool: Pool) -> None:
    key = {"Idempotency-Key": "seal"}
    first = await api.call("applicant", "POST", ACME + "/seal", {}, headers=key)
    assert first[0] == 201
    assert await api.call("applicant", "POST", ACME + "/seal", {}, headers=key) == first
    assert (await api.call("applicant", "POST", ACME + "/seal", {}))[0] == 422
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'seal.requested'") == 1


@pytest.mark.rule("T4-2")
async def test_the_customer_names_and_removes_requesters(api: Api) -> None:
    await api.made("applicant", ACME + "/requesters", {"person": "hana"})
    assert (await api.call("applicant", "DELETE", ACME + "/requesters/hana"))[0] == 204
    listed = (await api.call("officer", "GET", ACME + "/requesters"))[1]["items"]
    assert {each["handle"]: each["withdrawn_at"] is None for each in listed} == {"ann": True, "hana": False}
    assert (await api.call("applicant", "DELETE", ACME + "/requesters/hana"))[0] == 422
    assert (await api.call("officer", "DELETE", ACME + "/requesters/ann"))[0] == 403


@pytest.mark.rule("T4-3")
async def test_a_review_waits_for_the_customer_and_goes_on(api: Api, pool: Pool) -> None:
    await api.made("officer", ACME + "/review-questions", {"wanted": "the seal certificate"})
    assert (await api.call("applicant", "GET", ACME))[1]["state"] == "awaiting_customer"
    assert (await api.call("officer", "POST", ACME + "/review-questions", {"wanted": "again"}))[0] == 422
    await api.made("approver", ACME + "/review-answers", {})
    assert (await api.call("applicant", "GET", ACME))[1]["state"] == "under_review"
