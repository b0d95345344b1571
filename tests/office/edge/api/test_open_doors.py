"""A report or a proof sent twice under its Idempotency-Key is taken once; nobody else learns anything by the key."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from office.use_cases import idempotency
from office.use_cases.idempotency import KEPT, Answer, Open
from sql import Pool
from tests.ca.test_key_proof import EC, csr
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, things

KEY = {"Idempotency-Key": "3f0e5c1a-0d0c-4f0e-9c1d-2b7f6a1f9e55"}
REPORT = {"reporter": "R", "email": "r@example.org", "what": "key found", "serials": [OURS["serial"]]}
REPORTS, COMPROMISES = "/problem-reports", "/key-compromises"


def proof() -> dict[str, str]:
    """A request that its key signed."""
    return {"reporter": "R", "email": "r@example.org", "proof": b64encode(csr(EC)).decode()}


async def sent(api: Api, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any, bool]:
    """Status, document, and whether it was answered before."""
    async with api.client.post("/api" + path, json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None), "Idempotent-Replayed" in response.headers


async def counts(pool: Pool) -> list[int]:
    tables = ("office.problem_reports", "office.key_proofs", "evidence.records", "office.notices")
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.std("C-161", "C-163")
@pytest.mark.parametrize(("path", "other"), [(REPORTS, COMPROMISES), (COMPROMISES, REPORTS)])
async def test_what_is_sent_again_is_answered_and_not_done_again(api: Api, pool: Pool, path: str, other: str) -> None:
    await things(pool)
    bodies = {REPORTS: REPORT, COMPROMISES: proof()}
    status, said, before = await sent(api, path, bodies[path], KEY)
    assert (status, before) == (201, False)
    done = await counts(pool)
    for _ in range(25):  # more often than an hour of a network has reports
        assert await sent(api, path, bodies[path], KEY) == (201, said, True)
    assert await counts(pool) == done
    changed = await sent(api, path, {**bodies[path], "reporter": "S"}, KEY)
    assert (changed[0], changed[1]["type"]) == (422, "urn:keiyaku:problem:key-reused")
    assert said["id"] not in str(changed)
    assert (await sent(api, other, bodies[other], KEY))[0] == 201  # another door, another key


async def test_what_is_no_base64_proves_nothing(api: Api, pool: Pool) -> None:
    await things(pool)
    good = proof()
    for changed in (f"*{good['proof']}", f"{good['proof'][:8]}-{good['proof'][8:]}"):
        status, said, _ = await sent(api, COMPROMISES, {**good, "proof": changed}, {})
        assert (status, said["type"]) == (422, "urn:keiyaku:problem:unfit")
        assert "is not in base64" in said["detail"]
    assert (await sent(api, COMPROMISES, good, {}))[0] == 201


async def test_who_came_to_the_lock_second_gets_the_first_ones_answer(pool: Pool) -> None:
    done, call = [], Open("/api/x", KEY["Idempotency-Key"], b"{}")

    async def do() -> Answer:
        done.append(call)
        return Answer(201, b"made")

    async with pool.acquire() as conn:
        for before in (False, True, True):
            assert await idempotency.once_open(conn, call, do, NOW) == (Answer(201, b"made"), before)
        other = Open("/api/x", KEY["Idempotency-Key"], b"{ }")
        with pytest.raises(idempotency.Reused):
            await idempotency.once_open(conn, other, do, NOW)
    assert len(done) == 1


def test_what_is_kept_tells_neither_the_call_nor_the_key_of_its_answer() -> None:
    """Each digest is of its use, and of where path, key and content begin and end."""
    calls = [Open("/api/a", "b" * 16, b"c"), Open("/api/ab", "b" * 15, b"c"), Open("/api/a", "b" * 15, b"bc")]
    made = [call.digest(use, content=True) for call in calls for use in (b"key", b"request", b"answer")]
    made += [call.digest(use, content=False) for call in calls for use in (b"key", b"answer")]
    assert len(set(made)) == len(made)


async def test_without_a_key_each_is_taken_and_a_short_one_is_refused(api: Api, pool: Pool) -> None:
    await things(pool)
    first, second = [(await sent(api, REPORTS, REPORT, {}))[1]["id"] for _ in range(2)]
    assert first != second
    for key, status in (("x" * 15, 400), ("", 400), ("x" * 256, 400), ("x" * 8 + " " + "x" * 8, 400), ("x" * 16, 201)):
        assert (await sent(api, REPORTS, REPORT, {"Idempotency-Key": key}))[0] == status, key


async def test_what_was_refused_is_counted_and_not_kept(api: Api, pool: Pool) -> None:
    unfit = {**REPORT, "serials": ["00" * 12]}
    assert [(await sent(api, REPORTS, unfit, KEY))[0] for _ in range(21)] == [422] * 20 + [429]
    assert await pool.fetchval("SELECT count(*) FROM office.open_answers") == 0


async def test_neither_key_nor_answer_can_be_read_in_the_store_and_both_go_in_a_day(api: Api, pool: Pool) -> None:
    await things(pool)
    said = (await sent(api, REPORTS, REPORT, KEY))[1]
    [row] = await pool.fetch("SELECT key_sha256 || request_sha256 || sealed AS kept FROM office.open_answers")
    for secret in (KEY["Idempotency-Key"], said["id"], "received_at", "key found"):
        assert secret.encode() not in row["kept"]
    async with pool.acquire() as conn:
        other = Open(f"/api{REPORTS}", KEY["Idempotency-Key"], b"{}")
        with pytest.raises(idempotency.Reused):
            await idempotency.answered(conn, other)
    for later, left in ((KEPT, 1), (KEPT + timedelta(seconds=1), 0)):
        await idempotency.sweep(pool, NOW + later)
        assert await pool.fetchval("SELECT count(*) FROM office.open_answers") == left
    assert (await sent(api, REPORTS, REPORT, KEY))[1]["id"] != said["id"]


async def test_the_same_report_at_the_same_time_is_taken_once(api: Api, pool: Pool) -> None:
    await things(pool)
    name = Open(f"/api{REPORTS}", KEY["Idempotency-Key"], b"").digest(b"key", content=False)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(7114, hashtext(encode($1::bytea, 'hex')))", name)
        status, problem, _ = await sent(api, REPORTS, REPORT, KEY)
        assert (status, problem["type"]) == (409, "urn:keiyaku:problem:busy")
    assert (await sent(api, REPORTS, REPORT, KEY))[0] == 201
