"""What rows that come by the thousand name is there and stays, though no foreign key says so (gate.named_is_there)."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage.bank_files import Dialect
from office.use_cases import bank, bank_desk, bank_import, payments
from sql import Conn
from tests.conftest import NOW
from tests.simulators.bank_files import Credit, Statement, whole

DAY = date(2026, 9, 1)
NOBODY = "'00000000-0000-0000-0000-000000000001'"
MATCH = """INSERT INTO gate.payment_matches (id, invoice_id, receipt_id, amount_yen, matched_at, undone_at)
    SELECT gen_random_uuid(), {invoice}, {receipt}, 1, now(), {undone} FROM gate.invoices i, gate.receipts r
    WHERE i.number = 'I-2'"""
LINE = """INSERT INTO office.bank_lines (file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen,
        uncleared_yen, query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels,
        virtual_number, ordinal)
    SELECT {file}, 9, {account}, 'transfer', '2026-09-01', '2026-09-01', 1, 0, '', '', 'X', '', '', '', false, '', 1
    FROM office.bank_files f, gate.bank_accounts a"""
OUTCOME = """DELETE FROM office.line_outcomes;
    INSERT INTO office.line_outcomes (line_id, state) SELECT {line}, 'dismissed' FROM office.bank_lines l"""
SCREENING = """INSERT INTO office.screenings (id, contract_id, role, subject, added_at)
    SELECT gen_random_uuid(), {contract}, 'payer', 'X', now() FROM gate.contracts c"""


@pytest.fixture
async def owner(
    accepted: Conn, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> AsyncIterator[asyncpg.Connection]:
    """The database's owner, where a line of a file paid the invoice I-1, and I-2 is open."""
    await bank.open_account(accepted, "main", DAY, "statement", NOW)
    told = Dialect(UUID(int=0), "main", "0001", "001", "1", "1234567", "zengin-01", "era", "none", None)
    await bank_desk.set_dialect(accepted, "main", told, NOW)
    for number, yen in (("INV-2026-0001", 600), ("I-2", 100)):
        await payments.add_invoice(accepted, "acme", payments.Bill(number, "fee", DAY, None, yen), NOW)
    octets = whole([Statement([Credit(700, day=DAY, edi="INV20260001")], DAY, DAY)])
    assert (await bank_import.import_octets(accepted, octets, None, NOW)).tally.matched == 1
    conn = await asyncpg.connect(postgres.dsn(database=database))
    yield conn
    await conn.close()


@pytest.mark.parametrize(
    ("statement", "there"),
    [
        (MATCH.format(invoice="i.id", receipt="r.id", undone="NULL"), True),
        (MATCH.format(invoice=NOBODY, receipt="r.id", undone="NULL"), False),
        (MATCH.format(invoice="i.id", receipt=NOBODY, undone="NULL"), False),
        (MATCH.format(invoice="i.id", receipt=NOBODY, undone="now()"), False),
        (LINE.format(file="f.id", account="a.id"), True),
        (LINE.format(file=NOBODY, account="a.id"), False),
        (LINE.format(file="f.id", account=NOBODY), False),
        ("UPDATE office.line_outcomes SET receipt_id = NULL", True),
        (f"UPDATE office.line_outcomes SET receipt_id = {NOBODY}", False),
        (OUTCOME.format(line="l.id"), True),
        (OUTCOME.format(line="l.id + 1"), False),
        (SCREENING.format(contract="c.id"), True),
        (SCREENING.format(contract=NOBODY), False),
        (f"UPDATE office.screenings SET contract_id = {NOBODY}", False),
    ],
)
async def test_what_a_row_names_is_there(owner: asyncpg.Connection, statement: str, there: bool) -> None:
    with nullcontext() if there else pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(statement)


async def test_what_is_named_stays(owner: asyncpg.Connection) -> None:
    for table in (
        "gate.contracts",
        "gate.invoices",
        "gate.receipts",
        "gate.bank_accounts",
        "office.bank_files",
        "office.bank_lines",
    ):
        for change in (f"DELETE FROM {table}", f"UPDATE {table} SET id = DEFAULT", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(asyncpg.RestrictViolationError, match="stay, with their ids"):
                await owner.execute(change)
    assert await owner.execute("UPDATE gate.bank_accounts SET covered_through = covered_through + 1") == "UPDATE 1"
