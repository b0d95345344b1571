"""The gate as an ACME client meets it: at newOrder, in finalize, before signing (articles.md §0.4, T0-1 to T0-5)."""

import asyncio
import re
from typing import Any

import pytest

from contract_gate.decision import Breach
from contract_gate.record import DecisionRow, replay
from tests.acme_server.client import Answer, Client, der, leaf
from tests.acme_server.conftest import PEOPLE, Served
from tests.acme_server.edge.arrange import CONTRACT, ready, run, run_jobs
from tests.acme_server.edge.gate_cases import FAULTS, REOPEN, UNLIFT, UNPAID, Fault, end, hold, key

HELP = re.compile(re.escape(PEOPLE) + r"/help/([A-Za-z0-9_-]+)")
NAME = "www.demo.test"
PRIVATE = ("SECRET", "77777", "77,777", "LATE-77", "REMITTER", "Keiyaku", "Officer", "flood", "demo-overdue")


def check(answer: Answer, fault: Fault) -> None:
    """The answer is the fault's, to the letter (T0-1)."""
    assert (answer.status, answer.error) == (fault.status, fault.type), answer.body
    check_problem(answer.json, fault)
    assert [t.endswith("/terms/demo-1") for t in answer.links("terms-of-service")] == [True] * (fault.gate == "G2")
    wait = answer.headers.get("Retry-After")
    assert 7100 < int(wait) <= 7200 if fault.gate == "G9" else wait is None


def check_problem(problem: dict[str, Any], fault: Fault) -> None:
    """Sentence, page and subproblems; nothing else is said (T16-1)."""
    page = problem["instance"]
    token = HELP.fullmatch(page)
    assert token is not None
    assert len(token[1]) >= 22  # 128 bits
    assert problem["type"] == f"urn:ietf:params:acme:error:{fault.type}"
    assert problem["detail"] == fault.detail.format(help=page)
    assert ("(Terms A" in problem["detail"]) is (fault.gate != "G7" and "gives no certificates" not in fault.detail)
    named = [each["identifier"]["value"] for each in problem.get("subproblems", [])]
    assert named == ([NAME] if "Names of this order" in fault.detail else [])
    assert set(problem) <= {"type", "detail", "instance", "subproblems", "status"}
    assert not [word for word in PRIVATE if word in str(problem)]


async def status_of(client: Client, url: str) -> str:
    found: str = (await client.post(url)).json["status"]
    return found


async def decisions(served: Served) -> list[DecisionRow]:
    rows = await served.owner.fetch(
        'SELECT id, contract_id, binding_key_id, stage, outcome, gate, "case", names, not_after_limit, facts, '
        "findings, decided_at FROM gate.decisions ORDER BY id"
    )
    return [DecisionRow(**row) for row in rows]


@pytest.mark.rule("T0-1", "T0-5", "T16-1")
@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
async def test_a_fault_of_the_contract_and_the_request_after_its_end(served: Served, fault: Fault) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, *fault.come)

    first, second = await client.order(NAME), await client.order(NAME)
    check(first, fault)
    assert first.body == second.body
    refused = await client.finalize(order)
    check(refused, fault)
    assert refused.body == first.body
    kept = (await client.post(url)).json
    assert kept["status"] == ("invalid" if fault.ends else "ready")
    if fault.ends:
        check_problem(kept["error"], fault)
        assert kept["error"] | {"status": refused.status} == refused.json
    else:
        assert "error" not in kept

    await run(served, *fault.go)
    assert (await client.order(NAME)).status == 201
    again = await client.finalize(order)
    if fault.ends:
        assert (again.status, again.error) == (403, "orderNotReady")
    else:
        assert again.json["status"] == "valid", again.body


@pytest.mark.rule("T0-3")
async def test_every_end_of_a_contract_looks_the_same(served: Served) -> None:
    client = await served.registered()
    answers = []
    for cause in ("cancelled", "rescinded", "service_ended", "lapsed", "revoked"):
        await run(served, end(cause))
        answers.append((await client.order(NAME)).body)
        await run(served, REOPEN)
    assert len(set(answers)) == 1
    assert (await client.order(NAME)).status == 201


@pytest.mark.rule("T0-3", "T13-3")
async def test_two_faults_are_recorded_and_the_stranger_or_the_lowest_is_told(served: Served) -> None:
    client = await served.registered()
    await run(served, UNPAID, hold("antisocial"))
    assert (await client.order(NAME)).json["detail"].startswith("A payment for this contract is overdue")
    await run(served, key("withdrawn_at = now()"))
    assert "live binding key" in (await client.order(NAME)).json["detail"]
    first, second = await decisions(served)
    assert (first.gate, second.gate) == ("G6", "G4")
    breaches = [[each.rule for each in replay(row).findings if isinstance(each, Breach)] for row in (first, second)]
    assert breaches == [["T8-15", "T13-3"], ["T4-2", "T8-15", "T13-3"]]
    assert b"SECRET" not in first.facts + first.findings


@pytest.mark.rule("T0-1")
async def test_a_contract_has_one_text_for_a_cause_whoever_asks_and_when(served: Served) -> None:
    clients = [await served.registered() for _ in range(4)]
    await run(served, UNPAID)
    at_once = await asyncio.gather(*(client.order(NAME) for client in clients))
    later = await clients[0].order("b.demo.test", "127.0.0.1")
    assert len({answer.body for answer in [*at_once, later]}) == 1
    assert await served.owner.fetchval("SELECT count(*) FROM gate.help_pages") == 1
    other = served.client()
    await other.register((served.demo.overdue.kid, served.demo.overdue.hmac_key))
    theirs = await other.order("www.overdue.test")
    assert theirs.json["detail"].split("https://")[0] == later.json["detail"].split("https://")[0]
    assert theirs.json["instance"] != later.json["instance"]


@pytest.mark.rule("T0-4")
async def test_reading_and_revoking_never_pass_the_gate(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    document = (await client.finalize(order)).json
    await run(served, end("rescinded"), hold("conduct"), UNPAID, key("withdrawn_at = now()"))
    assert client.kid is not None
    for read in (client.kid, url, document["certificate"], document["authorizations"][0], f"{client.kid}/orders"):
        assert (await client.post(read)).status == 200, read
    certificate = leaf((await client.post(document["certificate"])).body)
    assert (await client.post("/revoke-cert", {"certificate": der(certificate)})).status == 200
    assert (await client.order(NAME)).status == 403


@pytest.mark.rule("T10-1", "T10-2")
async def test_a_suspension_stops_issuance_and_not_revocation(served: Served) -> None:
    """No certificate is put on hold meanwhile: reason 6 is none that can be asked for."""
    client = await served.registered()
    url, order = await ready(client, NAME)
    document = (await client.finalize(order)).json
    await run(served, *FAULTS["G9 suspended"].come)
    assert (await client.order(NAME)).status == 503
    assert (await client.post(url)).json["status"] == "valid"
    certificate = leaf((await client.post(document["certificate"])).body)
    held = await client.post("/revoke-cert", {"certificate": der(certificate), "reason": 6})
    assert (held.status, held.error) == (400, "badRevocationReason")
    assert (await client.post("/revoke-cert", {"certificate": der(certificate)})).status == 200
    assert await run_jobs(served, "crl") == ["crl"]
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations WHERE published_at IS NOT NULL") == 1


@pytest.mark.rule("T4-2", "T4-8")
async def test_each_identifier_outside_the_contract_has_its_subproblem(served: Served) -> None:
    client = await served.registered()
    answer = await client.order(NAME, "www.other.test", "10.0.0.1", "*.demo.test", "demo.test.evil.test")
    assert (answer.status, answer.error) == (400, "rejectedIdentifier")
    assert [each["identifier"] for each in answer.json["subproblems"]] == [
        {"type": "dns", "value": "www.other.test"},
        {"type": "ip", "value": "10.0.0.1"},
        {"type": "dns", "value": "demo.test.evil.test"},
    ]
    await run(served, key("names = '{*.demo.test}'"))
    scoped = await client.order(NAME, "*.demo.test")
    assert [each["identifier"]["value"] for each in scoped.json["subproblems"]] == [NAME]
    assert (await client.order("*.demo.test")).status == 201


@pytest.mark.rule("T0-5")
@pytest.mark.parametrize(("come", "detail"), [(UNPAID, "overdue"), (hold("conduct"), "under review")])
async def test_a_refusal_before_signing_ends_the_order_with_its_sentence(
    served: Served, come: str, detail: str
) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, "UPDATE acme.authorizations SET caa_checked_at = now() - interval '9 hours'")
    waiting = await client.finalize(order)
    assert (waiting.status, waiting.json["status"], waiting.headers["Retry-After"]) == (200, "processing", "1")
    await run(served, come)
    assert await run_jobs(served, "issue") == ["issue"]
    ended = (await client.post(url)).json
    assert ended["status"] == "invalid"
    assert detail in ended["error"]["detail"]
    assert HELP.fullmatch(ended["error"]["instance"])
    assert [row.stage for row in await decisions(served)] == ["new_order", "finalize", "before_signing"]
    assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == 0


@pytest.mark.rule("T0-3", "T0-5")
async def test_every_decision_is_recorded_with_its_inputs_and_made_again_from_them(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    await run(served, UNPAID)
    await client.finalize(order)
    await client.order("127.0.0.1")
    await run(served, "UPDATE gate.invoices SET kind = 'difference' WHERE number = 'LATE-77'")
    assert (await client.finalize(order)).json["status"] == "valid"
    made = await decisions(served)
    assert [(row.stage, row.outcome, row.gate) for row in made] == [
        ("new_order", "admitted", None),
        ("finalize", "refused", "G6"),
        ("new_order", "refused", "G6"),
        ("finalize", "admitted", None),
    ]
    for row in made:
        again = replay(row)
        assert (type(again).__name__.lower(), getattr(again, "case", None) and again.case.value) == (
            row.outcome,
            row.case,
        )
        assert again.facts == row.facts
    recorded = "SELECT count(*) FROM evidence.records WHERE kind = 'gate.decided' AND contract_id = " + CONTRACT
    assert await served.owner.fetchval(recorded) == len(made)
    assert await served.owner.fetchval("SELECT admission_id FROM ca.to_be_signed") == made[-1].id


@pytest.mark.rule("T3-3")
async def test_a_hold_acts_on_the_next_request_and_so_does_its_end(served: Served) -> None:
    client = await served.registered()
    for come, expected in ((None, 201), (hold("conduct"), 403), (UNLIFT, 201)):
        await run(served, *([come] if come else []))
        assert (await client.order(NAME)).status == expected
    reported = hold("conduct").replace("suspected", "reported")
    await run(served, reported)
    assert (await client.order(NAME)).status == 201
