"""How a bank's files name an account is corrected by two people, for files to come (T8-5)."""

from pathlib import Path

import msgspec
import pytest

from office.use_cases import bank, bank_desk
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import FIRST, YESTERDAY, file_of, imported, ready
from tests.simulators.bank_files import Credit

LATER = NOW.replace(hour=13)
ROWS = """
SELECT number, ended_at, corrected_by_first IS NULL AS by_one FROM office.bank_dialects d
JOIN gate.bank_accounts a ON a.id = d.bank_account_id WHERE a.handle = 'main' ORDER BY set_at
"""
LINES = "SELECT array_agg(l) FROM office.bank_lines l"


@pytest.fixture
async def wrong(accepted: Conn) -> bank_desk.Dialect:
    """What was told of account `main`, with another number."""
    await ready(accepted)
    return msgspec.structs.replace(await bank_desk.dialect(accepted, "main"), number="7654321")


@pytest.mark.rule("T8-5")
async def test_files_to_come_are_read_as_corrected_and_the_others_stay(
    accepted: Conn, wrong: bank_desk.Dialect, pool: Pool, tmp_path: Path
) -> None:
    credit = file_of(Credit(1, "ﾚｲ", day=YESTERDAY))
    await imported(accepted, tmp_path, credit)
    before = await pool.fetchval(LINES)
    made = await bank_desk.correct_dialect(accepted, "main", wrong, "misread", "ann", "bob", LATER)
    assert (made.number, await bank_desk.dialect(accepted, "main")) == ("7654321", made)
    assert [tuple(row) for row in await pool.fetch(ROWS)] == [("1234567", LATER, True), ("7654321", None, False)]
    assert await pool.fetchval(LINES) == before
    with pytest.raises(Unfit, match="none of ours"):
        await imported(accepted, tmp_path, file_of(Credit(2, "ﾚｲ", day=YESTERDAY)), name="b.txt")
    other = msgspec.structs.replace(wrong, format="camt.054")
    with pytest.raises(Unfit, match="they come twice"):
        await bank_desk.correct_dialect(accepted, "main", other, "r", "ann", "bob", LATER.replace(hour=14))
    assert await pool.fetchval(
        "SELECT count(*) FROM evidence.records WHERE kind = 'bank.dialect_corrected'"
    ) == 1  # fmt: skip


@pytest.mark.rule("T8-5")
async def test_a_format_is_corrected_before_anything_was_read(accepted: Conn, wrong: bank_desk.Dialect) -> None:
    other = msgspec.structs.replace(wrong, format="camt.054")
    assert (await bank_desk.correct_dialect(accepted, "main", other, "r", "ann", "bob", LATER)).format == "camt.054"


@pytest.mark.rule("T8-5")
async def test_it_is_corrected_by_two_people_between_imports_to_a_number_of_its_own(
    accepted: Conn, wrong: bank_desk.Dialect, pool: Pool
) -> None:
    await bank.open_account(accepted, "second", FIRST, "statement", NOW)
    with pytest.raises(Unfit, match="no files of an account 'second'"):
        await bank_desk.correct_dialect(accepted, "second", wrong, "r", "ann", "bob", LATER)
    await bank_desk.set_dialect(accepted, "second", msgspec.structs.replace(wrong, number="1111111"), NOW)
    with pytest.raises(Unfit, match="another account has this number"):
        await bank_desk.correct_dialect(
            accepted, "main", msgspec.structs.replace(wrong, number="1111111"), "r", "ann", "bob", LATER
        )
    with pytest.raises(Unfit, match="two different people"):
        await bank_desk.correct_dialect(accepted, "main", wrong, "r", "ann", "ann", LATER)
    async with pool.acquire() as importing:
        await importing.execute("SELECT pg_advisory_lock(7201, 0)")
        with pytest.raises(Unfit, match="being imported"):
            await bank_desk.correct_dialect(accepted, "main", wrong, "r", "ann", "bob", LATER)
        await importing.execute("SELECT pg_advisory_unlock(7201, 0)")
    assert [row["number"] for row in await pool.fetch(ROWS)] == ["1234567"]
    await bank_desk.correct_dialect(accepted, "main", wrong, "r", "ann", "bob", LATER)
