"""A tax rate to come: two people add it, and remove it until something was billed with it (T8-8)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.money import TaxRate
from contract_gate.storage import facts_of_contract
from office.use_cases import credit_invoices, invoices, register, tax_rates
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_books import START
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_races import WAITING, at_once

RATE = TaxRate(date(2027, 1, 1), 1200)  # three of the twelve months billed end under it
CUT = TaxRate(RATE.effective_on, 500)
LAST_SECOND = datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC)  # of the day before, in Japan
ADD = "SELECT gate.add_tax_rate('2027-01-01', 1200, $1, $2, $3)"
REMOVE = "SELECT billed, underway FROM gate.remove_tax_rate('2027-01-01', 1200, $1, $2, $3)"
HELD = "SELECT pg_advisory_xact_lock(7201, 3)"
DRAFT = """
INSERT INTO gate.bill_drafts (contract_id, signed_on, due_on, period_from, period_end, rates, months, bases, taxes)
SELECT id, $1, $1::date + 30, $1, $1::date + 365, $2, '{2,10}', '{9166,45834}', '{916,5500}' FROM gate.contracts
WHERE handle = 'acme'
"""
PROCESSING = """
INSERT INTO acme.orders (id, account_id, contract_id, admission_id, status, names, authorization_ids, profile,
    deadline_at, expires_at, created_at)
SELECT t.id, t.id, i.contract_id, t.admission_id, 'processing', t.names, '{}', 'ov', $1, $1, $1
FROM ca.to_be_signed t JOIN acme.issuances i ON i.to_be_signed_id = t.id
"""
BILL = "SELECT gate.bill_start(id, $1) FROM gate.contracts WHERE handle = 'acme'"
COMMON = "SELECT revision FROM gate.revisions WHERE contract_id = '00000000-0000-0000-0000-000000000000'"


@pytest.fixture
async def second(billed: Conn, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """Another connection of the operators."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


async def add(conn: Conn, rate: TaxRate = RATE, now: datetime = NOW) -> TaxRate:
    return await tax_rates.add(conn, rate, "ann", "bob", now)


async def remove(conn: Conn, rate: TaxRate = RATE, now: datetime = NOW) -> TaxRate:
    return await tax_rates.remove(conn, rate, "misread", "bob", "ann", now)


async def past_the_program(conn: Conn, now: datetime) -> tuple[int, int]:
    """What the database answers to who removes the rate with a statement of their own."""
    ann, bob, *_ = await persons(conn)
    row = await conn.fetchrow(REMOVE, bob, ann, now)
    assert row is not None
    return row["billed"], row["underway"]


async def standing(conn: Conn) -> list[int]:
    """What rates there are after those of the law."""
    return [each.basis_points for each in await tax_rates.listed(conn)][4:]


async def persons(conn: Conn) -> list[object]:
    return [row["id"] for row in await conn.fetch("SELECT id FROM gate.persons ORDER BY handle")]


@pytest.mark.rule("T8-8")
@pytest.mark.parametrize(
    ("rate", "first", "why"),
    [
        pytest.param(TaxRate(date(2026, 11, 22), 1200), "ann", "not to come", id="of today"),
        pytest.param(TaxRate(RATE.effective_on, 10_001), "ann", "0 to 10000", id="above all"),
        pytest.param(RATE, "bob", "two different people", id="by one"),
        pytest.param(RATE, "eve", "no person 'eve'", id="by nobody"),
    ],
)
async def test_a_rate_that_two_people_cannot_add_is_none(accepted: Conn, rate: TaxRate, first: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        await tax_rates.add(accepted, rate, first, "bob", NOW)
    assert await standing(accepted) == []
    tomorrow = TaxRate(date(2026, 11, 23), 1200)
    await add(accepted, tomorrow)
    with pytest.raises(Unfit, match=r"has a rate already.*rate-remove"):
        await add(accepted, TaxRate(tomorrow.effective_on, 1300))
    [added] = (await tax_rates.listed(accepted))[4:]
    assert (added.basis_points, added.first, added.second, added.added_at) == (1200, "ann", "bob", NOW)


@pytest.mark.rule("T8-8")
async def test_no_single_person_adds_or_removes_a_rate_even_past_the_program(accepted: Conn, pool: Pool) -> None:
    ann, bob, *_ = await persons(pool)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await accepted.execute("INSERT INTO gate.tax_rates VALUES ('2027-01-01', 1200)")
    with pytest.raises(asyncpg.CheckViolationError, match="added_by_two"):
        await accepted.execute(ADD, ann, ann, NOW)
    assert await accepted.fetchval(ADD, ann, None, NOW) is None
    assert await standing(accepted) == []
    assert await accepted.fetchval(ADD, ann, bob, NOW)
    with pytest.raises(asyncpg.CheckViolationError, match="removed_by_two"):
        await accepted.execute(REMOVE, bob, bob, NOW)
    assert await standing(accepted) == [1200]
    assert await past_the_program(accepted, NOW) == (0, 0)
    assert await standing(accepted) == []
    await pool.execute("INSERT INTO gate.tax_rates VALUES ('2027-01-01', 1100)")  # the owner: a rate of the law
    assert await standing(accepted) == [1100]


@pytest.mark.rule("T8-8")
async def test_who_lies_about_the_hour_removes_nothing_that_is_in_force(accepted: Conn, pool: Pool) -> None:
    await pool.execute("UPDATE keiyaku.clock SET ahead = '0'")
    today = await pool.fetchval(
        "INSERT INTO gate.tax_rates VALUES ((now() AT TIME ZONE 'Asia/Tokyo')::date, 1200) RETURNING effective_on"
    )
    ann, bob, *_ = await persons(pool)
    with pytest.raises(asyncpg.CheckViolationError, match="before_its_day"):
        await accepted.execute("SELECT gate.remove_tax_rate($1, 1200, $2, $3, $4)", today, ann, bob, START)
    with pytest.raises(asyncpg.CheckViolationError, match="before_its_day"):
        await accepted.execute("SELECT gate.add_tax_rate($1, 1200, $2, $3, $4)", date(2026, 4, 1), ann, bob, START)


async def test_who_left_adds_no_rate(accepted: Conn, pool: Pool) -> None:
    await register.add_person(accepted, "zoe", "Zoe", "CA", NOW)
    *_, zoe = await persons(pool)
    await pool.execute("UPDATE gate.persons SET left_at = $1 WHERE handle = 'zoe'", NOW)
    ann, bob, *_ = await persons(pool)
    with pytest.raises(asyncpg.CheckViolationError, match="has left"):
        await accepted.execute(ADD, ann, zoe, NOW)
    assert await accepted.fetchval(ADD, ann, bob, NOW)


@pytest.mark.rule("T8-8")
async def test_the_gate_sees_no_rate_that_was_removed(accepted: Conn, pool: Pool) -> None:
    for step, expected in ((add, 5), (remove, 4), (add, 5)):
        before = await pool.fetchval(COMMON)
        await step(accepted)
        assert await pool.fetchval(COMMON) != before, "kept facts are old"
        loaded = await facts_of_contract(accepted, "acme", [], NOW, None)
        assert loaded is not None
        assert len(loaded.facts.tax_rates) == expected
    proofs = "SELECT count(*) FROM evidence.records WHERE kind IN ('tax_rate.added', 'tax_rate.removed')"
    assert await pool.fetchval(proofs) == 3


@pytest.mark.rule("T8-8", "T8-11")
async def test_a_rate_is_removed_before_its_day_alone_and_billed_no_more(billed: Conn, pool: Pool) -> None:
    await add(billed)
    with pytest.raises(Unfit, match="is not to come: add the right one from a later day on"):
        await remove(billed, now=LAST_SECOND + timedelta(seconds=1))
    with pytest.raises(Unfit, match="no rate of 1300 basis points begins on 2027-01-01"):
        await remove(billed, TaxRate(RATE.effective_on, 1300))
    await remove(billed, now=LAST_SECOND)
    with pytest.raises(Unfit, match="no rate of 1200"):
        await remove(billed)
    assert await invoices.claim_differences(pool, NOW) == []
    await add(billed)
    assert len(await invoices.claim_differences(pool, NOW)) == 1


@pytest.mark.rule("T8-11")
async def test_what_was_billed_with_a_rate_keeps_it(billed: Conn, pool: Pool) -> None:
    later = TaxRate(date(2027, 4, 1), 1200)  # no month of what was billed
    for rate in (RATE, later):
        await add(billed, rate)
    assert len(await invoices.claim_differences(pool, NOW)) == 1
    with pytest.raises(Unfit, match=r"the rate of 2027-01-01 stays: .* it are 1; add the right"):
        await remove(billed)
    assert await past_the_program(billed, NOW) == (1, 0)
    await remove(billed, later)
    assert await standing(billed) == [1200]


@pytest.mark.rule("T8-11")
async def test_tax_credited_by_a_rate_keeps_it_and_a_proposal_does_not(billed: Conn, pool: Pool) -> None:
    await add(billed, CUT)
    await invoices.claim_differences(pool, NOW)
    await remove(billed, CUT)
    with pytest.raises(Unfit, match="another amount"):
        await credit_invoices.credit_tax(billed, "F00000001", None, "cut", "ann", "bob", NOW)
    await invoices.claim_differences(pool, NOW)  # what was proposed is overtaken
    await add(billed, CUT)
    await remove(billed, CUT)
    await add(billed, CUT)
    await invoices.claim_differences(pool, NOW)
    await credit_invoices.credit_tax(billed, "F00000001", None, "cut", "ann", "bob", NOW)
    with pytest.raises(Unfit, match="stays: invoices or credits made with it are 1"):
        await remove(billed, CUT)


@pytest.mark.rule("T8-3", "T8-8")
async def test_no_first_certificate_is_billed_by_a_draft_of_a_removed_rate(accepted: Conn, pool: Pool) -> None:
    await add(accepted)
    await pool.execute(DRAFT, NOW.date(), [1000, 1200])
    await remove(accepted)
    with pytest.raises(asyncpg.CheckViolationError, match="T8-8: a rate of this paper was removed"):
        await pool.execute(BILL, NOW)
    await add(accepted)  # or the draft is made anew
    await pool.execute(BILL, NOW)
    with pytest.raises(Unfit, match="made with it are 1;"):
        await remove(accepted)


@pytest.mark.rule("T8-8")
async def test_a_removed_rate_that_is_that_of_other_days_is_no_fault(accepted: Conn, pool: Pool) -> None:
    same = TaxRate(RATE.effective_on, 1000)  # as before it: nobody sees which of both was taken
    await add(accepted, same)
    await pool.execute(DRAFT, NOW.date(), [1000, 1000])
    await remove(accepted, same)
    await pool.execute(BILL, NOW)


@pytest.mark.rule("T8-3", "T8-8")
async def test_a_rate_is_not_removed_while_a_first_certificate_is_issued(accepted: Conn, pool: Pool) -> None:
    await add(accepted)
    await pool.execute(DRAFT, NOW.date(), [1000, 1200])
    await issue(pool, "acme", 1, NOW, only_precertified="admitted")
    await pool.execute(PROCESSING, NOW)
    with pytest.raises(Unfit, match=r"first certificate is being issued.*: 1\. Try again"):
        await remove(accepted)
    assert await past_the_program(accepted, NOW) == (0, 1)
    assert await standing(accepted) == [1200]
    await pool.execute("UPDATE acme.orders SET status = 'invalid'")
    await remove(accepted)


@pytest.mark.rule("T8-8", "T8-11")
@pytest.mark.parametrize("billing_first", [True, False], ids=["billing first", "removal first"])
async def test_removal_and_billing_at_once_end_as_one_after_the_other(
    billed: Conn, pool: Pool, billing_first: bool
) -> None:
    await add(billed)
    both = [invoices.claim_differences(pool, NOW), remove(billed)]
    first, then = await at_once(pool, HELD, *(both if billing_first else reversed(both)))
    if billing_first:
        assert len(first) == 1  # type: ignore[arg-type]
        assert "made with it are 1;" in str(then)
    else:
        assert (first, then) == (RATE, [])
    assert await standing(billed) == [1200] * billing_first


@pytest.mark.rule("T8-8")
async def test_two_removals_at_once_are_one(billed: Conn, second: Conn, pool: Pool) -> None:
    await add(billed)
    done, refused = await at_once(pool, HELD, remove(billed), remove(second))
    assert (done, "no rate of 1200" in str(refused)) == (RATE, True)


@pytest.mark.rule("T8-8")
@pytest.mark.parametrize("killed", [True, False])
async def test_two_rates_of_a_day_at_once_are_one_though_the_first_may_die(
    billed: Conn, second: Conn, pool: Pool, killed: bool
) -> None:
    dying = second.transaction()
    await dying.start()
    await add(second)
    other = asyncio.create_task(add(billed, CUT))
    async with asyncio.timeout(20):
        while not await pool.fetchval(WAITING):
            await asyncio.sleep(0)
        await (dying.rollback if killed else dying.commit)()
        if killed:
            await other
        else:
            with pytest.raises(Unfit, match="has a rate already"):
                await other
    assert await standing(billed) == ([500] if killed else [1200])
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'tax_rate.added'") == 1
