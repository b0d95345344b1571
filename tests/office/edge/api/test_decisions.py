"""Every decision of two persons through the API: proposed by an officer, confirmed by an approver, decided once."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from contract_gate.calendar import DAY
from contract_gate.money import TaxRate
from office.use_cases import (
    acceptance,
    audit,
    bank,
    bank_desk,
    case_decisions,
    cases,
    documents,
    ending,
    incidents,
    invoices,
    ledger,
    payments,
    register,
    tax_rates,
    tokens,
)
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.deciding import KINDS
from office.use_cases.tokens import Wanted
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS
from tests.office.edge.api.conftest import KEY, Api
from tests.office.edge.api.test_router import NOBODY, OURS, things
from tests.office.use_cases.test_bank_coverage import TOLD
from tests.office.use_cases.test_books import money
from tests.office.use_cases.test_credit_invoices import CUT
from tests.office.use_cases.test_writers import ISSUE

Arranged = Callable[[Conn, Pool], Awaitable[dict[str, Any]]]


async def nothing(conn: Conn, pool: Pool) -> dict[str, Any]:
    return {}


async def accepted(conn: Conn, pool: Pool) -> dict[str, Any]:
    await acceptance.accept(conn, "acme", "ann", "bob", ACCESS, NOW)
    return {}


async def ended(conn: Conn, pool: Pool) -> dict[str, Any]:
    await accepted(conn, pool)
    await ending.cancel(conn, "acme", "ann", NOW)
    return {}


async def paid(conn: Conn, pool: Pool) -> dict[str, Any]:
    """F00000001 is paid by a receipt, and another paid nothing."""
    await accepted(conn, pool)
    await conn.execute(ISSUE, NOW)
    receipt = (await payments.record_payment(conn, "F00000001", money(60_500), NOW)).receipt
    return {"receipt": str(receipt)}


async def open_fee(conn: Conn, pool: Pool) -> dict[str, Any]:
    await accepted(conn, pool)
    await conn.execute(ISSUE, NOW)
    return {}


async def small_rest(conn: Conn, pool: Pool) -> dict[str, Any]:
    await open_fee(conn, pool)
    await payments.record_payment(conn, "F00000001", money(60_060), NOW)
    return {}


async def overpaid(conn: Conn, pool: Pool) -> dict[str, Any]:
    return {"receipt": str(await payments.record_unexplained(conn, money(500), NOW))}


async def written_off(conn: Conn, pool: Pool) -> dict[str, Any]:
    """Nobody expects F00000001 to be paid any more; the receipt that pays it is there."""
    await open_fee(conn, pool)
    await ledger.write_off(conn, "F00000001", "write_off", "bankrupt", "ann", "bob", NOW)
    return {"receipt": str(await payments.record_unexplained(conn, money(60_500), NOW))}


async def cut(conn: Conn, pool: Pool) -> dict[str, Any]:
    await open_fee(conn, pool)
    await pool.execute(CUT)
    assert await invoices.claim_differences(pool, NOW)
    return {}


async def a_case(conn: Conn, pool: Pool, ground: str = "request") -> dict[str, Any]:
    await things(pool)
    serials = [bytes.fromhex(OURS["serial"])] if ground == "request" else []
    scope = await cases.scope_of(conn, None if serials else "acme", None, None, serials)
    opened = await cases.open_case(conn, Opening(ground, scope, "R", "n", NOW, None), NOW)
    return {"case": str(opened.case.id)}


async def a_breach(conn: Conn, pool: Pool) -> dict[str, Any]:
    given = await a_case(conn, pool, "breach")
    deadline = await case_decisions.material_deadline(conn, given["case"], NOW)
    return {**given, "deadline_at": deadline.isoformat()}


async def a_decision(conn: Conn, pool: Pool) -> dict[str, Any]:
    given = await a_case(conn, pool)
    await case_decisions.decide(conn, given["case"], "ann", "bob", "asked", NOW)
    return given


async def planned(conn: Conn, pool: Pool) -> dict[str, Any]:
    await things(pool)
    wanted = incidents.Plan("wrong profile", "misissued", NOW, "https://ca.example/incident")
    made = await incidents.plan(conn, wanted, incidents.Query(profile="ov"), "ann", NOW)
    return {"incident": str(made.incident.id)}


async def the_list(conn: Conn, pool: Pool) -> dict[str, Any]:
    return {"list_sha256": audit.digest_of(await audit.access(conn, NOW))}


async def written_consent(conn: Conn, pool: Pool) -> dict[str, Any]:
    await accepted(conn, pool)
    other = register.customer("heir", "Heir", "other_organisation", None, True, None, NOW)
    await register.add_customer(conn, other, NOW)
    kept = await documents.keep(conn, "acme", "consent", NOW.date(), b"we agree", "ann", KEY, NOW)
    return {"document": str(kept)}


async def two_accounts(conn: Conn, pool: Pool) -> dict[str, Any]:
    for handle, number in (("main", "1234567"), ("other", "7654321")):
        await bank.open_account(conn, handle, NOW.date() - DAY, "statement", NOW)
        await bank_desk.set_dialect(conn, handle, msgspec.structs.replace(TOLD, number=number), NOW - DAY)
    return {"account": "main"}


RATE = {"effective_on": "2027-04-01", "basis_points": 1200}


async def coming_rate(conn: Conn, pool: Pool) -> dict[str, Any]:
    await tax_rates.add(conn, TaxRate(date(2027, 4, 1), 1200), "ann", "bob", NOW)
    return {}


# Kind: what is there before, the arguments beside what that gives, what evidence says afterwards.
DECISIONS: dict[str, tuple[Arranged, dict[str, Any], str]] = {
    "access_review.close": (the_list, {"findings": "none"}, "access.reviewed"),
    "bank.close": (two_accounts, {"closed_from": "2026-12-01", "reason": "merged"}, "bank.closed"),
    "bank.correct": (
        two_accounts, {"bank": "0001", "branch": "001", "number": "1111111", "reason": "r"}, "bank.dialect_corrected",
    ),
    "contract.accept": (nothing, {"contract": "acme"}, "contract.accepted"),
    "contract.assign": (written_consent, {"contract": "acme", "customer": "heir"}, "contract.assigned"),
    "contract.reject": (nothing, {"contract": "acme", "reason": "incomplete"}, "contract.rejected"),
    "contract.rescind": (accepted, {"contract": "acme", "clause": "A11.4.1"}, "contract.ended"),
    "contract.settle": (
        ended, {"contract": "acme", "cause": "cancelled", "returned_yen": 0, "reason": "r"}, "contract.settled",
    ),
    "incident.begin": (planned, {"reason": "seen", "wait_seconds": 0}, "incident.begun"),
    "invoice.credit": (
        paid, {"invoice": "F00000001", "amount_yen": 5_500, "rate": 1000, "reason": "r"}, "invoice.credited",
    ),
    "invoice.credit_tax": (cut, {"invoice": "F00000001", "reason": "rate cut"}, "invoice.credited"),
    "invoice.issuer": (
        nothing, {"name": "CA", "address": "Tokyo", "registration_number": "T7000012050002"}, "invoice.seller_set",
    ),
    "invoice.leave_tax": (cut, {"invoice": "F00000001", "reason": "netted"}, "tax_credit.declined"),
    "invoice.recover": (written_off, {"invoice": "F00000001", "reason": "paid after all"}, "invoice.recovered"),
    "invoice.small_difference": (small_rest, {"invoice": "F00000001", "reason": "charge"}, "invoice.written_off"),
    "invoice.write_off": (open_fee, {"invoice": "F00000001", "reason": "bankrupt"}, "invoice.written_off"),
    "payment.refund": (overpaid, {"amount_yen": 500, "reason": "overpaid"}, "payment.refunded"),
    "person.leave": (nothing, {"person": "carol"}, "person.left"),
    "plan.add": (nothing, {"handle": "big", "name": "Big", "fee_yen": 1, "names_max": 5}, "plan.added"),
    "plan.close": (nothing, {"handle": "small"}, "plan.closed"),
    "reading.set": (nothing, {"key": "invoice.names", "value": "payer"}, "reading.set"),
    "revocation.decide": (a_case, {"reason": "asked"}, "revocation.revoke"),
    "revocation.material": (a_breach, {"reason": "wrong name"}, "revocation.material"),
    "revocation.withdraw": (a_decision, {"reason": "erroneous"}, "revocation.withdrawn"),
    "tax_rate.add": (nothing, RATE, "tax_rate.added"),
    "tax_rate.remove": (coming_rate, {**RATE, "reason": "misread"}, "tax_rate.removed"),
    "token.issue": (nothing, {"holder": "dave", "role": "operator"}, "token.made"),
    "service.end": (
        nothing, {"cause": "closing", "ends_on": "2027-06-30", "certificates": "revoke"}, "service.end_decided",
    ),
}  # fmt: skip


def test_every_kind_but_those_of_compliance_is_tried() -> None:
    assert DECISIONS.keys() == {name for name, kind in KINDS.items() if not kind.secret}


@pytest.mark.rule("T17-1")
@pytest.mark.parametrize("kind", DECISIONS)
async def test_two_persons_decide_through_the_api(api: Api, applied: Conn, pool: Pool, kind: str) -> None:
    arrange, arguments, said = DECISIONS[kind]
    asked = {"kind": kind, "arguments": {**arguments, **await arrange(applied, pool)}}
    before = await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = $1", said)
    proposer = "officer" if "officer" in KINDS[kind].proposers else "operator"
    proposal = (await api.made(proposer, "/proposals", asked))["id"]
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = $1", said) == before
    for role in ("approver2", "officer") if proposer == "officer" else ("operator", "officer"):
        seen = role.rstrip("2") in KINDS[kind].proposers | KINDS[kind].confirmers
        assert (await api.call(role, "POST", f"/proposals/{proposal}/confirm", {}))[0] == (422 if seen else 404)
    assert (await api.made("approver", f"/proposals/{proposal}/confirm", {}))["state"] == "confirmed"
    rows = await pool.fetch("SELECT actor, content FROM evidence.records WHERE kind = $1 ORDER BY id", said)
    assert len(rows) == before + 1
    token = await pool.fetchval(
        "SELECT t.id FROM office.tokens t JOIN gate.persons p ON p.id = t.person_id WHERE p.handle = 'bob'"
    )
    assert json.loads(rows[-1]["content"])["through"] == f"token:{token}"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param({"invoice": "F00000001", "amount_yen": -1, "rate": 1000, "reason": "r"}, "amount_yen", id="yen"),
        pytest.param({"invoice": "F00000001", "amount_yen": 1, "rate": 1000}, "reason", id="no reason"),
        pytest.param(
            {"invoice": "F00000001", "amount_yen": 1, "rate": 1000, "reason": "r", "x": 1}, "unknown field", id="field"
        ),
        pytest.param({"invoice": "F9", "amount_yen": 1, "rate": 1000, "reason": "r"}, "no invoice", id="no invoice"),
    ],
)
async def test_arguments_that_do_not_fit_make_no_proposal(api: Api, arguments: dict[str, Any], why: str) -> None:
    status, problem = await api.call(
        "officer", "POST", "/proposals", {"kind": "invoice.credit", "arguments": arguments}
    )
    assert status == 422
    assert why in problem["detail"]


@pytest.mark.rule("T13-1", "T13-3")
async def test_screenings_are_added_and_cleared_by_the_desk_and_hit_by_compliance(api: Api, pool: Pool) -> None:
    await api.made("officer", "/contracts/acme/screenings", {"role": "payer", "name": "レイ"})
    listed = (await api.call("officer", "GET", "/contracts/acme/screenings"))[1]["items"]
    [payer] = [each for each in listed if each["role"] == "payer"]
    assert (payer["subject"], payer["checked_at"]) == ("レイ", None)
    cleared = await api.made("officer", "/contracts/acme/screening-clearances", {"source": "list of 2026-11"})
    assert cleared == {"screened": 1}
    hit = {"source": "list of 2026-11", "grounds": "a secret"}
    assert (await api.call("officer", "POST", f"/screenings/{payer['id']}/hit", hit))[0] == 403
    await api.made("compliance", f"/screenings/{payer['id']}/hit", hit)
    assert "secret" not in str((await api.call("officer", "GET", "/contracts/acme/screenings"))[1])
    found = (await api.call("compliance", "GET", "/contracts/acme/screening-findings"))[1]["items"]
    assert ("hit", "a secret") in {(each["verdict"], each["grounds"]) for each in found}
    assert len((await api.call("compliance", "GET", "/holds"))[1]["items"]) == 1


@pytest.mark.std("C-162")
async def test_a_report_is_answered_led_to_a_case_and_closed(api: Api, pool: Pool) -> None:
    await things(pool)
    path = f"/problem-reports/{OURS['report']}"
    assert (await api.call("officer", "POST", path + "/closing", {}))[0] == 422
    await api.made("officer", path + "/answer", {"findings": "we look into it"})
    case = (await api.made("officer", path + "/case", {"ground": "breach"}))["case"]["id"]
    closed = await api.made("officer", path + "/closing", {})
    assert (closed["case_ids"], closed["closed_at"] is not None) == ([case], True)
    assert (await api.call("officer", "GET", path))[1] == closed
    assert (await api.call("auditor", "GET", path))[1] == closed | dict.fromkeys(("reporter", "email", "what"))
    await api.made("officer", f"/revocation-cases/{case}/closing", {"reason": "nothing in it"})
    assert (await api.call("auditor", "GET", f"/revocation-cases/{case}"))[1]["case"]["state"] == "closed"


@pytest.mark.rule("T9-1")
async def test_money_is_looked_at(api: Api, applied: Conn, pool: Pool) -> None:
    await cut(applied, pool)
    assert [each["amount_yen"] for each in (await api.call("auditor", "GET", "/tax-credits"))[1]["items"]] != []
    said = (await api.call("officer", "GET", "/contracts/acme/settlement", params={"cause": "cancelled"}))[1]
    assert said["outcome"] == "nothing_owed"
    await things(pool)
    assert (await api.call("applicant", "GET", f"/credits/{OURS['credit']}"))[1]["total_yen"] == 2
    page = (await api.call("applicant", "GET", f"/credits/{OURS['credit']}/page"))[1]
    assert "返還請求書" in page
    assert "適格" not in page  # no issuer with a registration number is set
    assert [each["number"] for each in (await api.call("officer", "GET", "/contracts/acme/credits"))[1]["items"]] == [
        OURS["credit"]
    ]
    assert (await api.call("officer", "GET", "/settlements"))[1]["items"] == []


async def test_what_is_done_through_a_token_names_it_and_what_is_not_names_none(
    api: Api, applied: Conn, pool: Pool
) -> None:
    await api.made("officer", "/persons", {"handle": "kenji", "name": "Kenji", "organisation": "CA"})
    await ledger.claim(applied, "acme", 5, "letter", "ann", NOW)
    one = await pool.fetchval(
        "SELECT content FROM evidence.records WHERE kind = 'person.added' ORDER BY id DESC LIMIT 1"
    )
    other = await pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'claim.recorded'")
    token = await pool.fetchval("SELECT id FROM office.tokens WHERE role = 'officer' AND service IS NULL")
    assert json.loads(one)["through"] == f"token:{token}"
    assert "through" not in json.loads(other)


@pytest.mark.rule("T15-1")
async def test_a_contract_is_transferred_by_a_consent_that_was_handed_in(api: Api, applied: Conn, pool: Pool) -> None:
    given = await written_consent(applied, pool)
    asked = {"kind": "contract.assign", "arguments": {"contract": "acme", "customer": "heir", "document": NOBODY}}
    status, problem = await api.call("officer", "POST", "/proposals", asked)
    assert (status, "hand the written consent in" in problem["detail"]) == (422, True)
    assert (await api.call("applicant", "GET", "/contracts/acme"))[0] == 200
    asked["arguments"] = {"contract": "acme", "customer": "heir", **given}
    proposal = (await api.made("officer", "/proposals", asked))["id"]
    await api.made("approver", f"/proposals/{proposal}/confirm", {})
    assert (await api.call("applicant", "GET", "/contracts/acme"))[0] == 404  # it is the heir's now


@pytest.mark.rule("T17-1")
async def test_two_people_give_a_role_with_the_ca(applied: Conn, pool: Pool) -> None:
    wanted = Wanted("ann", "approver")
    for first, second, why in (
        (None, None, "two people give"), ("ann", None, "two people give"), ("ann", "ann", "two different people"),
    ):  # fmt: skip
        with pytest.raises(Unfit, match=why):
            await tokens.new(applied, wanted, first, second, NOW)
    await tokens.new(applied, wanted, "ann", "bob", NOW)
    [held] = await tokens.listed(applied, False, NOW)
    assert (held.role, held.first, held.second) == ("approver", "ann", "bob")


@pytest.mark.rule("T17-1")
async def test_two_people_give_another_role_than_before(applied: Conn) -> None:
    for role in ("applicant", "applicant"):  # the first role of a customer, and the same once more
        await tokens.new(applied, Wanted("ann", role, "kaisha"), None, None, NOW)
    another = Wanted("ann", "requester", "kaisha")
    with pytest.raises(Unfit, match="two people give somebody the role requester"):
        await tokens.new(applied, another, None, None, NOW)
    await tokens.new(applied, another, "ann", "bob", NOW)
    await tokens.new(applied, Wanted("bob", "requester", "kaisha"), None, None, NOW)
