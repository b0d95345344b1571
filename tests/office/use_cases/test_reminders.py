"""Nobody is told that certificates are withheld while the gate gives them (T8-17)."""

from collections.abc import AsyncIterator
from datetime import date, datetime

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import JST, day_start
from office.use_cases import bank, holidays, payments
from office.use_cases.reminders import remind
from sql import Conn, Pool
from tests.conftest import NOW

ISSUED, THURSDAY, SATURDAY = date(2026, 3, 10), date(2026, 4, 30), date(2026, 5, 2)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


def at(day: int, month: int = 5) -> datetime:
    return datetime(2026, month, day, 23, 1, tzinfo=JST)


async def unpaid(
    conn: Conn, pool: Pool, kind: str = "fee", due_on: date = THURSDAY, through: date = date(2026, 5, 20)
) -> None:
    """An invoice of 10 March that nobody paid, and bank data through a day."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", day_start(ISSUED))
    await bank.open_account(conn, "main", ISSUED, "file", NOW)
    await bank.add_days(conn, "main", ISSUED, through, "file", None, NOW)
    await holidays.record(conn, day_start(ISSUED))
    await payments.add_invoice(conn, "acme", payments.Bill("I-1", kind, ISSUED, due_on, 60_500), day_start(ISSUED))


async def told(pool: Pool) -> list[str]:
    rows = await pool.fetch("SELECT kind FROM office.notices WHERE kind LIKE 'payment_%' ORDER BY kind DESC")
    return [row["kind"] for row in rows]


@pytest.mark.rule("T8-17", "T8-15")
async def test_a_fee_that_blocks_is_told_of_once(accepted: Conn, office: Pool, pool: Pool) -> None:
    await unpaid(accepted, pool)
    assert [await remind(office, at(22, 4)), await remind(office, at(23, 4))] == [0, 1]
    assert [await remind(office, at(day)) for day in (4, 5, 6)] == [0, 1, 0]
    assert await told(pool) == ["payment_reminder", "payment_overdue"]


@pytest.mark.rule("T8-17", "T8-4")
async def test_a_day_that_moved_to_the_next_bank_day_is_in_time(accepted: Conn, office: Pool, pool: Pool) -> None:
    """Due on Saturday, 2 May, in time until Thursday, 7 May."""
    await unpaid(accepted, pool, due_on=SATURDAY)
    assert [await remind(office, at(7)), await remind(office, at(8))] == [1, 1]
    assert await told(pool) == ["payment_reminder", "payment_overdue"]


@pytest.mark.rule("T8-17", "T8-6")
async def test_before_bank_data_nobody_is_late(accepted: Conn, office: Pool, pool: Pool) -> None:
    await unpaid(accepted, pool, through=date(2026, 4, 29))
    await remind(office, at(18))
    assert await told(pool) == ["payment_reminder"]
    await bank.add_days(accepted, "main", THURSDAY, THURSDAY, "file", None, NOW)
    await remind(office, at(18))
    assert await told(pool) == ["payment_reminder", "payment_overdue"]


@pytest.mark.rule("T8-17", "T8-11")
async def test_an_unpaid_tax_difference_withholds_nothing(accepted: Conn, office: Pool, pool: Pool) -> None:
    await unpaid(accepted, pool, kind="difference")
    await remind(office, at(18))
    assert await told(pool) == ["payment_reminder"]


@pytest.mark.rule("T8-17", "T8-16")
async def test_a_dealer_who_does_not_remit_withholds_nothing(accepted: Conn, office: Pool, pool: Pool) -> None:
    await unpaid(accepted, pool)
    await pool.execute("UPDATE gate.invoices SET dealer = 'Dealer KK'")
    await remind(office, at(18))
    assert await told(pool) == ["payment_reminder"]
    await pool.execute("UPDATE gate.invoices SET dealer_states_default = true")
    await remind(office, at(18))
    assert await told(pool) == ["payment_reminder", "payment_overdue"]
