"""What is open of an invoice follows the matches alone, and the gate follows it."""

from datetime import date

import asyncpg
import pytest

from contract_gate.decision import Admitted, Refused
from sql import Conn
from tests.contract_gate.arrange import NOW, ContractRows, fee_invoice, match, receipt
from tests.contract_gate.changes import ask


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
