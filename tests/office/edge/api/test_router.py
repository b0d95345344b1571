"""Tokens, roles, tenants, keys of idempotency, bounds and problem documents, over every operation."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from office.edge.api.description import description
from office.edge.api.operations import OPERATIONS
from office.use_cases import tokens
from office.use_cases.tokens import OF_CUSTOMERS, ROLES, Wanted
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.issued import issue

DOCUMENT = json.loads(description())
OPEN = {("GET", "/openapi.json"), ("POST", "/problem-reports"), ("POST", "/key-compromises")}
NOBODY = str(UUID(int=1))
OURS = {
    "contract": "acme",
    "kid": "ek-1",
    "serial": (bytes([1, *[0] * 8]) + (7).to_bytes(4, "big")).hex(),
    "number": "I-1",
    "line": "1",
    "credit": "C99999999",
    "screening": str(UUID(int=2)),
    "report": str(UUID(int=3)),
    "kind": "dead_job",
    "subject": str(UUID(int=4)),
    "receipt": str(UUID(int=5)),
    "incident": str(UUID(int=6)),
    "suspension": str(UUID(int=7)),
    "version": "2",
    "account": "main",
    "sample": str(UUID(int=8)),
    "ceremony": str(UUID(int=9)),
    "delivery": str(UUID(int=10)),
    "customer": "kaisha",
    "role": "payer",
    "checkpoint": "1",
    "person": "hana",
}


def described() -> dict[tuple[str, str], Any]:
    return {(m.upper(), path): said for path, each in DOCUMENT["paths"].items() for m, said in each.items()}


def test_operations_and_document_are_of_each_other() -> None:
    assert {(each.method, each.path) for each in OPERATIONS} | OPEN == described().keys()
    assert len({each.id for each in OPERATIONS}) == len(OPERATIONS)
    for each in OPERATIONS:
        said = described()[each.method, each.path]
        assert (said["operationId"], said["x-roles"]) == (each.id, sorted(each.roles))
        assert said.get("x-person", False) == each.person
        assert ({"$ref": "#/components/parameters/Idempotency-Key"} in said.get("parameters", [])) == each.once
        assert ("requestBody" in said) == (each.body is not None)


def test_every_call_that_makes_something_has_a_key() -> None:
    """Left out is what is the same when it is done twice: a file by its hash, the execution of a case."""
    assert {each.id for each in OPERATIONS if each.method == "POST" and not each.once} == {
        "importBankFile", "executeCase",
    }  # fmt: skip


async def test_the_document_is_served_to_everybody(api: Api) -> None:
    assert await api.call("", "GET", "/openapi.json") == (200, DOCUMENT)


def address(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: OURS.get(found[1], NOBODY), path)


@pytest.mark.rule("T17-1")
async def test_every_operation_wants_a_token_that_lives(api: Api, applied: Conn) -> None:
    gone = await tokens.new(applied, Wanted("ann", "officer"), "ann", "bob", NOW)
    await tokens.withdraw(applied, str(gone.id), NOW)
    for each in OPERATIONS:
        for headers in ({}, {"Authorization": f"Bearer {gone.token}"}, {"Authorization": "Basic YTpi"}):
            status, problem = await api.call("", each.method, address(each.path), headers=headers)
            assert (status, problem["type"]) == (401, "urn:keiyaku:problem:unauthenticated"), each.id


async def test_every_operation_is_closed_to_the_roles_it_does_not_name(api: Api) -> None:
    for each in OPERATIONS:
        for role in ROLES:
            status, problem = await api.call(role, each.method, address(each.path))
            assert (status == 403) == (role not in each.roles), (each.id, role, problem)
            assert status < 500, (each.id, problem)


@pytest.mark.rule("T13-3")
def test_grounds_of_holds_are_for_compliance_alone() -> None:
    grounds = [each for each in OPERATIONS if each.id in ("listHolds", "listFindings", "setHold", "suspect", "hit")]
    assert len(grounds) == 5
    assert all(each.roles == {"compliance"} for each in grounds)


async def test_a_service_decides_nothing(api: Api) -> None:
    for each in OPERATIONS:
        if "officer" in each.roles:
            status, _ = await api.call("service", each.method, address(each.path))
            assert (status == 403) == each.person, each.id


BODIES: dict[str, Any] = {
    "addName": {"name": "b.example.jp"},
    "consent": {"terms": "1", "cps": "1", "consented_at": "2026-11-22T00:00:00Z"},
    "submit": {"representative": "R"},
    "addRequester": {"person": "hana"},
    "newKey": {"label": "l"},
    "askRevocation": {"note": "n"},
    "follow": {"handle": "acme-2"},
    "consentToRenewals": {"plan": "small"},
    "reportChange": {"item": "address", "document": NOBODY},
}
QUERIES = {"removeName": {"name": "a.example.jp"}, "addDocument": {"kind": "k", "issued_on": "2026-11-01"}}


async def test_a_stranger_reaches_nothing_of_another_customer(api: Api, pool: Pool) -> None:
    """Every operation of customers' roles with a thing in its path, asked by its owner and by a stranger."""
    await things(pool)
    before = await counted(pool)
    walked = [each for each in OPERATIONS if each.roles & OF_CUSTOMERS and "{" in each.path]
    for each in walked:
        role = "stranger" if "applicant" in each.roles else "strange_requester"
        status, problem = await asked(api, role, each.id, each.method, each.path)
        assert (status, problem["type"]) == (404, "urn:keiyaku:problem:not-found"), each.id
    assert await counted(pool) == before
    for each in walked:
        owner = "applicant" if "applicant" in each.roles else "requester"
        status, said = await asked(api, owner, each.id, each.method, each.path)
        assert status != 404, (each.id, said)
    assert len(walked) > 15


async def asked(api: Api, role: str, name: str, method: str, path: str) -> tuple[int, Any]:
    given: dict[str, Any] = {"params": QUERIES.get(name)}
    if name == "addDocument":
        return await api.call(
            role, method, address(path), data=b"x", headers={"Content-Type": "application/octet-stream"}, **given
        )
    return await api.call(role, method, address(path), BODIES.get(name, {} if method == "POST" else None), **given)


async def things(pool: Pool) -> None:
    """A binding key, an invoice, a credit, a screening, a certificate with a report, by the names that OURS tells."""
    await pool.execute(
        """WITH c AS (SELECT id FROM gate.contracts WHERE handle = 'acme'),
        k AS (INSERT INTO gate.binding_keys (id, kid, contract_id, hmac_key, label, names, uses_max, created_at)
              SELECT gen_random_uuid(), 'ek-1', id, sha256(''), 'l', '{}', 1, now() FROM c)
        INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
        SELECT gen_random_uuid(), id, 'I-1', 'fee', '2026-11-01', '2026-12-31', 10, 10, now() FROM c"""
    )
    await issue(pool, "acme", 7, NOW)
    await pool.execute(
        """WITH i AS (SELECT id, contract_id FROM gate.invoices WHERE number = 'I-1'), paper AS (
            INSERT INTO office.invoice_papers (invoice_id, buyer, period_from, period_end, rates, months, bases, taxes)
            SELECT id, 'Rei', '2026-11-01', '2027-11-01', '{1000}', '{12}', '{9}', '{1}' FROM i),
        report AS (
            INSERT INTO office.problem_reports (id, reporter, email, what, serials, received_at)
            VALUES ($2::text::uuid, 'R', 'r@example.org', 'spam', ARRAY[decode($3, 'hex')], $4)),
        job AS (
            INSERT INTO acme.jobs (id, kind, subject, run_at, max_attempts, dead)
            VALUES ($5::text::uuid, 'crl', '1', $4, 3, true)),
        incident AS (
            INSERT INTO office.incidents
                (id, drill, title, ground, query, known_at, deadline_at, planned_by, planned_at)
            SELECT $7::text::uuid, true, 'a drill', 'misissued', 'all', $4, $4 + interval '5 days', id, $4
            FROM gate.persons WHERE handle = 'ann' RETURNING id),
        listed AS (
            INSERT INTO office.incident_certificates (incident_id, serial, contract_id, not_after)
            SELECT incident.id, decode($3, 'hex'), i.contract_id, $4 + interval '90 days' FROM incident, i),
        suspension AS (
            INSERT INTO gate.suspensions (id, clause, cause, starts_at, set_by)
            SELECT $8::text::uuid, 'A10.1', 'upkeep', $4 - interval '1 hour', id
            FROM gate.persons WHERE handle = 'ann'),
        account AS (
            INSERT INTO gate.bank_accounts (id, handle, covered_from, covered_through)
            VALUES (gen_random_uuid(), $9, '2026-11-01', '2026-11-01') RETURNING id),
        dialect AS (
            INSERT INTO office.bank_dialects
            SELECT id, '0001', '001', '1', '1234567', 'zengin-01', 'era', 'none', NULL, $4 FROM account),
        notice AS (
            INSERT INTO office.notices (id, kind, clause, contract_id, given, queued_at, addressed_at)
            SELECT gen_random_uuid(), 'invoice_issued', 'A8.1', contract_id, '{}', $4, $4 FROM i RETURNING id),
        letter AS (
            INSERT INTO office.deliveries (id, notice_id, recipient, channel, state, address, language, subject, body,
                body_sha256, message_id, next_at)
            SELECT $10::text::uuid, id, 'customer', 'paper', 'person', 'Tokyo', 'ja', 's', 'b', sha256('b'), '', $4
            FROM notice),
        receipt AS (
            INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at)
            VALUES ($6::text::uuid, 3, '2026-11-01', 'REI', 'passbook', $4)),
        screening AS (
            INSERT INTO office.screenings (id, contract_id, role, subject, added_at)
            SELECT $1::text::uuid, id, 'payer', 'P', $4 FROM gate.contracts WHERE handle = 'acme')
        INSERT INTO office.adjustments (id, invoice_id, kind, number, amount_yen, tax_yen, basis_points, reason,
            decided_by_first, decided_by_second, decided_at)
        SELECT gen_random_uuid(), i.id, 'credit', 'C99999999', 2, 0, 1000, 'r', a.id, b.id, $4
        FROM i, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'""",
        OURS["screening"], OURS["report"], OURS["serial"], NOW, OURS["subject"],
        OURS["receipt"], OURS["incident"], OURS["suspension"], OURS["account"], OURS["delivery"],
    )  # fmt: skip
    await looked_at(pool)


async def looked_at(pool: Pool) -> None:
    """A sample of the certificate, and a key ceremony, by the names that OURS tells."""
    await pool.execute(
        """WITH ann AS (SELECT id FROM gate.persons WHERE handle = 'ann'), sample AS (
            INSERT INTO office.audit_samples (id, from_at, until_at, percent, seed, seed_source, population,
                population_sha256, drawn_by, drawn_at)
            SELECT $1::text::uuid, $4::timestamptz - interval '3 days', $4 - interval '2 days', 3, sha256(''), 'given',
                1, sha256(''), id, $4 FROM ann RETURNING id),
        ceremony AS (
            INSERT INTO office.ceremonies (id, script, begun_at, transcript, ended_at)
            VALUES ($2::text::uuid, '{"shards": 1}', $4, 'All was done.', $4) RETURNING id),
        checkpoint AS (
            INSERT INTO evidence.checkpoints (number, era, from_transaction, to_transaction, record_count, leaves, root,
                previous, sealed_at, hash, signature)
            VALUES (1, 1, '0', '1', 1, decode(repeat('00', 48), 'hex'), sha256('r'), sha256('p'), $4, sha256('h'), '')),
        step AS (
            INSERT INTO office.ceremony_steps (ceremony_id, number, step, tbs, prepared_at)
            SELECT id, 1, 'root-crl', ARRAY['\x01'::bytea], $4 FROM ceremony)
        INSERT INTO office.sampled_certificates (sample_id, serial) SELECT id, decode($3, 'hex') FROM sample""",
        OURS["sample"], OURS["ceremony"], OURS["serial"], NOW,
    )  # fmt: skip


async def counted(pool: Pool) -> list[int]:
    tables = ("evidence.records", "gate.contract_names", "gate.consents", "office.cases", "office.idempotency_keys")
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


async def test_listings_show_a_customer_its_own(api: Api, pool: Pool) -> None:
    await things(pool)
    for path in ("/contracts", "/invoices", "/certificates"):
        assert [len((await api.call(role, "GET", path))[1]["items"]) for role in ("applicant", "stranger")] == [1, 0]
        assert len((await api.call("auditor", "GET", path))[1]["items"]) == 1


async def test_pages_go_on_where_the_last_ended(api: Api) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        status, page = await api.call("auditor", "GET", "/persons", params=query)
        assert status == 200
        assert len(page["items"]) <= 2
        seen += [each["handle"] for each in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ["ann", "bob", "carol", "dave", "eve", "hana", "stranger"]
    assert (await api.call("auditor", "GET", "/invoices", params={"cursor": "x"}))[0] == 422


NEW = {"handle": "kenji", "name": "Kenji", "organisation": "CA"}


async def test_a_call_repeated_under_its_key_is_answered_and_not_done_again(api: Api, pool: Pool) -> None:
    key = {"Idempotency-Key": "once"}
    first = await api.call("officer", "POST", "/persons", NEW, headers=key)
    assert first[0] == 201
    assert await api.call("officer", "POST", "/persons", NEW, headers=key) == first
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'person.added'") == 8
    status, problem = await api.call("officer", "POST", "/persons", {**NEW, "name": "K"}, headers=key)
    assert (status, problem["type"]) == (422, "urn:keiyaku:problem:key-reused")
    other = {**NEW, "handle": "mika"}  # a key of another token is another key
    assert (await api.call("operator", "POST", "/persons", other, headers=key))[0] == 201
    assert await pool.fetchval("SELECT count(*) FROM office.idempotency_keys") == 2


async def test_a_key_that_is_being_answered_is_busy(api: Api, pool: Pool) -> None:
    token_id = await pool.fetchval("SELECT id FROM office.tokens WHERE role = 'officer' AND service IS NULL")
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(7110, hashtext($1::uuid::text || ' ' || 'k'))", token_id)
        key = {"Idempotency-Key": "k"}
        status, problem = await api.call("officer", "POST", "/persons", NEW, headers=key)
        assert (status, problem["type"]) == (409, "urn:keiyaku:problem:busy")
    assert (await api.call("officer", "POST", "/persons", NEW, headers=key))[0] == 201


async def test_what_was_refused_is_not_kept(api: Api) -> None:
    key = {"Idempotency-Key": "again"}
    new = {"handle": "b", "plan": "nothing"}
    assert (await api.call("applicant", "POST", "/applications", new, headers=key))[0] == 422
    assert (await api.call("applicant", "POST", "/applications", {**new, "plan": "small"}, headers=key))[0] == 201


async def test_a_kept_answer_opens_with_its_token_alone(api: Api, pool: Pool) -> None:
    await api.made("officer", "/persons", NEW)
    assert b"kenji" not in await pool.fetchval("SELECT sealed FROM office.idempotency_keys")


@pytest.mark.parametrize(
    ("body", "headers", "status", "type"),
    [
        pytest.param(b"{", {}, 400, "malformed", id="no JSON"),
        pytest.param(b'{"handle": 1}', {}, 400, "malformed", id="wrong type"),
        pytest.param(b'{"handle":"a","name":"a","organisation":"a","x":1}', {}, 400, "malformed", id="unknown field"),
        pytest.param(b'{"handle":"a","name":"a\\u0000","organisation":"a"}', {}, 400, "malformed", id="NUL"),
        pytest.param(b"[" * 60_000, {}, 400, "malformed", id="deep"),
        pytest.param(b" " * 65_537, {}, 413, "too-large", id="large"),
        pytest.param(b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type", id="text"),
        pytest.param(b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported-media-type", id="encoded"),
        pytest.param(b"{}", {"Idempotency-Key": ""}, 400, "malformed", id="no key"),
    ],
)
async def test_what_nobody_may_send_gets_a_problem(
    api: Api, body: bytes, headers: dict[str, str], status: int, type: str
) -> None:
    given = {"Content-Type": "application/json", **headers}
    found, problem = await api.call("officer", "POST", "/persons", data=body, headers=given)
    assert (found, problem["type"]) == (status, f"urn:keiyaku:problem:{type}")
    assert problem["status"] == status


async def test_unknown_paths_and_methods_are_problems_too(api: Api) -> None:
    assert (await api.call("officer", "GET", "/nowhere"))[1]["type"].endswith("not-found")
    status, problem = await api.call("officer", "DELETE", "/persons")
    assert (status, problem["type"]) == (405, "urn:keiyaku:problem:method-not-allowed")


async def test_what_goes_wrong_is_not_shown(api: Api, pool: Pool) -> None:
    await pool.execute("REVOKE SELECT ON gate.plans FROM keiyaku_office")
    status, problem = await api.call("officer", "GET", "/plans")
    assert status == 500
    assert "plans" not in json.dumps(problem)


async def test_the_day_of_the_last_use_is_known(api: Api, pool: Pool) -> None:
    assert await pool.fetchval("SELECT max(last_used_on) FROM office.tokens") is None
    await api.call("officer", "GET", "/token")
    assert str(await pool.fetchval("SELECT max(last_used_on) FROM office.tokens")) == "2026-11-22"


@pytest.mark.rule("T17-1")
async def test_who_left_calls_no_more(api: Api, pool: Pool) -> None:
    assert (await api.call("officer", "GET", "/token"))[0] == 200
    await pool.execute("UPDATE gate.persons SET left_at = $1 WHERE handle = 'ann'", NOW)
    assert (await api.call("officer", "GET", "/token"))[0] == 401
