"""What was given up is owed again for a payment alone: nothing of a credit, for no receipt that was cancelled."""

from datetime import date, timedelta

import asyncpg
import pytest

from office.storage import revocations
from office.use_cases import contracts, ledger, payments
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW

DAY = timedelta(days=1)
BOTH = ("paid by the receiver", "ann", "bob")
ADJUSTED = """INSERT INTO office.adjustments (id, invoice_id, kind, number, amount_yen, tax_yen, basis_points, reason,
    decided_by_first, decided_by_second, decided_at)
    SELECT gen_random_uuid(), i.id, $1, CASE $1 WHEN 'credit' THEN 'C00000001' END, $2, 0,
        CASE $1 WHEN 'credit' THEN 1000 END, 'r', a.id, b.id, $3
    FROM gate.invoices i, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'"""


@pytest.fixture
async def owed(accepted: Conn, pool: Pool) -> Conn:
    """A fee of 100 yen, due long ago."""
    await pool.execute(
        """INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
        SELECT gen_random_uuid(), id, 'INV-1', 'fee', '2026-03-10', '2026-04-30', 100, 100, $1
        FROM gate.contracts WHERE handle = 'acme'""",
        NOW - 9 * DAY,
    )
    return accepted


async def received(conn: Conn) -> str:
    payment = payments.Payment(100, date(2026, 11, 20), "レイ", "2026-11-20.txt, line 4")
    return str(await payments.record_unexplained(conn, payment, NOW))


@pytest.mark.rule("T8-5")
async def test_of_a_credit_nothing_is_owed_again(owed: Conn, pool: Pool) -> None:
    receipt = await received(owed)
    await pool.execute(ADJUSTED, "credit", 100, NOW)
    with pytest.raises(Unfit, match="nothing of 'INV-1' is written off"):
        await ledger.recover(owed, receipt, "INV-1", *BOTH, NOW)


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize("cancelled", [False, True])
async def test_for_a_receipt_that_the_bank_took_back_nothing_is_owed_again(owed: Conn, cancelled: bool) -> None:
    receipt = await received(owed)
    await ledger.write_off(owed, "INV-1", "write_off", "bankrupt", "ann", "bob", NOW)
    if cancelled:
        await payments.cancel(owed, receipt, NOW)
        with pytest.raises(Unfit, match="receipt"):
            await ledger.recover(owed, receipt, "INV-1", *BOTH, NOW)
    else:
        assert await ledger.recover(owed, receipt, "INV-1", *BOTH, NOW) == 100


@pytest.mark.rule("T11-12")
async def test_what_is_recovered_was_paid_on_its_value_date(owed: Conn) -> None:
    """Neither on the day on which two people took the write-off back, nor on that of the write-off, which is before."""
    receipt, id = await received(owed), (await contracts.shown(owed, "acme")).id
    await ledger.write_off(owed, "INV-1", "write_off", "bankrupt", "ann", "bob", NOW - 5 * DAY)
    assert await revocations.last_payment(owed, [id]) == date(2026, 11, 17)
    await ledger.recover(owed, receipt, "INV-1", *BOTH, NOW)
    assert await revocations.last_payment(owed, [id]) == date(2026, 11, 20)


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize(("kind", "yen", "fits"), [("recovery", -40, True), ("recovery", 40, False),
                                                   ("write_off", -40, False), ("write_off", 40, True)])  # fmt: skip
async def test_a_recovery_alone_lies_below_zero(owed: Conn, pool: Pool, kind: str, yen: int, fits: bool) -> None:
    await pool.execute(ADJUSTED, "small_difference", 50, NOW)
    if fits:
        await pool.execute(ADJUSTED, kind, yen, NOW)
    else:
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(ADJUSTED, kind, yen, NOW)
