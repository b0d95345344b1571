"""Two people, or two nodes, book at the same moment: no receipt is spent twice, no invoice paid beyond what is open."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import bank_desk, contracts, ledger, payments
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import YESTERDAY, file_of, imported, ready
from tests.simulators.bank_files import Credit

DAY = date(2026, 9, 1)
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
RECEIPT = "SELECT FROM gate.receipts FOR UPDATE"
LINE = "SELECT FROM office.line_outcomes FOR UPDATE"
CONTRACT = "SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts WHERE handle = 'acme'"


@pytest.fixture
async def second(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """Another connection, and another contract `beta` of the same customer; both contracts have an invoice over 100."""
    await contracts.create(accepted, "beta", "kaisha", "small", NOW)
    for contract, number in (("acme", "I-1"), ("beta", "I-2")):
        await payments.add_invoice(accepted, contract, payments.Bill(number, "fee", DAY, None, 100), NOW)
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


async def receipt_of(conn: Conn, yen: int) -> str:
    return str(await payments.record_unexplained(conn, payments.Payment(yen, DAY, "REI", "by hand"), NOW))


async def open_yen(conn: Conn, number: str) -> int:
    return (await payments.invoice(conn, number)).open_yen


async def at_once(pool: Pool, lock: str, *writers: Coroutine[Any, Any, object]) -> list[object]:
    """How they end that all waited for one lock, in the order given; who does not pay must refuse in words."""
    async with pool.acquire() as conn, asyncio.timeout(20):
        async with conn.transaction():
            await conn.execute(lock)
            tasks = []
            for number, writer in enumerate(writers, 1):
                tasks.append(asyncio.create_task(writer))
                while await pool.fetchval(WAITING) < number:
                    await asyncio.sleep(0)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(not isinstance(end, BaseException) or isinstance(end, Unfit) for end in ends), ends
    return [end.matched_yen if isinstance(end, payments.Paid) else end for end in ends]


@pytest.mark.rule("T8-5")
async def test_two_receipts_race_for_one_invoice(accepted: Conn, second: Conn, pool: Pool) -> None:
    one, two = await receipt_of(accepted, 80), await receipt_of(accepted, 80)
    ends = await at_once(
        pool, CONTRACT, payments.match(accepted, one, "I-1", NOW), payments.match(second, two, "I-1", NOW)
    )
    assert ends == [80, 20]
    assert await open_yen(accepted, "I-1") == 0
    assert [row.rest_yen for row in await ledger.suspense(accepted)] == [60]


@pytest.mark.rule("T8-5")
async def test_an_invoice_paid_at_this_moment_takes_no_more(accepted: Conn, second: Conn, pool: Pool) -> None:
    one, two = await receipt_of(accepted, 100), await receipt_of(accepted, 100)
    paid, refused = await at_once(
        pool, CONTRACT, payments.match(accepted, one, "I-1", NOW), payments.match(second, two, "I-1", NOW)
    )
    assert paid == 100
    assert "nothing to match" in str(refused)


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize(
    ("yen", "rest"), [pytest.param(150, 50, id="enough for one and a half"), pytest.param(100, None, id="for one")]
)
async def test_two_invoices_race_for_one_receipt(
    accepted: Conn, second: Conn, pool: Pool, yen: int, rest: int | None
) -> None:
    """Two contracts, so no lock of a contract stands between them: the receipt does."""
    receipt = await receipt_of(accepted, yen)
    paid, other = await at_once(
        pool, RECEIPT, payments.match(accepted, receipt, "I-1", NOW), payments.match(second, receipt, "I-2", NOW)
    )
    assert paid == 100
    assert (other == rest) if rest else ("the receipt is spent" in str(other))
    assert await open_yen(accepted, "I-2") == 200 - yen
    assert not await ledger.suspense(accepted)


@pytest.mark.rule("T8-5")
async def test_a_refund_and_a_match_race_for_one_receipt(accepted: Conn, second: Conn, pool: Pool) -> None:
    receipt = await receipt_of(accepted, 100)
    paid, refused = await at_once(
        pool, RECEIPT, payments.match(accepted, receipt, "I-1", NOW),
        ledger.refund(second, receipt, 100, "paid twice", "ann", "bob", NOW),
    )  # fmt: skip
    assert paid == 100
    assert "has no 100 yen left" in str(refused)


@pytest.mark.rule("T8-5")
async def test_a_receipt_cancelled_at_this_moment_pays_nothing(accepted: Conn, second: Conn, pool: Pool) -> None:
    receipt = await receipt_of(accepted, 100)
    _, refused = await at_once(
        pool, RECEIPT, payments.cancel(second, receipt, NOW), payments.match(accepted, receipt, "I-1", NOW)
    )
    assert "the receipt is spent, cancelled or unknown" in str(refused)
    assert await open_yen(accepted, "I-1") == 100
    with pytest.raises(Unfit, match="cancelled"):
        await payments.match(accepted, receipt, "I-1", NOW)


@pytest.mark.rule("T8-5")
async def test_a_receipt_matched_at_this_moment_is_cancelled_under_its_contracts_lock(
    accepted: Conn, second: Conn, pool: Pool
) -> None:
    receipt = await receipt_of(accepted, 100)
    paid, refused = await at_once(
        pool, RECEIPT, payments.match(accepted, receipt, "I-1", NOW), payments.cancel(second, receipt, NOW)
    )
    assert (paid, await open_yen(accepted, "I-1")) == (100, 0)
    assert "try again" in str(refused)
    await payments.cancel(second, receipt, NOW)
    assert await open_yen(accepted, "I-1") == 100


async def waiting_line(conn: Conn, folder: Path) -> int:
    """A cheque over 100, not cleared: it waits for a person, and no receipt is made of it yet."""
    await ready(conn)
    await imported(conn, folder, file_of(Credit(100, "REI", day=YESTERDAY, uncleared=100)), name="cheque.txt")
    return int(
        await conn.fetchval("SELECT line_id FROM office.line_outcomes WHERE state = 'waiting' AND receipt_id IS NULL")
    )


@pytest.mark.rule("T8-5")
async def test_two_people_match_one_line_to_two_contracts(
    accepted: Conn, second: Conn, pool: Pool, tmp_path: Path
) -> None:
    line = await waiting_line(accepted, tmp_path)
    paid, refused = await at_once(
        pool, LINE, bank_desk.match_line(accepted, line, "I-1", "ann", NOW),
        bank_desk.match_line(second, line, "I-2", "bob", NOW),
    )  # fmt: skip
    assert paid == 100
    assert "does not wait" in str(refused)
    assert await open_yen(accepted, "I-2") == 100
    assert await accepted.fetchval("SELECT count(*) FROM gate.receipts") == 1


@pytest.mark.rule("T8-5")
async def test_a_line_that_the_bank_takes_back_while_a_person_matches_it_pays_nothing(
    accepted: Conn, second: Conn, pool: Pool, tmp_path: Path
) -> None:
    line = await waiting_line(accepted, tmp_path)
    back = file_of(Credit(100, "REI", day=YESTERDAY, cancels=True))
    ends = await at_once(
        pool, LINE, bank_desk.match_line(accepted, line, "I-1", "ann", NOW),
        imported(second, tmp_path, back, name="back.txt"),
    )  # fmt: skip
    assert ends[0] == 100
    assert await open_yen(accepted, "I-1") == 100
    assert await accepted.fetchval("SELECT count(*) FROM gate.receipts WHERE cancelled_at IS NULL") == 0
