"""What the office's own database role can do without the tokens of two people: nothing of what they vouch for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage import vouched
from office.use_cases import proposals, readings, register, tokens
from office.use_cases.asked import Unfit
from office.use_cases.deciding import KINDS
from office.use_cases.tokens import USUAL, Caller, Wanted, proof_of
from sql import Conn, Pool
from sql.ids import uuid7
from tests.conftest import NOW
from tests.office.conftest import ACCESS

READING = {"key": "invoice.names", "value": "payer"}
REFUSED = pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="no two people vouched")
Tokens = dict[tuple[str, str], str]


@pytest.fixture
async def secrets(applied: Conn) -> Tokens:
    """(person, role) -> token of `ann`, `bob` and `eve`."""
    await register.add_person(applied, "eve", "Eve", "CA", NOW)
    given = [("ann", "officer"), ("ann", "approver"), ("bob", "approver"), ("bob", "auditor"), ("eve", "officer")]
    return {(p, r): (await tokens.new(applied, Wanted(p, r), "ann", "bob", NOW)).token for p, r in given}


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str, secrets: Tokens) -> AsyncIterator[Conn]:
    """A connection as whoever has the office's password has it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


async def row_of(
    office: Conn, first: str, second: str | None, kind: str = "reading.set", arguments: Mapping[str, Any] = READING
) -> UUID:
    """A proposal that the office's role wrote by itself, confirmed by another in the same transaction."""
    found = uuid7(NOW)
    await office.execute(
        """INSERT INTO office.proposals (id, kind, arguments, proposed_by, proposed_at, expires_at)
        SELECT $1, $2, $5, id, $4, $4::timestamptz + interval '7 days' FROM gate.persons WHERE handle = $3""",
        found, kind, first, NOW, msgspec.json.encode(arguments).decode(),
    )  # fmt: skip
    if second is not None:
        await confirmed(office, found, second)
    return found


async def proposed(
    office: Conn, secret: str, arguments: Mapping[str, Any] = READING, kind: str = "reading.set"
) -> UUID:  # fmt: skip
    who = await caller(office, secret)
    return (await proposals.propose(office, who, kind, arguments, NOW, proof_of(secret))).id


async def caller(office: Conn, secret: str) -> Caller:
    found = await tokens.caller_of(office, secret, NOW)
    assert found is not None
    return found


async def confirmed(office: Conn, proposal: UUID, by: str) -> None:
    await office.execute(
        "UPDATE office.proposals SET confirmed_at = $2, confirmed_by = (SELECT id FROM gate.persons WHERE handle = $3)"
        " WHERE id = $1",
        proposal, NOW, by,
    )  # fmt: skip


async def test_what_two_people_vouch_for_is_the_same_in_the_database(pool: Pool) -> None:
    rows = await pool.fetch("SELECT * FROM office.vouched_kinds()")
    assert {row["kind"]: (set(row["proposers"]), set(row["confirmers"])) for row in rows} == {
        name: (kind.proposers, kind.confirmers) for name, kind in KINDS.items() if kind.vouched
    }


@pytest.mark.rule("T17-1")
async def test_a_proposal_that_nobody_vouched_for_is_not_carried_out(office: Conn) -> None:
    async with office.transaction():
        forged = await row_of(office, "ann", "bob")
        assert not await vouched.first(office, forged, b"kyt_guess", NOW)
        assert not await vouched.second(office, forged, b"kyt_guess", NOW)
        with REFUSED:
            async with office.transaction():
                await vouched.set_reading(office, forged)
    with REFUSED:
        await vouched.set_reading(office, uuid7(NOW))


@pytest.mark.rule("T17-1")
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda c, p: vouched.add_plan(c, p, uuid7(NOW)), id="plan.add"),
        pytest.param(vouched.close_plan, id="plan.close"),
        pytest.param(lambda c, p: vouched.make_token(c, p, bytes(32), NOW), id="token.issue"),
        pytest.param(vouched.leave, id="person.leave"),
        pytest.param(lambda c, p: vouched.close_access_review(c, p, 1, NOW), id="access_review.close"),
    ],
)
async def test_nothing_is_written_for_nobodys_proposal_or_one_of_another_kind(
    office: Conn, secrets: Tokens, write: Callable[[Conn, UUID], Awaitable[object]]
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    async with office.transaction():
        await confirmed(office, made, "bob")
        assert await vouched.second(office, made, proof_of(secrets["bob", "approver"]), NOW)
        for proposal in (uuid7(NOW), made):
            with REFUSED:
                async with office.transaction():
                    await write(office, proposal)
        assert await vouched.set_reading(office, made)


@pytest.mark.rule("T17-1")
async def test_the_database_makes_no_token_of_who_confirms_it(office: Conn, secrets: Tokens) -> None:
    for holder, done in (("bob", False), ("eve", True)):
        wanted = {"holder": holder, "role": "compliance"}
        made = await proposed(office, secrets["ann", "officer"], wanted, "token.issue")
        async with office.transaction():
            await confirmed(office, made, "bob")
            assert await vouched.second(office, made, proof_of(secrets["bob", "approver"]), NOW)
            assert (await vouched.make_token(office, made, bytes(32), NOW) is not None) == done


@pytest.mark.rule("T17-1")
@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("readings", "INSERT INTO gate.readings (key, effective_at, value) VALUES ('a', now(), 'b')"),
        ("plans", "UPDATE gate.plans SET offered_until = now()"),
        ("tokens", "UPDATE office.tokens SET withdrawn_at = NULL, role = 'approver'"),
        ("persons", "UPDATE gate.persons SET left_at = NULL"),
        ("access_reviews", "UPDATE office.access_reviews SET findings = 'none'"),
        ("vouched", "UPDATE office.vouched SET carried_out = false"),
    ],
)
async def test_the_tables_themselves_are_closed_to_the_office(office: Conn, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=table):
        await office.execute(statement)


@pytest.mark.rule("T17-1")
@pytest.mark.parametrize(
    ("by", "token", "done"),
    [
        pytest.param("bob", ("bob", "approver"), True, id="another who may"),
        pytest.param("bob", ("bob", "auditor"), False, id="a role that may not"),
        pytest.param("bob", ("ann", "approver"), False, id="the token of who proposed it"),
        pytest.param("eve", ("bob", "approver"), False, id="not of who is said to have confirmed it"),
    ],
)
async def test_it_is_carried_out_once_for_the_token_of_another_who_may(
    office: Conn, secrets: Tokens, pool: Pool, by: str, token: tuple[str, str], done: bool
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    async with office.transaction():
        await confirmed(office, made, by)
        assert await vouched.second(office, made, proof_of(secrets[token]), NOW) == done
        if done:
            assert not await vouched.second(office, made, proof_of(secrets[token]), NOW)
            assert await vouched.set_reading(office, made)
            with REFUSED:
                async with office.transaction():
                    await vouched.set_reading(office, made)
    if done:
        row = await pool.fetchrow("""SELECT value, effective_at, a.handle AS first, b.handle AS second
            FROM gate.readings r JOIN gate.persons a ON a.id = set_by_first JOIN gate.persons b ON b.id = set_by_second
            WHERE key = 'invoice.names'""")
        assert dict(row or {}) == {"value": "payer", "effective_at": NOW, "first": "ann", "second": "bob"}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_with_other_arguments_than_both_saw_it_is_not_carried_out(
    office: Conn, secrets: Tokens, when: str, postgres: EmbeddedPostgres, database: str
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    other = 'UPDATE office.proposals SET arguments = arguments || \'{"value": "customer"}\' WHERE id = $1'
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.execute(other, made)
    owner = await asyncpg.connect(postgres.dsn(database=database))  # who could
    async with owner.transaction():
        await confirmed(owner, made, "bob")
        if when == "before":
            await owner.execute(other, made)
        done = await vouched.second(owner, made, proof_of(secrets["bob", "approver"]), NOW)
        assert done == (when == "after")
        await owner.execute(other, made)
        with REFUSED:
            async with owner.transaction():
                await vouched.set_reading(owner, made)
    await owner.close()


async def test_what_was_confirmed_in_another_transaction_is_not_carried_out_any_more(
    office: Conn, secrets: Tokens
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    await confirmed(office, made, "bob")
    assert await vouched.second(office, made, proof_of(secrets["bob", "approver"]), NOW)
    with REFUSED:
        await vouched.set_reading(office, made)


async def test_a_proposal_dies_with_the_token_that_made_it(office: Conn, secrets: Tokens, applied: Conn) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    second = secrets["bob", "approver"]
    await applied.execute(
        "UPDATE office.tokens SET withdrawn_at = $1 WHERE sha256 = $2", NOW, tokens.digest(secrets["ann", "officer"])
    )
    with pytest.raises(Unfit, match="is withdrawn"):
        await proposals.confirm(office, await caller(office, second), str(made), ACCESS, NOW, proof_of(second))
    with pytest.raises(Unfit, match="is withdrawn"):
        await proposals.confirm_at_desk(applied, str(made), "bob", ACCESS, NOW)


async def test_at_the_desk_a_command_confirms_what_a_token_proposed_and_nothing_that_none_did(
    office: Conn, secrets: Tokens, applied: Conn
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    assert (await proposals.confirm_at_desk(applied, str(made), "bob", ACCESS, NOW)).state == "confirmed"
    assert ("payer", False) in {(each.value, each.to_come) for each in await readings.listed(applied, NOW)}
    forged = await row_of(office, "ann", None)
    with pytest.raises(Unfit, match="not as it was"):
        await proposals.confirm_at_desk(applied, str(forged), "bob", ACCESS, NOW)


@pytest.mark.rule("T17-1")
async def test_at_the_desk_those_confirm_who_could_through_the_api(
    office: Conn, secrets: Tokens, applied: Conn, pool: Pool
) -> None:
    made = await proposed(office, secrets["ann", "officer"])
    with pytest.raises(Unfit, match="by approver, compliance: 'eve' has no such token"):
        await proposals.confirm_at_desk(applied, str(made), "eve", ACCESS, NOW)
    for dead, alive in (
        ("withdrawn_at = created_at", "withdrawn_at = NULL"),
        ("expires_at = created_at + interval '1 s'", "expires_at = created_at + interval '1 day'"),
    ):
        await pool.execute(f"UPDATE office.tokens SET {dead}")
        with pytest.raises(Unfit, match="'bob' has no such token"):
            await proposals.confirm_at_desk(applied, str(made), "bob", ACCESS, NOW + timedelta(minutes=1))
        await pool.execute(f"UPDATE office.tokens SET {alive}")
    assert (await proposals.confirm_at_desk(applied, str(made), "bob", ACCESS, NOW)).state == "confirmed"


async def test_without_a_token_of_ones_own_nothing_is_proposed(office: Conn, secrets: Tokens) -> None:
    who = await caller(office, secrets["ann", "officer"])
    for proof in (b"", proof_of(secrets["eve", "officer"])):
        with pytest.raises(Unfit, match="a token of one's own"):
            await proposals.propose(office, who, "reading.set", READING, NOW, proof)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"key": "nothing", "value": "1"}, "is unknown"),
        ({"key": "invoice.names", "value": "nobody"}, "cannot be"),
        ({**READING, "effective_at": "2026-11-01T00:00:00Z"}, "from now on"),
    ],
)
async def test_a_reading_that_does_not_fit_is_not_proposed(
    office: Conn, secrets: Tokens, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        await proposed(office, secrets["ann", "officer"], arguments)


GONE = "UPDATE gate.persons SET left_at = now() WHERE handle = '{}'"
STOPPED = "UPDATE office.tokens SET withdrawn_at = now() WHERE role = '{}'"
BOB = "(SELECT id FROM gate.persons WHERE handle = 'bob')"
DONE = f"UPDATE office.proposals SET confirmed_at = proposed_at, confirmed_by = {BOB}"
ONE_PERSON = f"""UPDATE office.proposals SET proposed_by = (SELECT id FROM gate.persons WHERE handle = 'eve');
    UPDATE office.tokens SET person_id = {BOB} WHERE role = 'officer'"""
NOTHING, OVER, ALIVE = "SELECT 1", NOW + USUAL, NOW + USUAL - timedelta(seconds=1)


@asynccontextmanager
async def undone(pool: Pool) -> AsyncIterator[Conn]:
    """A transaction of the database's owner that is taken back."""
    async with pool.acquire() as conn:
        whole = conn.transaction()
        await whole.start()
        try:
            yield conn
        finally:
            await whole.rollback()


@pytest.mark.rule("T17-1")
async def test_who_proposes_vouches_with_a_live_token_of_their_own(pool: Pool, secrets: Tokens) -> None:
    for by, token, meanwhile, at, done in (
        ("ann", ("ann", "officer"), NOTHING, ALIVE, True),
        ("ann", ("ann", "officer"), NOTHING, OVER, False),
        ("ann", ("ann", "officer"), STOPPED.format("officer"), NOW, False),
        ("ann", ("ann", "officer"), GONE.format("ann"), NOW, False),
        ("ann", ("eve", "officer"), NOTHING, NOW, False),  # another's
        ("bob", ("bob", "auditor"), NOTHING, NOW, False),  # a role that proposes nothing
        ("ann", ("ann", "officer"), DONE, NOW, False),  # confirmed before anybody vouched
    ):
        async with undone(pool) as conn:
            made, other = [await row_of(conn, by, None) for _ in range(2)]
            await conn.execute(meanwhile)
            assert await vouched.first(conn, made, proof_of(secrets[token]), at) == done, (token, meanwhile, at)
            assert await vouched.first_stands(conn, made) == done
            assert not await vouched.first_stands(conn, other)


@pytest.mark.rule("T17-1")
async def test_who_confirms_vouches_with_a_live_token_of_another(pool: Pool, secrets: Tokens) -> None:
    for meanwhile, at, done in (
        (NOTHING, ALIVE, True),
        (NOTHING, OVER, False),
        (STOPPED.format("approver"), NOW, False),
        (GONE.format("bob"), NOW, False),
        (STOPPED.format("officer"), NOW, False),  # that of the first
        (ONE_PERSON, NOW, False),
    ):
        async with undone(pool) as conn:
            made, other = [await proposed(conn, secrets["ann", "officer"]) for _ in range(2)]
            for each in (made, other):
                await confirmed(conn, each, "bob")
            await conn.execute(meanwhile)
            assert await vouched.second(conn, made, proof_of(secrets["bob", "approver"]), at) == done, (meanwhile, at)
            with REFUSED:
                await vouched.set_reading(conn, other)


async def decided(conn: Conn, secrets: Tokens, kind: str, arguments: Mapping[str, Any]) -> UUID:
    """What was written past every use case and ann and bob vouched for, in the transaction under way."""
    made = await row_of(conn, "ann", None, kind, arguments)
    assert await vouched.first(conn, made, proof_of(secrets["ann", "officer"]), NOW)
    await confirmed(conn, made, "bob")
    assert await vouched.second(conn, made, proof_of(secrets["bob", "approver"]), NOW)
    return made


@pytest.mark.rule("T17-1")
async def test_the_database_makes_no_token_with_a_short_part_or_a_long_life(pool: Pool, secrets: Tokens) -> None:
    for first, second, days, done in (
        (32, 32, 366, True),
        (31, 32, 366, False),
        (32, 31, 9, False),
        (32, 32, 367, False),
    ):
        wanted = {
            "holder": "eve", "role": "compliance", "customer": None, "service": False,
            "part_sha256": "00" * first, "expires_at": (NOW + timedelta(days=days)).isoformat(),
        }  # fmt: skip
        async with undone(pool) as conn:
            made = await decided(conn, secrets, "token.issue", wanted)
            assert (await vouched.make_token(conn, made, bytes(second), NOW) is not None) == done, (first, second, days)


@pytest.mark.rule("T17-1")
@pytest.mark.std("C-176")
async def test_whoever_decides_it_does_not_leave_and_who_left_before_does_not_again(
    office: Conn, secrets: Tokens, pool: Pool, applied: Conn
) -> None:
    another = await tokens.new(applied, Wanted("eve", "auditor"), "ann", "bob", NOW)
    await pool.execute(
        "UPDATE office.tokens SET withdrawn_at = 'epoch' WHERE sha256 = $1", tokens.digest(another.token)
    )
    for person, ended in (("ann", None), ("bob", None), ("eve", 1), ("eve", None)):
        async with office.transaction():
            made = await decided(office, secrets, "person.leave", {"person": person, "left_at": None})
            found = await vouched.leave(office, made)
            assert (found if found is None else len(found)) == ended, person
    stopped = await pool.fetch("SELECT DISTINCT withdrawn_at FROM office.tokens WHERE withdrawn_at IS NOT NULL")
    assert {row["withdrawn_at"].year for row in stopped} == {1970, NOW.year}
    assert await pool.fetchval("SELECT count(*) FROM office.tokens WHERE withdrawn_at IS NULL") == 4


@pytest.mark.rule("T17-1")
async def test_one_person_withdraws_a_token_with_a_live_one(pool: Pool, secrets: Tokens) -> None:
    gone = tokens.digest(secrets["eve", "officer"])
    await pool.execute("UPDATE office.tokens SET withdrawn_at = $1 WHERE sha256 = $2", NOW, gone)
    for proof, of, done in (
        (("ann", "officer"), ("bob", "approver"), True),
        (("bob", "auditor"), ("bob", "approver"), True),  # one's own
        (("bob", "auditor"), ("ann", "officer"), False),
        (("ann", "approver"), ("eve", "officer"), False),  # withdrawn before
        (("eve", "officer"), ("bob", "approver"), False),  # with one that was
    ):
        async with undone(pool) as conn:
            id = await conn.fetchval("SELECT id FROM office.tokens WHERE sha256 = $1", tokens.digest(secrets[of]))
            assert await vouched.withdraw_token(conn, id, proof_of(secrets[proof]), NOW) == done, (proof, of)


@pytest.mark.rule("T17-1")
async def test_whoever_writes_the_table_itself_makes_two_of_one_nowhere(
    office: Conn, secrets: Tokens, pool: Pool
) -> None:
    await proposed(office, secrets["ann", "officer"])
    confirming = "confirmed_in = pg_current_xact_id()"
    for change in (f"second_token = first_token, {confirming}", confirming, "carried_out = true", "seen_sha256 = ''"):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(f"UPDATE office.vouched SET {change}")
