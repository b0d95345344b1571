"""The facts of a contract in PostgreSQL, and its lock."""

from datetime import date, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.decision import Admitted, Case, Gate, Refused
from contract_gate.facts import NameEntry
from contract_gate.gate import decide
from contract_gate.storage import (
    facts_of,
    facts_of_contract,
    facts_of_contracts,
    lock_exclusive,
    lock_shared,
)
from sql import Conn, Pool
from sql.ids import uuid7
from tests.contract_gate.arrange import NOW, ContractRows, fee_invoice, good_contract, review_item, start, wanted
from tests.contract_gate.changes import (
    Change,
    ask,
    confirmed_hold,
    end,
    expire_key,
    forget_consent,
    forget_subject,
    hold,
    narrow_key,
    negative_review,
    overdue_fee,
    remove_name,
    renamed,
    screening_hit,
    suspend,
    term_over,
    too_many_names,
    untold,
    withdraw_key,
)

HOUR = timedelta(hours=1)
NAMES = ["www.demo.test", "*.demo.test", "127.0.0.1"]


async def test_a_good_contract_is_admitted_with_the_rights_of_the_acme_server(acme: Conn, kept: ContractRows) -> None:
    answer = await ask(acme, kept, *NAMES)
    assert isinstance(answer, Admitted)
    assert (answer.contract_id, answer.binding_key_id) == (kept.contract_id, kept.binding_key_id)


@pytest.mark.parametrize(
    ("change", "gate", "case"),
    [
        pytest.param(end, Gate.G1, Case.ENDED, id="T12-3 cancelled"),
        pytest.param(untold, Gate.G1, Case.NOT_ACCEPTED, id="T4-5 nobody told"),
        pytest.param(term_over, Gate.G1, Case.RENEWAL_NEEDED, id="T12-4 term over"),
        pytest.param(forget_consent, Gate.G2, Case.NO_CONSENT, id="T2-1 no consent"),
        pytest.param(negative_review, Gate.G3, Case.REVIEW_INCOMPLETE, id="T4-3 the newest item counts"),
        pytest.param(forget_subject, Gate.G3, Case.REVIEW_INCOMPLETE, id="T1-2 no reviewed subject"),
        pytest.param(withdraw_key, Gate.G4, Case.BINDING, id="T4-2 withdrawn key"),
        pytest.param(expire_key, Gate.G4, Case.BINDING, id="T4-2 expired key"),
        pytest.param(narrow_key, Gate.G5, Case.NAMES, id="T4-2 scope of the key"),
        pytest.param(remove_name, Gate.G5, Case.NAMES, id="T4-8 removed name"),
        pytest.param(too_many_names, Gate.G5, Case.TOO_MANY_NAMES, id="T8-13 too many names"),
        pytest.param(overdue_fee, Gate.G6, Case.OVERDUE, id="T8-15 overdue"),
        pytest.param(hold, Gate.G7, Case.HOLD, id="T3-2 suspected conduct"),
        pytest.param(confirmed_hold, Gate.G7, Case.HOLD, id="T13-2 confirmed"),
        pytest.param(screening_hit, Gate.G7, Case.HOLD, id="T13-1 a hit"),
        pytest.param(renamed, Gate.G8, Case.INFORMATION_CHANGED, id="T14-1 renamed"),
        pytest.param(suspend, Gate.G9, Case.SUSPENDED, id="T10-1 suspended"),
    ],
)
async def test_a_change_of_the_rows_is_refused(
    conn: Conn, rows: ContractRows, change: Change, gate: Gate, case: Case
) -> None:
    assert isinstance(await ask(conn, rows), Admitted)
    await change(conn, rows)
    answer = await ask(conn, rows)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.case) == (gate, case)
    assert b"SECRET" not in answer.facts


@pytest.mark.rule("T4-5")
async def test_a_contract_waits_for_its_own_notice_alone_until_that_has_left(conn: Conn, rows: ContractRows) -> None:
    await untold(conn, await good_contract(conn, "other"))
    assert isinstance(await ask(conn, rows), Admitted)
    await untold(conn, rows)
    assert isinstance(await ask(conn, rows), Refused)
    await conn.execute("UPDATE gate.formation_notices SET dispatched_at = $1", NOW)
    assert isinstance(await ask(conn, rows), Admitted)


@pytest.mark.rule("T3-3", "T3-4")
async def test_a_report_holds_nothing_and_leaves_no_trace_in_the_facts(conn: Conn, rows: ContractRows) -> None:
    before = await facts_of(conn, rows.binding_key_id, NAMES, NOW)
    await hold(conn, rows, status="reported")
    assert (await facts_of(conn, rows.binding_key_id, NAMES, NOW)).raw == before.raw
    await conn.execute("UPDATE gate.holds SET status = 'suspected'")
    assert isinstance(await ask(conn, rows), Refused)


@pytest.mark.rule("T3-2", "T28-1")
async def test_only_lifting_ends_a_hold(conn: Conn, rows: ContractRows) -> None:
    await hold(conn, rows)
    assert isinstance(await ask(conn, rows), Refused)
    await conn.execute(
        "UPDATE gate.holds SET status = 'lifted', lifted_at = $1, lifted_by_first = $2, lifted_by_second = $3",
        NOW,
        *rows.people,
    )
    assert isinstance(await ask(conn, rows), Admitted)


@pytest.mark.rule("T13-1")
async def test_a_pending_screening_of_an_accepted_contract_holds_nothing(conn: Conn, rows: ContractRows) -> None:
    await review_item(conn, rows.contract_id, rows.people[0], "screening", NOW.date(), "pending")
    assert isinstance(await ask(conn, rows), Admitted)


async def test_only_entries_that_may_cover_a_wanted_name_are_loaded(conn: Conn) -> None:
    listed = [("host", "a.test"), ("wildcard", "*.a.test"), ("domain", "b.test"), ("network", "10.0.0.0/8")]
    rows = await good_contract(conn, names=[*listed, ("host", "c.test"), ("network", "192.0.2.0/24")])
    found = await facts_of(conn, rows.binding_key_id, ["*.a.test", "x.b.test"], NOW)
    assert set(found.facts.names) == {NameEntry("wildcard", "*.a.test"), NameEntry("domain", "b.test")}
    found = await facts_of(conn, rows.binding_key_id, ["10.1.1.1", "::1"], NOW)
    assert found.facts.names == (NameEntry("network", "10.0.0.0/8"),)
    assert found.facts.contract is not None
    assert found.facts.contract.names_count == 6


async def test_an_unknown_key_is_a_stranger(conn: Conn, rows: ContractRows) -> None:
    found = await facts_of(conn, uuid7(NOW), NAMES, NOW)
    answer = decide(found, wanted(), NOW)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.contract_id) == (Gate.G4, None)


async def test_facts_of_a_contract_by_handle_id_and_key(conn: Conn, rows: ContractRows) -> None:
    other = await good_contract(conn, "other")
    as_asked = await facts_of(conn, rows.binding_key_id, NAMES, NOW)
    for contract in ("demo", rows.contract_id):
        for kid in (None, rows.kid):
            assert await facts_of_contract(conn, contract, NAMES, NOW, kid) == as_asked
    assert await facts_of_contract(conn, "nobody", NAMES, NOW, None) is None
    stranger = await facts_of_contract(conn, "demo", NAMES, NOW, other.kid)
    assert stranger is not None
    refused = decide(stranger, wanted(), NOW)
    assert isinstance(refused, Refused)
    assert (refused.gate, refused.contract_id) == (Gate.G4, rows.contract_id)
    await withdraw_key(conn, rows)
    without = await facts_of_contract(conn, "demo", NAMES, NOW, None)
    assert without is not None
    assert without.facts.binding is None


@pytest.mark.rule("T12-6")
async def test_predecessors_are_known_nearest_first(conn: Conn, rows: ContractRows) -> None:
    await start(conn, rows.contract_id, NOW - timedelta(days=700))
    second = await good_contract(conn, "second", predecessor_id=rows.contract_id, started_at=NOW - timedelta(days=300))
    third = await good_contract(conn, "third", predecessor_id=second.contract_id)
    found = await facts_of(conn, third.binding_key_id, NAMES, NOW)
    assert [p.contract_id for p in found.facts.predecessors] == [second.contract_id, rows.contract_id]


async def test_the_holidays_near_the_due_dates_are_known(conn: Conn, rows: ContractRows) -> None:
    for day in (date(2026, 10, 30), date(2026, 11, 2), date(2026, 11, 3), date(2026, 12, 24)):
        await conn.execute("INSERT INTO gate.holidays VALUES ($1, 'x')", day)
    assert not (await facts_of(conn, rows.binding_key_id, NAMES, NOW)).facts.holidays
    await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))
    known = (await facts_of(conn, rows.binding_key_id, NAMES, NOW)).facts
    assert known.holidays == {date(2026, 10, 30), date(2026, 11, 2), date(2026, 11, 3)}


@pytest.mark.rule("T8-15")
async def test_another_contract_of_the_customer_blocks_only_when_so_read(conn: Conn, rows: ContractRows) -> None:
    other = await good_contract(conn, "other", customer_id=rows.customer_id)
    await overdue_fee(conn, other)
    assert isinstance(await ask(conn, rows), Admitted)
    await conn.execute(
        "INSERT INTO gate.readings VALUES ('block.scope', $1, 'customer', $2, $3)", NOW - 300 * 24 * HOUR, *rows.people
    )
    answer = await ask(conn, rows)
    assert isinstance(answer, Refused)
    assert answer.gate is Gate.G6


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT reason FROM gate.holds",
        "SELECT 1 FROM gate.receipts",
        "UPDATE gate.contracts SET names_max = 9",
        "UPDATE gate.decisions SET outcome = 'admitted'",
        "DELETE FROM gate.decisions",
        "UPDATE gate.help_pages SET token = token",
        "INSERT INTO gate.readings SELECT * FROM gate.readings",
        "SELECT 1 FROM evidence.records",
    ],
)
async def test_the_acme_server_may_do_no_more(postgres: EmbeddedPostgres, shared: str, statement: str) -> None:
    acme = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=shared))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await acme.execute(statement)
    await acme.close()


async def test_a_change_of_facts_waits_for_a_decision_and_decisions_do_not_wait(pool: Pool) -> None:
    contract = 7
    async with pool.acquire() as one, pool.acquire() as two, pool.acquire() as writer:
        async with writer.transaction(), one.transaction(), two.transaction():
            await lock_shared(one, contract)
            await lock_shared(two, contract)
            await lock_exclusive(writer, contract + 1)
            free = "SELECT pg_try_advisory_xact_lock(7001, $1)"
            assert not await writer.fetchval(free, contract)
        async with writer.transaction(), one.transaction():
            await lock_exclusive(writer, contract)
            assert not await one.fetchval("SELECT pg_try_advisory_xact_lock_shared(7001, $1)", contract)


async def test_the_facts_of_many_contracts_are_those_of_each(conn: Conn, rows: ContractRows) -> None:
    listed = [("domain", "demo.test"), ("wildcard", "*.a.test"), ("network", "127.0.0.0/8")]
    second = await good_contract(conn, "second", names=listed, names_max=9)
    third = await good_contract(conn, "third")
    await conn.execute("UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE id = $1", third.binding_key_id, NOW)
    asked = [
        (second.contract_id, [*NAMES, "*.a.test", "127.0.0.2"]),
        (third.contract_id, NAMES),
        (rows.contract_id, []),
    ]
    found = await facts_of_contracts(conn, asked, NOW)
    assert found == [await facts_of_contract(conn, contract, names, NOW, None) for contract, names in asked]
    assert [each.facts.binding is None for each in found] == [False, True, False]
    assert len(found[0].facts.names) == 3
    assert await facts_of_contracts(conn, [], NOW) == []
