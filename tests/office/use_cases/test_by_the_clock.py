"""Who has the password of a role and gives it another instant than the database's clock has gains nothing by it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage import vouched
from office.use_cases import documents, screening, tokens
from office.use_cases.asked import Unfit
from office.use_cases.tokens import Wanted, proof_of
from sql import Conn, Pool
from sql.ids import uuid7
from tests.conftest import NOW
from tests.office.conftest import YESTERDAY

MACHINES = "UPDATE keiyaku.clock SET ahead = '0'"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STAYS = pytest.raises(asyncpg.RestrictViolationError, match="stays")


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as whoever has the office's password has it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


@pytest.fixture
async def proofs(applied: Conn, pool: Pool) -> tuple[bytes, bytes]:
    """Of `ann`, an officer, and `bob`, an approver; by the machine's clock their tokens live for a day."""
    first = await tokens.new(applied, Wanted("ann", "officer"), "ann", "bob", NOW)
    second = await tokens.new(applied, Wanted("bob", "approver"), "ann", "bob", NOW)
    await pool.execute(MACHINES)
    await live(pool, "1 day")
    return proof_of(first.token), proof_of(second.token)


async def live(pool: Pool, still: str) -> None:
    await pool.execute(
        f"UPDATE office.tokens SET created_at = now() - interval '30 days', expires_at = now() + interval '{still}'"
    )


async def proposal(office: Conn, proposed: str, expires: str) -> UUID:
    made = uuid7(NOW)
    await office.execute(
        f"""INSERT INTO office.proposals (id, kind, arguments, proposed_by, proposed_at, expires_at)
        SELECT $1, 'reading.set', '{{"key": "invoice.names", "value": "payer"}}', id, now() + interval '{proposed}',
            now() + interval '{expires}' FROM gate.persons WHERE handle = 'ann'""",
        made,
    )
    return made


async def confirmed(office: Conn, made: UUID, proof: bytes) -> bool:
    """Whether bob vouches for it who says that he confirmed it an hour after it was proposed."""
    await office.execute(
        """UPDATE office.proposals SET confirmed_at = proposed_at + interval '1 hour',
            confirmed_by = (SELECT id FROM gate.persons WHERE handle = 'bob') WHERE id = $1""",
        made,
    )
    return bool(await vouched.second(office, made, proof, LONG_AGO))


@pytest.mark.rule("T17-1")
async def test_a_token_that_expired_vouches_and_withdraws_nothing_as_of_yesterday(
    office: Conn, pool: Pool, proofs: tuple[bytes, bytes]
) -> None:
    token = await pool.fetchval("SELECT id FROM office.tokens LIMIT 1")
    for still, expected in (("-2 minutes", False), ("1 day", True)):
        await live(pool, still)
        made = await proposal(office, "-1 hour", "6 days")
        assert bool(await vouched.first(office, made, proofs[0], LONG_AGO)) is expected
        stop = await office.fetchval("SELECT office.withdraw_token($1, $2, $3)", token, proofs[0], LONG_AGO)
        assert (stop is not None) is expected
    assert await pool.fetchval(
        "SELECT withdrawn_at > now() - interval '1 hour' FROM office.tokens WHERE id = $1", token
    )


@pytest.mark.rule("T17-1")
async def test_a_proposal_that_expired_is_not_confirmed_as_of_its_day(
    office: Conn, proofs: tuple[bytes, bytes]
) -> None:  # fmt: skip
    for proposed, expires, expected in (("-8 days", "-1 day", False), ("-6 days", "1 day", True)):
        made = await proposal(office, proposed, expires)
        assert await vouched.first(office, made, proofs[0], NOW)
        assert await confirmed(office, made, proofs[1]) is expected
    assert not await vouched.first(office, await proposal(office, "0", "8 days"), proofs[0], NOW)


@pytest.mark.rule("T17-1")
async def test_what_two_people_decide_is_decided_when_it_is(
    office: Conn, pool: Pool, proofs: tuple[bytes, bytes]
) -> None:  # fmt: skip
    made = await proposal(office, "-1 day", "6 days")
    assert await vouched.first(office, made, proofs[0], NOW)
    async with office.transaction():
        assert await confirmed(office, made, proofs[1])
        await vouched.set_reading(office, made)
    since = (
        "SELECT effective_at > now() - interval '1 hour' FROM gate.readings WHERE key = 'invoice.names' AND value = $1"
    )
    assert await pool.fetchval(since, "payer")


async def test_a_proposal_that_was_withdrawn_or_confirmed_stays_so(office: Conn, proofs: tuple[bytes, bytes]) -> None:
    undo = (
        "UPDATE office.proposals SET withdrawn_at = NULL, withdrawn_by = NULL, confirmed_at = NULL, confirmed_by = NULL"
    )
    gone = await proposal(office, "-1 hour", "6 days")
    await office.execute("UPDATE office.proposals SET withdrawn_at = now(), withdrawn_by = proposed_by")
    with STAYS:
        await office.execute(undo)
    assert not await vouched.first(office, gone, proofs[0], NOW)
    await confirmed(office, await proposal(office, "-1 hour", "6 days"), proofs[1])
    with STAYS:
        await office.execute(undo + " WHERE confirmed_at IS NOT NULL")


async def test_an_answer_is_given_again_for_a_day_whatever_the_office_calls_now(office: Conn, pool: Pool) -> None:
    await pool.execute(MACHINES)
    for age in ("23 hours", "25 hours"):
        await pool.execute(
            f"""INSERT INTO office.open_answers (key_sha256, request_sha256, sealed, answered_at)
            VALUES (sha256('{age}'), sha256(''), '', now() - interval '{age}')"""
        )
        await pool.execute(
            f"""INSERT INTO acme.limits (name, subject, full_at, number)
            VALUES ('orders', '{age}', now() + interval '{age}', 1)"""
        )
    later = datetime.now(UTC) + timedelta(days=9)
    assert await office.fetchval("SELECT office.forget_open_answers($1)", later) == 1
    await pool.execute("SELECT acme.forget_limits($1)", later)
    assert await pool.fetchval("SELECT count(*) FROM acme.limits") == 2


@pytest.mark.rule("T16-2")
async def test_an_end_that_is_dated_back_begins_no_retention_before_it_is_said(
    accepted: Conn, office: Conn, pool: Pool
) -> None:  # fmt: skip
    await documents.keep(accepted, "acme", "registry", YESTERDAY, b"secret", "ann", bytes(32), NOW)
    await pool.execute(MACHINES)
    await office.execute("UPDATE gate.contracts SET state = 'ended', ended_at = $1, end_cause = 'cancelled'", LONG_AGO)
    past = "SELECT * FROM office.destroy_past('documents.content', $1, 9)"
    assert await office.fetch(past, datetime.now(UTC)) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await office.execute("UPDATE gate.contracts SET end_recorded_at = $1", LONG_AGO)
    await pool.execute("UPDATE keiyaku.clock SET ahead = '3 years'")
    assert len(await office.fetch(past, datetime.now(UTC) + timedelta(days=740))) == 1


@pytest.mark.rule("T16-2")
async def test_what_is_removed_or_closed_is_so_since_it_was_said(applied: Conn, office: Conn, pool: Pool) -> None:
    await pool.execute(MACHINES)
    await pool.execute(
        """WITH alias AS (INSERT INTO office.payer_aliases (id, customer_id, name, key, added_by, added_at)
            SELECT gen_random_uuid(), c.id, 'REI', 'REI', p.id, $1 FROM gate.customers c, gate.persons p LIMIT 1)
        INSERT INTO office.problem_reports (id, reporter, email, what, serials, received_at, preliminary_at, findings,
            answered_by)
        SELECT gen_random_uuid(), 'R', 'r@example.org', 'spam', ARRAY[sha256('s')], $1, $1, 'none', id
        FROM gate.persons LIMIT 1""",
        LONG_AGO,
    )
    for table, column, field in (("payer_aliases", "removed_at", "payer_aliases.name"),
                                 ("problem_reports", "closed_at", "problem_reports.reporter")):  # fmt: skip
        await office.execute(f"UPDATE office.{table} SET {column} = $1", LONG_AGO)
        assert await pool.fetchval(f"SELECT {column} > now() - interval '1 hour' FROM office.{table}")
        assert await office.fetch("SELECT * FROM office.destroy_past($1, now(), 9)", field) == []
        with STAYS:
            await office.execute(f"UPDATE office.{table} SET {column} = $1", LONG_AGO)


@pytest.mark.rule("T13-1", "T13-3")
async def test_an_answer_of_a_screening_stays_but_a_clear_one_may_become_a_hit(applied: Conn, office: Conn) -> None:
    await screening.clear(applied, "acme", "list", "bob", NOW)
    with STAYS:
        await office.execute("UPDATE office.screenings SET source = 'another'")
    [some, *_] = await screening.listed(applied, "acme", False)
    await screening.hit(applied, str(some.id), "list", "named there", "bob", NOW)
    with pytest.raises(Unfit, match="before"):
        await screening.hit(applied, str(some.id), "list", "nothing", "bob", NOW)
    for verdict, grounds in (("clear", None), ("hit", "-")):
        with STAYS:
            await office.execute(
                "UPDATE office.screenings SET verdict = $1, grounds = $2 WHERE verdict = 'hit'", verdict, grounds
            )


@pytest.mark.rule("T5-2")
async def test_no_letter_is_delivered_before_its_notice(applied: Conn, office: Conn, pool: Pool) -> None:
    await pool.execute(
        """WITH notice AS (INSERT INTO office.notices (id, kind, clause, contract_id, queued_at)
            SELECT gen_random_uuid(), 'invoice_issued', 'A8.1', id, $1 FROM gate.contracts RETURNING id)
        INSERT INTO office.deliveries (id, notice_id, recipient, channel, state, address, language, subject, body,
            body_sha256, message_id, next_at)
        SELECT gen_random_uuid(), id, 'customer', 'paper', 'person', 'Tokyo', 'ja', 's', 'b', sha256('b'), '', $1
        FROM notice""",
        NOW,
    )
    deliver = "UPDATE office.deliveries SET state = 'delivered', posted_on = $1::timestamptz::date, delivered_at = $1"
    with pytest.raises(asyncpg.CheckViolationError):
        await office.execute(deliver, NOW - timedelta(days=1))
    await office.execute(deliver, NOW + timedelta(days=1))


@pytest.mark.rule("T23-1")
async def test_the_end_of_the_service_goes_to_a_later_day_alone(applied: Conn, office: Conn, pool: Pool) -> None:
    await pool.execute(
        """WITH notice AS (INSERT INTO office.notices (id, kind, clause, queued_at)
            VALUES (gen_random_uuid(), 'service_end', 'A23.1', $1) RETURNING id)
        INSERT INTO office.service_end (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second,
            decided_at)
        SELECT 'c', '2027-12-01', 'revoke', notice.id, a.id, b.id, $1 FROM notice, gate.persons a, gate.persons b
        WHERE a.handle = 'ann' AND b.handle = 'bob'""",
        NOW,
    )
    for early in ("ends_on = '2027-11-30'", "certificates = 'run_off'", "decided_at = now()"):
        with STAYS:
            await office.execute(f"UPDATE office.service_end SET {early}")
    await office.execute("UPDATE office.service_end SET ends_on = '2027-12-02', cause = 'd'")
