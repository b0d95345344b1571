"""What an auditor's token shows of people and customers: nothing that says who they are, but for a reason (T16-3)."""

import base64
from typing import Any

import msgspec
import pytest

from contract_gate.articles.article_16_secrecy import RETENTION
from office.edge.api.calls import WHOLE, Operation, Paged
from office.edge.api.operations import OPERATIONS
from office.edge.api.secrecy import disclosable
from office.use_cases import tokens
from office.use_cases.tokens import Wanted
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import DOCUMENT, OURS, address, described, things

SECRET = "himitsu"
READ = [each for each in OPERATIONS if "auditor" in each.roles and each.method == "GET"]
WITHHELD = [each for each in READ if each.withheld]
MADE: list[tuple[str, str, Any]] = [
    ("officer", "/payer-aliases", {"customer": "kaisha", "name": "REI"}),
    ("officer", "/dealer-aliases", {"dealer": "Dealer", "name": "REI"}),
    ("officer", "/revocation-cases", {"ground": "request", "reporter": "R", "note": "n", "contract": "acme"}),
    ("operator", "/proposals", {"kind": "incident.begin", "arguments": {"incident": OURS["incident"], "reason": "r"}}),
    ("applicant", "/contracts/acme/requesters", {"person": "hana"}),
]
MORE = """
WITH file AS (
    INSERT INTO office.bank_files (id, sha256, name, imported_at, booked_at, lines, known, late, missing)
    VALUES (gen_random_uuid(), sha256('f'), 'f', $1, $1, 1, 0, 0, 0) RETURNING id),
line AS (
    INSERT INTO office.bank_lines (file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen,
        uncleared_yen, query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels,
        virtual_number, ordinal)
    SELECT file.id, 1, a.id, 'transfer', '2026-11-01', '2026-11-01', 1, 0, '', '', 'R', '', '', 'E', false, '', 1
    FROM file, gate.bank_accounts a RETURNING id),
waits AS (INSERT INTO office.line_outcomes (line_id, state) SELECT id, 'waiting' FROM line),
live AS (
    UPDATE gate.contracts SET state = 'accepted', accepted_at = $1, accepted_by_first = a.id, accepted_by_second = b.id
    FROM gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'),
late AS (UPDATE gate.invoices SET due_on = '2026-11-02')
INSERT INTO office.register_states (customer_id, name, prefecture, city, street, successor, checked_at)
SELECT id, 'N', 'P', 'C', 'S', 'S', $1 FROM gate.customers WHERE handle = 'kaisha'
"""
ALSO = ("office.cases.note", "office.register_states.name", "office.register_states.city",
        "office.register_states.prefecture", "office.register_states.successor")  # fmt: skip
OTHERS = {"office.deliveries.body": f"E'To\\n\\n{SECRET}'"}
PUBLIC = {
    "gate.persons.handle"
}  # how evidence and every decision name people: tests/architecture/test_personal_data.py


async def made_secret(api: Api, pool: Pool) -> dict[str, str]:
    """Everything that says who somebody is holds SECRET; where things are that an auditor may look at one by one."""
    await things(pool)
    await pool.execute("UPDATE office.applications SET dealer = 'Dealer'")
    made = [await api.made(role, path, body) for role, path, body in MADE]
    columns = {column for each in RETENTION.values() for column in each.columns} | set(ALSO)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute(MORE, NOW)
        for column in sorted(columns - PUBLIC):
            table, _, name = column.rpartition(".")
            kind = await conn.fetchval(
                "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2",
                table, name,
            )  # fmt: skip
            value = {"text": f"'{SECRET}-' || {name}", "jsonb": f"""'{{"a": "{SECRET}"}}'""",
                     "text[]": f"ARRAY['{SECRET}']"}.get(kind)  # fmt: skip
            value = OTHERS.get(column, value)
            if value:
                await conn.execute(f"UPDATE {table} SET {name} = {value} WHERE {name} IS NOT NULL")
    return {"case": made[2]["case"]["id"], "proposal": made[3]["id"]}


def where(operation: Operation, found: dict[str, str]) -> str:
    path = operation.path
    for name, value in found.items():
        path = path.replace("{" + name + "}", value)
    return address(path)


def decoded(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


@pytest.mark.rule("T16-3")
async def test_no_operation_shows_an_auditor_who_somebody_is(api: Api, pool: Pool) -> None:
    found = await made_secret(api, pool)
    told = set()
    for each in READ:
        query = {"names": "a.example.jp"} if each.id == "explainGate" else {}
        status, said = await api.call("auditor", "GET", where(each, found), params=query)
        assert status in ((422,) if each.withheld == WHOLE else (200, 400, 404, 422)), (each.id, said)
        assert SECRET not in str(said), (each.id, said)
        if issubclass(each.query, Paged):
            page = (await api.call("auditor", "GET", where(each, found), params={"limit": 1}))[1]
            assert SECRET.encode() not in decoded(page.get("next") or ""), each.id
        role = min(each.roles - {"auditor", "applicant", "requester"}, default=None)
        if role and SECRET in str((await api.call(role, "GET", where(each, found), params=query))[1]):
            told.add(each.id)
    assert told == {each.id for each in WITHHELD}


@pytest.mark.rule("T16-3", "T16-1")
async def test_one_thing_is_shown_whole_for_a_reason_that_is_recorded(api: Api, pool: Pool) -> None:
    found = await made_secret(api, pool)
    reason = {"Disclosure-Reason": "苦情 12 の証明"}
    for each in WITHHELD:
        said = (await api.call("auditor", "GET", where(each, found), headers=reason))[1]
        assert (SECRET in str(said)) == disclosable(each), (each.id, said)
    rows = await pool.fetch("SELECT actor, content FROM evidence.records WHERE kind = 'audit.disclosed' ORDER BY id")
    eve = await pool.fetchval("SELECT id FROM gate.persons WHERE handle = 'eve'")
    assert {row["actor"] for row in rows} == {f"person:{eve}"}
    contents = [msgspec.json.decode(row["content"]) for row in rows]
    assert [each["shown"] for each in contents] == [each.id for each in WITHHELD if disclosable(each)]
    assert {each["reason"] for each in contents} == {"苦情 12 の証明"}
    assert all(each["through"].startswith("token:") for each in contents)
    assert SECRET not in str(contents)
    [person] = [each["subject"] for each in contents if each["shown"] == "showPerson"]
    assert person == str(await pool.fetchval("SELECT id FROM gate.persons WHERE handle = 'hana'"))


async def test_a_letter_wants_a_reason_of_an_auditor(api: Api, pool: Pool) -> None:
    await things(pool)
    await pool.execute(f"UPDATE office.deliveries SET body = {OTHERS['office.deliveries.body']}")
    path = f"/notices/{OURS['delivery']}/page"
    assert (await api.call("officer", "GET", path))[0] == 200
    for reason, status in ((None, 422), ("  ", 422), ("x" * 501, 400), ("a\tb", 400), ("x" * 500, 200)):
        headers = {"Disclosure-Reason": reason} if reason else {}
        assert (await api.call("auditor", "GET", path, headers=headers))[0] == status, reason
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'audit.disclosed'") == 1


async def test_a_service_is_shown_nothing_for_a_reason(api: Api, applied: Conn) -> None:
    made = await tokens.new(applied, Wanted("auditing", "auditor", service=True), "ann", "bob", NOW)
    headers = {"Authorization": f"Bearer {made.token}"}
    assert (await api.call("", "GET", "/persons/hana", headers=headers))[1]["name"] is None
    headers["Disclosure-Reason"] = "a complaint"
    assert (await api.call("", "GET", "/persons/hana", headers=headers))[0] == 403


async def test_what_is_not_there_is_not_recorded_as_shown(api: Api, pool: Pool) -> None:
    reason = {"Disclosure-Reason": "a complaint"}
    assert (await api.call("auditor", "GET", "/persons/nobody", headers=reason))[0] == 404
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'audit.disclosed'") == 0


def of_schema(schema: Any) -> dict[str, Any]:
    """Every property of a schema, by its name."""
    if "$ref" in schema:
        return of_schema(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found = dict(schema.get("properties", {}))
    for each in [*found.values(), *([schema["items"]] if "items" in schema else [])]:
        found = of_schema(each) | found
    return found


def test_the_document_says_what_is_withheld_and_that_it_may_be_null() -> None:
    header = {"$ref": "#/components/parameters/Disclosure-Reason"}
    for each in OPERATIONS:
        said = described()[each.method, each.path]
        assert tuple(said.get("x-withheld", ())) == each.withheld
        assert (header in said.get("parameters", [])) == disclosable(each)
        assert not each.withheld or (each.method == "GET" and "auditor" in each.roles)
        if each.withheld and each.withheld != WHOLE:
            schema = said["responses"]["200"]["content"]["application/json"]["schema"]
            for name in each.withheld:
                assert "null" in of_schema(schema)[name]["type"], (each.id, name)
