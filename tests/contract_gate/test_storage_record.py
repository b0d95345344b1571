"""A decision, its evidence and its help page in PostgreSQL."""

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec import structs

from contract_gate.decision import Admitted, Refused
from contract_gate.gate import ASKED
from contract_gate.record import ENCODER, recorded
from contract_gate.storage import (
    DecisionRow,
    decision_params,
    decision_row,
    evidence_of,
    record_refusal,
    replay,
)
from sql import Conn, Pool
from tests.contract_gate.arrange import (
    NOW,
    ContractRows,
)
from tests.contract_gate.changes import (
    ask,
    confirmed_hold,
    forget_consent,
    hold,
    overdue_fee,
    withdraw_key,
)

HOUR = timedelta(hours=1)
NAMES = ["www.demo.test", "*.demo.test", "127.0.0.1"]


async def decision(conn: Conn | Pool) -> DecisionRow:
    row = await conn.fetchrow("SELECT * FROM gate.decisions")
    assert row is not None
    return DecisionRow(**{**row, "names": tuple(row["names"])})


@pytest.mark.rule("T0-1", "T0-3")
async def test_a_refusal_is_recorded_with_its_evidence_and_page(acme: Conn, pool: Pool, kept: ContractRows) -> None:
    await forget_consent(pool, kept)
    async with pool.acquire() as conn:
        await overdue_fee(conn, kept)
    answer = await ask(acme, kept, "www.demo.test", "other.test")
    assert isinstance(answer, Refused)
    token = await record_refusal(acme, answer, "new_order", "account:1", NOW)
    row = await decision(pool)
    assert (row.outcome, row.gate, row.case, row.names) == (
        "refused",
        "G2",
        "no_consent",
        ("www.demo.test", "other.test"),
    )
    assert replay(row) == answer
    page = await pool.fetchrow("SELECT * FROM gate.help_pages")
    assert (page["token"], page["contract_id"], page["gate"], page["case"]) == (
        token,
        kept.contract_id,
        "G2",
        "no_consent",
    )
    proof = await pool.fetchrow("SELECT * FROM evidence.records")
    assert (proof["kind"], proof["contract_id"], proof["actor"]) == ("gate.decided", kept.contract_id, "account:1")
    content = json.loads(proof["content"])
    assert content["decision"] == str(row.id)
    assert content["inputs_sha256"] == sha256(answer.facts).hexdigest()
    failed = [
        (gate.value, said[1])
        for (gate, _), said in zip(ASKED, content["asked"]["findings"], strict=True)
        if said[0] == "breach"
    ]
    assert failed == [("G2", "T2-1"), ("G5", "T4-8"), ("G6", "T8-15")]


@pytest.mark.parametrize("refused", [False, True])
async def test_a_decision_of_before_a_rule_had_its_fact_is_made_again_the_same(
    acme: Conn, pool: Pool, kept: ContractRows, refused: bool
) -> None:
    """As decisions were recorded before T4-5 was asked; one that was tells the fact, and is not taken for such."""
    if refused:
        await forget_consent(pool, kept)
    answer = await ask(acme, kept)
    now = recorded(UUID(int=1), answer, "new_order")
    told, asked = json.loads(now.facts), json.loads(now.findings)
    del told["untold"]
    asked["findings"] = [found for found in asked["findings"] if found[1] != "T4-5"]
    before = structs.replace(now, facts=json.dumps(told).encode(), findings=ENCODER.encode(asked))
    assert before.outcome == ("refused" if refused else "admitted")
    assert recorded(before.id, replay(before), before.stage) == before
    without = structs.replace(now, findings=before.findings)
    assert recorded(without.id, replay(without), without.stage) == now


@pytest.mark.rule("T0-1")
async def test_the_page_of_a_contract_gate_and_case_is_always_the_same(
    acme: Conn, pool: Pool, kept: ContractRows
) -> None:
    await forget_consent(pool, kept)
    answer = await ask(acme, kept)
    assert isinstance(answer, Refused)
    first = await record_refusal(acme, answer, "new_order", "account:1", NOW)
    again = await record_refusal(acme, answer, "finalize", "account:1", NOW + HOUR)
    assert (first, len(first)) == (again, 32)
    await withdraw_key(pool, kept)
    other = await ask(acme, kept)
    assert isinstance(other, Refused)
    assert await record_refusal(acme, other, "new_order", "account:1", NOW) != first
    assert await pool.fetchval("SELECT count(*) FROM gate.decisions") == 3


async def test_two_first_refusals_at_once_share_their_page(pool: Pool, acme: Conn, kept: ContractRows) -> None:
    async with pool.acquire() as conn:
        await forget_consent(conn, kept)
        answer = await ask(conn, kept)
        assert isinstance(answer, Refused)
        transaction = conn.transaction()
        await transaction.start()
        first = await record_refusal(conn, answer, "new_order", "account:1", NOW)
        second = asyncio.create_task(record_refusal(acme, answer, "new_order", "account:2", NOW))
        while not await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not second.done()
        await transaction.commit()
    assert await second == first


@pytest.mark.rule("T13-3")
async def test_evidence_of_a_hold_does_not_tell_which(conn: Conn, rows: ContractRows) -> None:
    contents = []
    for set_hold in (hold, confirmed_hold):
        await set_hold(conn, rows)
        answer = await ask(conn, rows)
        row = decision_row(answer, "finalize")
        content = json.loads(evidence_of(row, "account:1").content)
        del content["decision"]
        contents.append(content)
        await conn.execute("DELETE FROM gate.holds")
    assert contents[0] == contents[1]
    assert ["breach", "T13-3", "", "hold"] in [said[:4] for said in contents[0]["asked"]["findings"]]


async def test_an_admission_fits_the_table(acme: Conn, pool: Pool, kept: ContractRows) -> None:
    answer = await ask(acme, kept, *NAMES)
    assert isinstance(answer, Admitted)
    row = decision_row(answer, "before_signing")
    await acme.execute(
        "INSERT INTO gate.decisions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", *decision_params(row)
    )
    assert await decision(pool) == row
    assert replay(await decision(pool)) == answer
