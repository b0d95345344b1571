"""What no use case of the office does, its role does not do by hand either (design §9)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import acceptance, bank_desk, documents, readings
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import YESTERDAY
from tests.office.use_cases.test_bank_import import ready

MACHINES = "UPDATE keiyaku.clock SET ahead = '0'"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BILL = """
SELECT gate.issue_invoice(c.id, 'difference', '2026-09-01', NULL, ROW(c.id, '2026-09-01', '2026-10-31', '2026-09-01',
    '2027-09-01', '{1000}', '{12}', '{1000}', '{100}')::gate.bill_drafts, $1) FROM gate.contracts c
"""
REVIEW = """
INSERT INTO gate.review_items SELECT gen_random_uuid(), contract_id, kind, criteria_version, source,
    obtained_on + $1::integer, checked_by, verdict, recorded_at + $1 * interval '1 day' FROM gate.review_items
"""
SUBJECT = """
INSERT INTO gate.reviewed_subjects SELECT gen_random_uuid(), contract_id, organization, country, state_or_province,
    locality, checked_by, recorded_at + $1 * interval '1 day' FROM gate.reviewed_subjects
"""

BY_ONE = """
INSERT INTO office.bank_dialects (bank_account_id, bank, branch, kind, number, format, years, virtual_in, set_at)
SELECT bank_account_id, bank, branch, kind, '7654321', format, years, virtual_in, set_at + interval '1 hour'
FROM office.bank_dialects
"""
BY_TWO = """
INSERT INTO office.bank_dialects (bank_account_id, bank, branch, kind, number, format, years, virtual_in, set_at,
    corrected_by_first, corrected_by_second)
SELECT bank_account_id, bank, branch, d.kind, '7654321', format, years, virtual_in, set_at + interval '1 hour', a.id,
    b.id FROM office.bank_dialects d, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'
"""


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as whoever has the office's password has it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


@pytest.mark.rule("T8-3")
async def test_an_invoice_is_issued_when_it_is(applied: Conn, office: Conn, pool: Pool) -> None:
    await pool.execute(MACHINES)
    for said in (LONG_AGO, datetime.now(UTC) + timedelta(days=900)):
        await office.execute(BILL, said)
    now = "SELECT bool_and(abs(extract(epoch FROM {} - now())) < 3600) FROM {}"
    for column, table in (("created_at", "gate.invoices"), ("queued_at", "office.notices WHERE kind ~ 'invoice'"),
                          ("recorded_at", "evidence.records WHERE kind = 'invoice.issued'")):  # fmt: skip
        assert await pool.fetchval(now.format(column, table)), table


async def test_reports_are_counted_by_the_clock(office: Conn, pool: Pool) -> None:
    """Whatever instant is told with each: twenty an hour from a network, and one that refills meanwhile."""
    await pool.execute(MACHINES)
    begun = datetime.now(UTC)
    take = "SELECT office.take_report('192.0.2.0/24', $1)"
    taken = [await office.fetchval(take, begun + timedelta(hours=n)) for n in range(30)]
    assert sum(taken) == 20
    assert not await office.fetchval(take, LONG_AGO)


@pytest.mark.parametrize(
    ("from_now", "months", "why"),
    [("0", -1, "0 to 36"), ("0", 37, "0 to 36"), ("25 months", 0, "two years"), ("-25 months", 0, "two years")],
)
async def test_no_role_makes_partitions_without_end(
    postgres: EmbeddedPostgres, database: str, pool: Pool, from_now: str, months: int, why: str
) -> None:
    await pool.execute(MACHINES)
    worker = await asyncpg.connect(postgres.dsn("keiyaku_work", database))
    make = "SELECT keiyaku.ensure_partitions(now() + $1::text::interval, $2)"
    with pytest.raises(asyncpg.InvalidParameterValueError, match=why):
        await worker.execute(make, from_now, months)
    assert await worker.fetchval(make, "23 months", 0) > 0
    await worker.close()


@pytest.mark.rule("T4-7")
async def test_nothing_is_rejected_but_by_two_people(applied: Conn, office: Conn, pool: Pool) -> None:
    await pool.execute("UPDATE gate.contracts SET state = 'under_review'")
    with pytest.raises(asyncpg.CheckViolationError, match="T4-7: no two people rejected acme"):
        await office.execute("UPDATE gate.contracts SET state = 'rejected'")
    await acceptance.reject(applied, "acme", "no_domain", "ann", "bob", NOW)
    assert await office.fetchval("SELECT state FROM gate.contracts") == "rejected"


@pytest.mark.rule("T8-5")
async def test_a_bank_s_files_are_told_by_one_person_once(accepted: Conn, office: Conn, pool: Pool) -> None:
    await ready(accepted)
    async with office.transaction():
        await office.execute("UPDATE office.bank_dialects SET ended_at = now()")
        with pytest.raises(asyncpg.CheckViolationError, match="two people correct it"):
            async with office.transaction():
                await office.execute(BY_ONE)
        with pytest.raises(asyncpg.RestrictViolationError, match="ended_at of"):
            async with office.transaction():
                await office.execute("UPDATE office.bank_dialects SET ended_at = NULL")
        await office.execute(BY_TWO)
    assert (await bank_desk.dialect(accepted, "main")).number == "7654321"


@pytest.mark.rule("T4-3")
@pytest.mark.parametrize("statement", [REVIEW, SUBJECT])
async def test_no_review_is_dated_ahead(applied: Conn, office: Conn, pool: Pool, statement: str) -> None:
    """It would stay the newest, whatever is found out later."""
    await pool.execute(MACHINES)
    days = (datetime.now(UTC) - NOW).days
    with pytest.raises(asyncpg.CheckViolationError, match="is yet to come"):
        await office.execute(statement, days + 2)
    await office.execute(statement, days - 2)


@pytest.mark.rule("T4-7")
@pytest.mark.parametrize(("kept", "early"), [("destroy", True), ("30", False)])
async def test_what_an_application_handed_in_is_kept_as_two_people_adopted(
    applied: Conn, office: Conn, pool: Pool, kept: str, early: bool
) -> None:  # fmt: skip
    await documents.keep(applied, "acme", "registry", YESTERDAY, b"secret", "ann", bytes(32), NOW)
    await readings.set_reading(applied, "review.rejected_docs", kept, NOW, "ann", "bob", NOW)
    await pool.execute(MACHINES)
    await pool.execute("UPDATE gate.readings SET effective_at = $1", LONG_AGO)
    await office.execute("UPDATE gate.contracts SET state = 'withdrawn'")
    await office.execute("UPDATE office.documents SET destroy_at = $1", LONG_AGO)
    await office.execute(
        "INSERT INTO office.application_ends (contract_id, ended_at, destroy_at) SELECT id, $1, $1 FROM gate.contracts",
        LONG_AGO,
    )
    ways = ("office.destroy_past('applications.representative', now(), 9)", "office.destroy_documents(now(), NULL, 9)")
    gone = [len(await office.fetch(f"SELECT * FROM {way}")) for way in ways]
    assert gone == ([1, 1] if early else [0, 0])
