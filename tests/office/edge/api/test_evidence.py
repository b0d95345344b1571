"""Auditors read all evidence and compare a checkpoint with its records; a document is read by name."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.sealer import take_over
from office.use_cases import evidence_check
from sql import Conn, Pool
from tests.acme_server.test_evidence_verify import KEY
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import NOBODY

COMPARE = "/checkpoints/1/comparison"


@pytest.fixture
async def sealed(api: Api, postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> None:
    """Two checkpoints, over all that was done before and over one more person."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_seal", database))
    sealer = await take_over(conn, KEY, tmp_path / "checkpoints.jsonl")
    assert sealer is not None
    for handle in ("kenji", "keiko"):
        await api.made("officer", "/persons", {"handle": handle, "name": "K", "organisation": "CA"})
        await sealer.run_once(NOW)
    await conn.close()


@pytest.mark.std("C-174")
async def test_auditors_read_all_evidence_newest_first(api: Api, pool: Pool) -> None:
    await api.made("officer", "/persons", {"handle": "kenji", "name": "K", "organisation": "CA"})
    status, page = await api.call("auditor", "GET", "/evidence", params={"limit": 200})
    assert (status, page["next"]) == (200, None)
    ids = [str(row["id"]) for row in await pool.fetch("SELECT id FROM evidence.records ORDER BY id DESC")]
    assert [each["id"] for each in page["items"]] == ids
    assert page["items"][0]["kind"] == "person.added"
    assert (await api.call("officer", "GET", "/evidence"))[0] == 403


@pytest.mark.std("C-174")
@pytest.mark.usefixtures("sealed")
async def test_a_checkpoint_is_compared_with_its_records(api: Api, pool: Pool) -> None:
    newest = (await api.call("auditor", "GET", "/checkpoints"))[1]["items"][0]
    key = KEY.public_key()
    key.verify(bytes.fromhex(newest["signature"]), bytes.fromhex(newest["hash"]))
    for number in (1, 2):
        status, found = await api.call("auditor", "GET", f"/checkpoints/{number}/comparison")
        assert (status, found["intact"], found["faults"], found["problems"]) == (200, True, [], [])
        assert found["records"] == found["checkpoint"]["record_count"] > 0
    assert found["checkpoint"] == newest


@pytest.mark.std("C-174")
@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        pytest.param("UPDATE evidence.records SET actor = 'process:nobody' WHERE id = $1", "record changed", id="row"),
        pytest.param("DELETE FROM evidence.records WHERE id = $1", "record missing", id="gone"),
        pytest.param(
            "INSERT INTO evidence.records SELECT '00000000-0000-0000-0000-000000000009', era, transaction_id, kind, "
            "contract_id, actor, recorded_at, content FROM evidence.records WHERE id = $1",
            "record added", id="added",
        ),
    ],
)  # fmt: skip
async def test_what_was_done_to_a_record_is_named(api: Api, pool: Pool, attack: str, kind: str) -> None:
    await pool.execute("CREATE TABLE evidence.records_of_old PARTITION OF evidence.records FOR VALUES FROM (MINVALUE) "
                       "TO ('00000000-0000-0000-0000-00000000000a')")  # fmt: skip
    first = await pool.fetchval("SELECT id FROM evidence.records ORDER BY id LIMIT 1")
    await pool.execute(attack, first)
    found = (await api.call("auditor", "GET", COMPARE))[1]
    named = UUID(int=9) if kind == "record added" else first
    assert (found["intact"], found["problems"]) == (False, [{"kind": kind, "id": str(named)}])
    assert (await api.call("auditor", "GET", "/checkpoints/2/comparison"))[1]["intact"]


@pytest.mark.usefixtures("sealed")
async def test_a_checkpoint_that_was_made_anew_breaks_the_chain(api: Api, pool: Pool) -> None:
    await pool.execute("UPDATE evidence.checkpoints SET hash = sha256('') WHERE number = 1")
    found = (await api.call("auditor", "GET", COMPARE))[1]
    assert (found["intact"], found["faults"]) == (False, ["its hash is not that of its content"])
    found = (await api.call("auditor", "GET", "/checkpoints/2/comparison"))[1]
    assert (found["intact"], found["faults"]) == (False, ["it does not name the hash of the one before it"])


@pytest.mark.usefixtures("sealed")
async def test_what_a_call_has_no_time_for_names_the_command(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_check, "MOST_RECORDS", 1)
    status, problem = await api.call("auditor", "GET", COMPARE)
    assert (status, "`keiyaku evidence verify`" in problem["detail"]) == (422, True)
    for unknown in ("3", "0", "x", "9" * 30):
        assert (await api.call("auditor", "GET", f"/checkpoints/{unknown}/comparison"))[0] == 404


@pytest.mark.rule("T16-1", "T4-3")
async def test_a_document_is_read_and_who_read_it_is_evidence(api: Api, applied: Conn, pool: Pool) -> None:
    made = await api.call(
        "applicant", "POST", "/contracts/acme/documents", data=b"of the register",
        headers={"Content-Type": "application/octet-stream"}, params={"kind": "register", "issued_on": "2026-11-01"},
    )  # fmt: skip
    path = f"/documents/{made[1]['id']}"
    for role, status in (("applicant", 403), ("auditor", 403), ("service", 403), ("approver", 200)):
        said = await api.call(role, "GET", path)
        assert said[0] == status
    assert said[1] == "of the register"
    [row] = await pool.fetch("SELECT actor, content FROM evidence.records WHERE kind = 'document.read'")
    bob = await pool.fetchrow("SELECT p.id, t.id AS token FROM gate.persons p JOIN office.tokens t"
                              " ON t.person_id = p.id WHERE p.handle = 'bob'")  # fmt: skip
    assert row["actor"] == f"person:{bob['id']}"
    assert f"token:{bob['token']}".encode() in row["content"]
    await pool.execute("UPDATE office.documents SET sealed_key = NULL, sealed_content = NULL, destroyed_at = $1", NOW)
    for gone in (path, f"/documents/{NOBODY}"):
        assert (await api.call("officer", "GET", gone))[0] == 404
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'document.read'") == 1
