"""Who left decides nothing from then on, whoever writes; their other access is gone within 24 hours."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from contract_gate.calendar import jst_date
from office.storage.tokens import Caller
from office.use_cases import acceptance, application, cases, holds, leavers, register, tokens
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.tokens import Wanted
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS

HOUR = timedelta(hours=1)
ITEM = application.Review("address", "1", "register", jst_date(NOW), "positive")


async def caller(pool: Pool, token: str) -> Caller | None:
    async with pool.acquire() as conn:
        return await tokens.caller_of(conn, token, NOW)


@pytest.mark.std("C-176")
async def test_tokens_end_in_the_same_commit(accepted: Conn, pool: Pool) -> None:
    token = await tokens.new(accepted, Wanted("ann", "officer"), "ann", "bob", NOW)
    other = await tokens.new(accepted, Wanted("bob", "officer"), "ann", "bob", NOW)
    assert await caller(pool, token.token) is not None
    assert await leavers.leave(accepted, "ann", NOW - HOUR, "bob", NOW) == 1
    assert await caller(pool, token.token) is None
    assert await caller(pool, other.token) is not None
    with pytest.raises(Unfit, match="left at"):
        await tokens.new(accepted, Wanted("ann", "applicant", "kaisha"), None, None, NOW)
    row = await pool.fetchrow("SELECT actor, content FROM evidence.records WHERE kind = 'person.left'")
    assert row is not None
    assert str(token.id) in row["content"].decode()
    assert "Ann" not in row["content"].decode()


Decision = Callable[[Conn], Awaitable[object]]
DECISIONS: dict[str, Decision] = {
    "accept": lambda c: acceptance.accept(c, "acme", "ann", "bob", ACCESS, NOW),
    "review": lambda c: application.review(c, "acme", ITEM, "ann", NOW),
    "hold": lambda c: holds.set_hold(c, "acme", "conduct", "suspected", 1, "r", "ann", NOW),
}


@pytest.mark.std("C-176")
@pytest.mark.parametrize("decision", DECISIONS.values(), ids=DECISIONS)
async def test_who_left_decides_nothing_and_who_stayed_does(applied: Conn, decision: Decision) -> None:
    await register.add_person(applied, "eve", "Eve", "CA", NOW)
    await leavers.leave(applied, "eve", NOW, "bob", NOW)
    await decision(applied)
    await leavers.leave(applied, "ann", NOW, "bob", NOW)
    with pytest.raises(Unfit, match="'ann' left at"):
        await decision(applied)


STATEMENTS = {
    "contracts": "UPDATE gate.contracts SET state = 'accepted', accepted_at = now(), accepted_by_first = $1, "
    "accepted_by_second = $2",
    "case_decisions": "INSERT INTO office.case_decisions (id, case_id, kind, by_first, by_second, reason, decided_at) "
    "SELECT gen_random_uuid(), id, 'revoke', $1, $2, 'r', now() FROM office.cases",
    "readings": "INSERT INTO gate.readings VALUES ('due.roll', now(), 'next', $2, $1)",
    "holds": "INSERT INTO gate.holds (id, contract_id, kind, status, reason, set_by, set_at, confirmed_by_first, "
    "confirmed_by_second, confirmed_at) SELECT gen_random_uuid(), id, 'antisocial', 'confirmed', 'r', $2, now(), $2, "
    "$1, now() FROM gate.contracts",
    "tokens": "INSERT INTO office.tokens (id, sha256, person_id, role, created_at, expires_at, granted_by_first, "
    "granted_by_second) SELECT gen_random_uuid(), sha256(id::text::bytea), id, 'officer', now(), "
    "now() + interval '1 day', $1, $2 FROM gate.persons WHERE id = $2",
    "seals": "INSERT INTO office.seals (contract_id, token, requested_by, requested_at) "
    "SELECT c.id, repeat('x', 24), p.id, now() FROM gate.contracts c, gate.persons p WHERE p.id IN ($1, $2) "
    "ORDER BY p.handle LIMIT 1",
    "subcontractors": "INSERT INTO office.subcontractors (id, organisation, role, from_on, recorded_by, recorded_at) "
    "SELECT gen_random_uuid(), handle, 'mail', '2026-04-01', id, now() FROM gate.persons WHERE id IN ($1, $2)",
    "leaks": "INSERT INTO office.leaks (id, found_at, malicious, affected, measures, recorded_by, preliminary_due_at, "
    "final_due_at) SELECT gen_random_uuid(), now(), false, 'a', 'm', id, now(), now() FROM gate.persons "
    "WHERE id IN ($1, $2)",
    "liability": "INSERT INTO office.liability_proposals SELECT gen_random_uuid(), c.id, '2026-04-01', 0, 0, 12, "
    "'2027-04-01', 0, 0, '{}', '1', p.id, now() FROM gate.contracts c, gate.persons p WHERE p.id IN ($1, $2)",
    "timers": "WITH s AS (INSERT INTO gate.suspensions (id, clause, cause, starts_at, set_by) "
    "VALUES (gen_random_uuid(), 'A10.1', 'c', now(), $2) RETURNING id) "
    "INSERT INTO office.timer_extensions SELECT gen_random_uuid(), s.id, c.id, 'lapse', now(), 'r', $1, now() "
    "FROM s, gate.contracts c",
}


@pytest.mark.std("C-176")
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_the_database_takes_no_decision_of_who_left(applied: Conn, pool: Pool, statement: str) -> None:
    scope = await cases.scope_of(applied, "acme", None, None, [])
    await cases.open_case(applied, Opening("conduct", scope, "R", "n", NOW, None), NOW)
    people = await pool.fetch("SELECT id FROM gate.persons ORDER BY handle")
    ann, bob = (row["id"] for row in people)
    async with pool.acquire() as conn:
        undone = conn.transaction()
        await undone.start()
        await conn.execute(statement, ann, bob)
        await undone.rollback()
        await leavers.leave(applied, "ann", NOW, "bob", NOW)
        with pytest.raises(asyncpg.CheckViolationError, match="C-176"):
            await conn.execute(statement, ann, bob)


async def test_what_they_decided_before_stays_and_may_be_worked_on(accepted: Conn, pool: Pool) -> None:
    hold = await holds.set_hold(accepted, "acme", "conduct", "suspected", 1, "r", "ann", NOW)
    await register.add_person(accepted, "eve", "Eve", "CA", NOW)
    await leavers.leave(accepted, "ann", NOW, "bob", NOW)
    await holds.lift(accepted, str(hold), "bob", "eve", NOW)
    assert await pool.fetchval("SELECT p.handle FROM gate.holds h JOIN gate.persons p ON p.id = h.set_by") == "ann"


@pytest.mark.std("C-176")
@pytest.mark.parametrize(("later", "in_time"), [(24 * HOUR, True), (25 * HOUR, False)])
async def test_their_other_access_is_gone_within_24_hours(accepted: Conn, later: timedelta, in_time: bool) -> None:
    await leavers.leave(accepted, "ann", NOW - HOUR, "bob", NOW)
    assert await leavers.removed(accepted, "ann", "bob", NOW - HOUR + later) is in_time
    with pytest.raises(Unfit, match="recorded already"):
        await leavers.removed(accepted, "ann", "bob", NOW)


async def test_nobody_records_their_own_leaving(accepted: Conn, pool: Pool) -> None:
    for person, by, why in (("ann", "ann", "two different"), ("ann", "nobody", "no person")):
        with pytest.raises(Unfit, match=why):
            await leavers.leave(accepted, person, NOW, by, NOW)
    with pytest.raises(Unfit, match="not left yet"):
        await leavers.leave(accepted, "ann", NOW + HOUR, "bob", NOW)
    with pytest.raises(Unfit, match="person leave"):
        await leavers.removed(accepted, "ann", "bob", NOW)
    ann: UUID = await pool.fetchval("SELECT id FROM gate.persons WHERE handle = 'ann'")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("INSERT INTO office.departures VALUES ($1, $1, $2)", ann, NOW)
    await leavers.leave(accepted, "ann", NOW, "bob", NOW)
    with pytest.raises(Unfit, match="left at"):
        await leavers.leave(accepted, "ann", NOW, "bob", NOW)


@pytest.mark.rule("T3-4", "T13-2")
async def test_the_database_takes_no_confirmation_of_one_person(accepted: Conn, pool: Pool) -> None:
    hold = await holds.set_hold(accepted, "acme", "conduct", "suspected", 1, "r", "ann", NOW)
    ann, bob = (row["id"] for row in await pool.fetch("SELECT id FROM gate.persons ORDER BY handle"))
    alone = "UPDATE gate.holds SET status = 'confirmed' WHERE id = $1"
    both = (
        "UPDATE gate.holds SET status = 'confirmed', confirmed_by_first = $2, confirmed_by_second = $3, "
        "confirmed_at = now() WHERE id = $1"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="holds_confirmed"):
        await pool.execute(alone, hold)
    with pytest.raises(asyncpg.CheckViolationError, match="holds_confirmed_by_two"):
        await pool.execute(both, hold, ann, ann)
    with pytest.raises(asyncpg.CheckViolationError, match="holds_confirmed_whole"):
        await pool.execute(both, hold, ann, None)
    assert await pool.execute(both, hold, ann, bob) == "UPDATE 1"


@pytest.mark.rule("T3-4")
async def test_a_confirmation_names_its_two_people(accepted: Conn, pool: Pool) -> None:
    hold = await holds.set_hold(accepted, "acme", "conduct", "reported", 1, "r", "ann", NOW)
    with pytest.raises(Unfit, match="two different"):
        await holds.confirm(accepted, str(hold), "ann", "ann", NOW)
    await holds.confirm(accepted, str(hold), "ann", "bob", NOW)
    row = await pool.fetchrow("SELECT confirmed_by_first, confirmed_by_second, confirmed_at FROM gate.holds")
    people = [row["id"] for row in await pool.fetch("SELECT id FROM gate.persons ORDER BY handle")]
    assert row is not None
    assert list(row.values()) == [*people, NOW]
