"""From application to certificate through the API: each step by the role that may take it."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from office.storage.screenings import findings
from office.use_cases import payments, screening
from office.use_cases.proposals import LIFETIME
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, things
from tests.office.use_cases.test_bank_import import BY_REFERENCE, ISSUED, YESTERDAY, file_of, ready
from tests.simulators.bank_files import Credit

ACCEPT = {"kind": "contract.accept", "arguments": {"contract": "acme"}}


async def proposed(api: Api, role: str = "officer") -> str:
    return str((await api.made(role, "/proposals", ACCEPT))["id"])


@pytest.mark.rule("T4-5", "T4-2")
async def test_two_persons_accept_and_the_requester_gets_a_key(api: Api, pool: Pool) -> None:
    await api.made("applicant", "/contracts/acme/requesters", {"person": "hana"})
    await pool.execute(
        "UPDATE office.screenings SET verdict = 'clear', source = 's', checked_at = $1,"
        " checked_by = (SELECT id FROM gate.persons WHERE handle = 'bob') WHERE verdict = 'pending'",
        NOW,
    )
    early = await api.call("requester", "POST", "/contracts/acme/binding-keys", {"label": "l"})
    assert early[0] == 422
    done = await api.made("approver", f"/proposals/{await proposed(api)}/confirm", {})
    assert (done["state"], done["proposed_by"], done["confirmed_by"]) == ("confirmed", "ann", "bob")
    assert (await api.call("applicant", "GET", "/contracts/acme"))[1]["state"] == "accepted"
    key = await api.made("requester", "/contracts/acme/binding-keys", {"label": "l"})
    listed = (await api.call("applicant", "GET", "/contracts/acme/binding-keys"))[1]["items"]
    assert [each["kid"] for each in listed] == [key["kid"]]
    assert key["awaits_notice"] is True
    assert "hmac_key" not in listed[0]
    assert (await api.call("requester", "DELETE", f"/binding-keys/{key['kid']}"))[0] == 204


@pytest.mark.rule("T4-5", "T17-1")
async def test_who_proposed_cannot_confirm_with_another_token_either(api: Api, pool: Pool) -> None:
    proposal = await proposed(api)
    status, problem = await api.call("approver2", "POST", f"/proposals/{proposal}/confirm", {})
    assert (status, problem["type"]) == (422, "urn:keiyaku:problem:unfit")
    assert await pool.fetchval("SELECT state FROM gate.contracts WHERE handle = 'acme'") == "under_review"
    assert (await api.call("approver", "POST", f"/proposals/{proposal}/confirm", {}))[0] == 200


@pytest.mark.rule("T4-5")
async def test_the_database_itself_wants_two_persons(api: Api, pool: Pool) -> None:
    proposal = await proposed(api)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "UPDATE office.proposals SET confirmed_by = proposed_by, confirmed_at = $1 WHERE id = $2::text::uuid", NOW,
            proposal,
        )  # fmt: skip


async def test_an_officer_proposes_and_does_not_confirm(api: Api) -> None:
    proposal = await proposed(api, "approver")
    assert (await api.call("officer", "POST", f"/proposals/{proposal}/confirm", {}))[0] == 422


async def test_a_proposal_is_confirmed_once_and_decides_once(api: Api, pool: Pool) -> None:
    proposal = await proposed(api)
    for expected in (200, 422):
        assert (await api.call("approver", "POST", f"/proposals/{proposal}/confirm", {}))[0] == expected
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'contract.accepted'") == 1


async def test_what_cannot_be_decided_leaves_the_proposal_open(api: Api, pool: Pool) -> None:
    proposal = await proposed(api)
    await pool.execute("DELETE FROM office.call_backs")
    status, problem = await api.call("approver", "POST", f"/proposals/{proposal}/confirm", {})
    assert status == 422
    assert "call-back" in problem["detail"]
    assert (await api.call("officer", "GET", f"/proposals/{proposal}"))[1]["state"] == "open"


async def test_a_proposal_is_withdrawn_by_who_made_it_and_expires(api: Api, pool: Pool) -> None:
    proposal = await proposed(api)
    assert (await api.call("approver", "POST", f"/proposals/{proposal}/withdraw", {}))[0] == 422
    assert (await api.made("officer", f"/proposals/{proposal}/withdraw", {}))["state"] == "withdrawn"
    old = await proposed(api)
    shift = """UPDATE office.proposals SET proposed_at = proposed_at - $1::interval,
        expires_at = expires_at - $1::interval WHERE id = $2::text::uuid"""
    await pool.execute(shift, LIFETIME, old)
    assert (await api.call("approver", "POST", f"/proposals/{old}/confirm", {}))[0] == 422
    assert (await api.call("officer", "GET", f"/proposals/{old}"))[1]["state"] == "expired"


@pytest.mark.rule("T13-3", "T3-4")
async def test_compliance_alone_sees_why_a_contract_is_held(api: Api) -> None:
    hold = (await api.made("compliance", "/contracts/acme/holds", {"kind": "antisocial", "reason": "a secret"}))["id"]
    assert (await api.call("compliance", "GET", "/holds"))[1]["items"][0]["reason"] == "a secret"
    lift = {"kind": "hold.lift", "arguments": {"hold": hold}}
    proposal = (await api.made("compliance", "/proposals", lift))["id"]
    for role in ("officer", "approver", "auditor"):
        assert (await api.call(role, "GET", f"/proposals/{proposal}"))[0] == 404
        assert (await api.call(role, "GET", "/proposals"))[1]["items"] == []
        for path in ("/contracts/acme", "/contracts/acme/gate"):
            said = str((await api.call(role, "GET", path))[1])
            assert "secret" not in said
            assert "antisocial" not in said
    said = str((await api.call("auditor", "GET", "/contracts/acme/evidence"))[1])
    assert "hold.set" in said
    assert "secret" not in said


@pytest.mark.rule("T13-3")
async def test_findings_are_read_as_compliance(api: Api, applied: Conn, pool: Pool) -> None:
    contract = await pool.fetchval("SELECT id FROM gate.contracts")
    found = (await api.call("compliance", "GET", "/contracts/acme/screening-findings"))[1]["items"]
    async with pool.acquire() as owner:
        assert [each["id"] for each in found] == [str(each.id) for each in await findings(owner, contract, 99)]
    assert len(await screening.listed(applied, "acme", False)) == len(found)


@pytest.mark.rule("T8-15")
async def test_an_invoice_is_paid_and_shown(api: Api, pool: Pool) -> None:
    await things(pool)
    payment = {"invoice": "I-1", "amount_yen": 10, "value_on": "2026-11-20", "remitter": "REI", "source": "passbook"}
    assert (await api.made("officer", "/payments", payment))["open_yen"] == 0
    assert (await api.call("applicant", "GET", "/invoices/I-1"))[1]["open_yen"] == 0
    assert (await api.call("auditor", "GET", "/receipts"))[1]["items"][0]["invoices"] == ["I-1"]


@pytest.mark.rule("T11-3", "T11-5")
@pytest.mark.parametrize(
    ("reason", "ground", "clause"),
    [(1, "compromise_asked", "A11.1.2"), (4, "request", "A11.3"), (0, "request", "A11.3")],
)
async def test_a_customer_who_asks_says_whether_its_key_is_compromised(
    api: Api, pool: Pool, reason: int, ground: str, clause: str
) -> None:
    await things(pool)
    path = f"/certificates/{OURS['serial']}/revocation"
    made = await api.made("requester", path, {"note": "server gone", "reason": reason})
    shown = (await api.call("auditor", "GET", f"/revocation-cases/{made['case']}"))[1]
    assert (shown["case"]["ground"], shown["clause"], shown["code"]) == (ground, clause, reason or None)
    assert datetime.fromisoformat(made["deadline_at"]) == NOW + timedelta(days=1)


@pytest.mark.rule("T11-5", "T11-8")
async def test_a_customer_asks_for_a_revocation(api: Api, pool: Pool) -> None:
    await things(pool)
    path = f"/certificates/{OURS['serial']}/revocation"
    case = await api.made("requester", path, {"note": "server gone", "reason": 4})
    assert case["deadline_at"] is not None
    decide = {"kind": "revocation.decide", "arguments": {"case": case["case"], "reason": "asked"}}
    proposal = (await api.made("officer", "/proposals", decide))["id"]
    await api.made("approver", f"/proposals/{proposal}/confirm", {})
    assert (await api.call("auditor", "GET", f"/revocation-cases/{case['case']}"))[1]["case"]["state"] == "decided"


@pytest.mark.std("C-161")
async def test_anybody_reports_a_problem_so_often_an_hour(api: Api, pool: Pool) -> None:
    await things(pool)
    report = {"reporter": "R", "email": "r@example.org", "what": "key found", "serials": [OURS["serial"]]}
    assert [(await api.call("", "POST", "/problem-reports", report))[0] for _ in range(21)] == [201] * 20 + [429]
    assert len((await api.call("officer", "GET", "/problem-reports"))[1]["items"]) == 21


async def test_a_document_is_kept_sealed(api: Api, pool: Pool) -> None:
    status, made = await api.call(
        "applicant", "POST", "/contracts/acme/documents", data=b"of the register",
        headers={"Content-Type": "application/octet-stream"}, params={"kind": "register", "issued_on": "2026-11-01"},
    )  # fmt: skip
    assert status == 201
    listed = (await api.call("officer", "GET", "/contracts/acme/documents"))[1]["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert b"register" not in await pool.fetchval("SELECT sealed_content FROM office.documents")


@pytest.mark.rule("T8-15", "T8-6")
async def test_a_bank_file_is_imported_and_what_nobody_knows_is_matched_by_hand(api: Api, accepted: Conn) -> None:
    await ready(accepted)
    known, unknown = BY_REFERENCE, Credit(1, "ﾀﾞﾚｶ", day=YESTERDAY)
    octets = {"data": file_of(known, unknown), "headers": {"Content-Type": "application/octet-stream"}}
    for before in (True, False):
        status, done = await api.call("operator", "POST", "/bank-files", **octets)
        assert status == 200, done
        assert (done["before"] is None) == before
    lines = (await api.call("officer", "GET", "/bank-queue"))[1]["items"]
    assert [each["amount_yen"] for each in lines] == [1]
    await payments.add_invoice(accepted, "acme", payments.Bill("I-2", "fee", ISSUED, None, 1), NOW)
    await api.made("officer", f"/bank-queue/{lines[0]['id']}/match", {"invoice": "I-2"})
    assert (await api.call("applicant", "GET", "/invoices/I-2"))[1]["open_yen"] == 0
