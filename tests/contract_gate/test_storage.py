"""The facts of a contract in PostgreSQL, and the record of what was decided."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date, timedelta
from hashlib import sha256

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.decision import Admitted, Case, Gate, Refused
from contract_gate.facts import NameEntry
from contract_gate.gate import decide
from contract_gate.storage import (
    DecisionRow,
    decision_params,
    decision_row,
    evidence_of,
    facts_of,
    facts_of_contract,
    lock_exclusive,
    lock_shared,
    record_refusal,
    replay,
)
from sql import Conn, Pool
from sql.ids import uuid7
from tests.contract_gate.arrange import (
    NOW,
    ContractRows,
    fee_invoice,
    good_contract,
    insert,
    match,
    receipt,
    review_item,
    start,
    wanted,
)

HOUR = timedelta(hours=1)
NAMES = ["www.demo.test", "*.demo.test", "127.0.0.1"]


@pytest.fixture(scope="module")
def shared(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database for the tests of this file that commit nothing."""
    asyncio.run(in_postgres(postgres, "CREATE DATABASE gate_storage TEMPLATE template_keiyaku"))
    yield "gate_storage"
    asyncio.run(in_postgres(postgres, "DROP DATABASE gate_storage WITH (FORCE)"))


async def in_postgres(postgres: EmbeddedPostgres, statement: str) -> None:
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute(statement)
    await admin.close()


@pytest.fixture
async def conn(postgres: EmbeddedPostgres, shared: str) -> AsyncIterator[Conn]:
    """The owner's connection, in a transaction that is rolled back."""
    made = await asyncpg.connect(postgres.dsn(database=shared))
    transaction = made.transaction()
    await transaction.start()
    yield made
    await transaction.rollback()
    await made.close()


@pytest.fixture
async def rows(conn: Conn) -> ContractRows:
    return await good_contract(conn)


@pytest.fixture
async def kept(pool: Pool) -> ContractRows:
    """A good contract that other connections see."""
    async with pool.acquire() as conn:
        return await good_contract(conn)


@pytest.fixture
async def acme(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection with the rights of the ACME server, and no more."""
    made = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=database))
    yield made
    await made.close()


async def ask(conn: Conn, rows: ContractRows, *names: str) -> Admitted | Refused:
    request = wanted(*names)
    return decide(await facts_of(conn, rows.binding_key_id, request.names, NOW), request, NOW)


async def test_a_good_contract_is_admitted_with_the_rights_of_the_acme_server(acme: Conn, kept: ContractRows) -> None:
    answer = await ask(acme, kept, *NAMES)
    assert isinstance(answer, Admitted)
    assert (answer.contract_id, answer.binding_key_id) == (kept.contract_id, kept.binding_key_id)


Change = Callable[[Conn, ContractRows], Awaitable[object]]


async def end(conn: Conn, rows: ContractRows) -> None:
    await conn.execute(
        "UPDATE gate.contracts SET state = 'ended', ended_at = $2, end_cause = 'cancelled' WHERE id = $1",
        rows.contract_id,
        NOW,
    )


async def forget_consent(conn: Conn | Pool, rows: ContractRows) -> None:
    await conn.execute("DELETE FROM gate.consents WHERE contract_id = $1", rows.contract_id)


async def negative_review(conn: Conn, rows: ContractRows) -> None:
    await review_item(conn, rows.contract_id, rows.people[0], "address", NOW.date(), "negative")


async def forget_subject(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("DELETE FROM gate.reviewed_subjects WHERE contract_id = $1", rows.contract_id)


async def withdraw_key(conn: Conn | Pool, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE id = $1", rows.binding_key_id, NOW)


async def expire_key(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET expires_at = $2 WHERE id = $1", rows.binding_key_id, NOW)


async def narrow_key(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET names = '{shop.demo.test}' WHERE id = $1", rows.binding_key_id)


async def remove_name(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.contract_names SET removed_at = $1 WHERE kind = 'domain'", NOW)


async def too_many_names(conn: Conn, rows: ContractRows) -> None:
    for number in range(4):
        name = f"{number}.other.test"
        await insert(conn, "contract_names", contract_id=rows.contract_id, kind="host", value=name, added_at=NOW)


async def overdue_fee(conn: Conn, rows: ContractRows) -> None:
    await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))


async def hold(conn: Conn, rows: ContractRows, kind: str = "conduct", status: str = "suspected") -> None:
    await insert(
        conn,
        "holds",
        contract_id=rows.contract_id,
        kind=kind,
        status=status,
        reason="SECRET",
        set_by=rows.people[0],
        set_at=NOW,
    )


async def confirmed_hold(conn: Conn, rows: ContractRows) -> None:
    await hold(conn, rows, "antisocial", "confirmed")


async def screening_hit(conn: Conn, rows: ContractRows) -> None:
    await review_item(conn, rows.contract_id, rows.people[0], "screening", NOW.date(), "negative")


async def renamed(conn: Conn, rows: ContractRows) -> None:
    await insert(
        conn,
        "information_changes",
        contract_id=rows.contract_id,
        item="organization",
        in_certificate=True,
        learned_at=NOW,
    )


async def suspend(conn: Conn, rows: ContractRows) -> None:
    await insert(conn, "suspensions", clause="A10.1", cause="network", starts_at=NOW, set_by=rows.people[0])


async def term_over(conn: Conn, rows: ContractRows) -> None:
    await start(conn, rows.contract_id, NOW - timedelta(days=366))


@pytest.mark.parametrize(
    ("change", "gate", "case"),
    [
        pytest.param(end, Gate.G1, Case.ENDED, id="T12-3 cancelled"),
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
    rows = await good_contract(conn, names=[*listed, ("host", "c.test")])
    found = await facts_of(conn, rows.binding_key_id, ["*.a.test", "x.b.test"], NOW)
    assert set(found.facts.names) == {NameEntry("wildcard", "*.a.test"), NameEntry("domain", "b.test")}
    found = await facts_of(conn, rows.binding_key_id, ["10.1.1.1", "::1"], NOW)
    assert found.facts.names == (NameEntry("network", "10.0.0.0/8"),)
    assert found.facts.contract is not None
    assert found.facts.contract.names_count == 5


async def test_an_unknown_key_is_a_stranger(conn: Conn, rows: ContractRows) -> None:
    found = await facts_of(conn, uuid7(NOW), NAMES, NOW)
    answer = decide(found, wanted(), NOW)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.contract_id) == (Gate.G4, None)


async def test_facts_of_a_contract_by_handle_id_and_key(conn: Conn, rows: ContractRows) -> None:
    other = await good_contract(conn, "other")
    as_asked = await facts_of(conn, rows.binding_key_id, NAMES, NOW)
    for contract in ("demo", rows.contract_id, str(rows.contract_id)):
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


# money ---------------------------------------------------------------------------------------------------------------
async def open_yen(conn: Conn) -> int:
    found: int = await conn.fetchval("SELECT open_yen FROM gate.invoices")
    return found


@pytest.mark.rule("T8-5", "T8-15")
async def test_the_open_rest_follows_the_matches_and_the_gate_follows_it(conn: Conn, rows: ContractRows) -> None:
    invoice_id = await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))
    first, second = await receipt(conn, 60060), await receipt(conn, 1000)
    await match(conn, invoice_id, first, 60060)
    assert await open_yen(conn) == 440
    assert isinstance(await ask(conn, rows), Refused)
    paid = await match(conn, invoice_id, second, 440)
    assert await open_yen(conn) == 0
    assert isinstance(await ask(conn, rows), Admitted)
    await conn.execute("UPDATE gate.payment_matches SET undone_at = $2 WHERE id = $1", paid, NOW)
    assert await open_yen(conn) == 440


@pytest.mark.rule("T8-5")
async def test_a_cancelled_receipt_reopens_what_it_paid(conn: Conn, rows: ContractRows) -> None:
    invoice_id = await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))
    received = await receipt(conn, 60500)
    await match(conn, invoice_id, received, 60500)
    assert isinstance(await ask(conn, rows), Admitted)
    await conn.execute("UPDATE gate.receipts SET cancelled_at = $1", NOW)
    assert await open_yen(conn) == 60500
    assert isinstance(await ask(conn, rows), Refused)


@pytest.mark.parametrize(("held", "matched"), [(70000, 60501), (60000, 60001)], ids=["the invoice", "the receipt"])
async def test_nobody_matches_more_than_there_is(conn: Conn, rows: ContractRows, held: int, matched: int) -> None:
    invoice_id = await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))
    received = await receipt(conn, held)
    with pytest.raises(asyncpg.CheckViolationError):
        async with conn.transaction():
            await match(conn, invoice_id, received, matched)
    await match(conn, invoice_id, received, matched - 1)
    assert await open_yen(conn) == 60500 - matched + 1


# record --------------------------------------------------------------------------------------------------------------
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
    failed = [(gate, rule) for gate, rule, result in content["rules"] if result == "breach"]
    assert failed == [("G2", "T2-1"), ("G5", "T4-8"), ("G6", "T8-15")]


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
    assert ["G7", "T13-3", "breach"] in contents[0]["rules"]


async def test_an_admission_fits_the_table(acme: Conn, pool: Pool, kept: ContractRows) -> None:
    answer = await ask(acme, kept, *NAMES)
    assert isinstance(answer, Admitted)
    row = decision_row(answer, "before_signing")
    await acme.execute(
        "INSERT INTO gate.decisions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", *decision_params(row)
    )
    assert await decision(pool) == row
    assert replay(await decision(pool)) == answer


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


# locks ---------------------------------------------------------------------------------------------------------------
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
