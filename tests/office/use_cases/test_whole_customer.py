"""An unpaid fee of one contract that blocks all of its customer's (R-13): who is told, what a late payment touches."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage.revocations import Scope
from office.use_cases import case_decisions, cases, contracts, payments, readings, revocations
from office.use_cases.cases import Opening
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, publish
from tests.office.use_cases.test_payments import ISSUED, money, overdue
from tests.office.use_cases.test_races import at_once
from tests.office.use_cases.test_revocations import DAY, HOUR, pay, swept, unpaid

BETA = """
INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, state, applied_at,
    accepted_at, accepted_by_first, accepted_by_second)
SELECT gen_random_uuid(), 'beta', customer_id, plan_id, fee_yen, term_months, names_max, state, applied_at, accepted_at,
    accepted_by_first, accepted_by_second FROM gate.contracts WHERE handle = 'acme'
"""
CUSTOMER = "SELECT pg_advisory_xact_lock(7002, hashtext(customer_id::text)) FROM gate.contracts WHERE handle = 'acme'"
TOLD = """
SELECT c.handle, n.given->>'invoice' AS invoice FROM office.notices n JOIN gate.contracts c ON c.id = n.contract_id
WHERE n.kind = 'payment_unblocked' ORDER BY c.handle
"""


async def told(conn: Conn) -> list[tuple[str, str]]:
    return [(row["handle"], row["invoice"]) for row in await conn.fetch(TOLD)]


@pytest.fixture
async def blocked(accepted: Conn, pool: Pool) -> Conn:
    """`acme` and `beta`, accepted under the reading that one blocks the other; I-1 of `acme` is overdue.

    A third contract of that customer, `gamma`, was never accepted.
    """
    at = NOW - timedelta(days=1)
    await readings.set_reading(accepted, "block.scope", "customer", at, "ann", "bob", at)
    await pool.execute(BETA)
    await contracts.create(accepted, "gamma", "kaisha", "small", NOW)
    await overdue(accepted)
    return accepted


@pytest.fixture
async def second(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """Another connection."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


@pytest.mark.rule("T8-15", "R-13")
async def test_each_contract_that_a_payment_frees_is_told(blocked: Conn, pool: Pool) -> None:
    await payments.record_payment(blocked, "I-1", money(60_060), NOW)
    assert await told(blocked) == []
    await payments.record_payment(blocked, "I-1", money(440), NOW)
    assert await told(blocked) == [("acme", "I-1"), ("beta", "I-1")]


@pytest.mark.rule("T8-15", "R-13")
async def test_the_payment_for_a_contract_that_ended_frees_the_others(blocked: Conn, pool: Pool) -> None:
    await pool.execute(
        "UPDATE gate.contracts SET state = 'ended', ended_at = $1, end_cause = 'cancelled' WHERE handle = 'acme'", NOW
    )
    await payments.record_payment(blocked, "I-1", money(60_500), NOW)
    assert await told(blocked) == [("beta", "I-1")]


@pytest.mark.rule("R-13")
async def test_a_contract_accepted_before_the_reading_is_not_freed_by_another(blocked: Conn, pool: Pool) -> None:
    await pool.execute("UPDATE gate.contracts SET accepted_at = $1 WHERE handle = 'beta'", NOW - timedelta(days=2))
    await payments.record_payment(blocked, "I-1", money(60_500), NOW)
    assert await told(blocked) == [("acme", "I-1")]


@pytest.mark.rule("T8-15", "R-13")
async def test_two_payments_at_one_moment_tell_each_contract_once(blocked: Conn, second: Conn, pool: Pool) -> None:
    await payments.add_invoice(blocked, "beta", payments.Bill("I-2", "fee", ISSUED, None, 1_000), NOW)
    both = (("I-1", 60_500, blocked), ("I-2", 1_000, second))
    ends = await at_once(
        pool, CUSTOMER, *(payments.record_payment(conn, number, money(yen), NOW) for number, yen, conn in both)
    )
    assert ends == [60_500, 1_000]
    assert await told(blocked) == [("acme", "I-2"), ("beta", "I-2")]


@pytest.mark.rule("T11-12", "R-13")
async def test_a_late_payment_touches_the_case_against_the_whole_customer(accepted: Conn, pool: Pool) -> None:
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", NOW - timedelta(days=260))
    at = await unpaid(accepted)
    await issue(pool, "acme", 1, NOW)
    customer = await pool.fetchval("SELECT customer_id FROM gate.contracts")
    found = await cases.open_case(
        accepted, Opening("unpaid", Scope(customer_id=customer), "ledger", "I-1", at, None), at
    )
    case = str(found.case.id)
    await case_decisions.decide(accepted, case, "ann", "bob", "r", at)
    await revocations.execute(accepted, case, at + HOUR)
    await publish(pool, at + HOUR)
    await swept(accepted, at + HOUR)
    assert await cases.listed(accepted, False) == []
    await pay(accepted, date(2026, 5, 20), at + DAY)
    [again] = await cases.listed(accepted, False)
    assert (str(again.id), again.attention) == (case, True)
    [proof] = await pool.fetch("SELECT contract_id FROM evidence.records WHERE kind = 'revocation.paid_after'")
    assert proof["contract_id"] == (await contracts.shown(accepted, "acme")).id
