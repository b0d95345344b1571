"""Which lines a bank file does not show although earlier ones did."""

from datetime import timedelta
from pathlib import Path

import pytest

from office.storage.bank_missing import MissingLine
from office.use_cases import bank_missing
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import YESTERDAY, file_of, imported, quiet, ready
from tests.simulators.bank_files import Credit

A, B, C = (Credit(yen, "ﾎｶ", day=YESTERDAY) for yen in (100, 200, 300))
BEFORE = Credit(900, "ﾎｶ", day=YESTERDAY - timedelta(days=1))


async def missing(conn: Conn, folder: Path, name: str) -> list[MissingLine]:
    return await bank_missing.missing(conn, folder / name, None, quiet, NOW)


@pytest.mark.rule("T8-5")
async def test_the_lines_are_those_that_the_import_counts(accepted: Conn, pool: Pool, tmp_path: Path) -> None:
    """Before it and after it; a later file's are none, nor is one of two equal lines that is there."""
    await ready(accepted)
    await imported(accepted, tmp_path, file_of(BEFORE, A, A, B, first=BEFORE.day), name="a.txt")
    (tmp_path / "b.txt").write_bytes(file_of(A, C))
    [one, other] = await missing(accepted, tmp_path, "b.txt")
    assert (one.account, one.amount_yen, one.remitter, one.file, one.state) == ("main", 100, "ﾎｶ", "a.txt", "waiting")
    assert (other.amount_yen, other.record > one.record) == (200, True)
    assert await pool.fetchval("SELECT count(*) FROM office.bank_lines") == 4  # it only looked
    done = await imported(accepted, tmp_path, file_of(A, C), name="b.txt")
    assert done.file.missing == 2
    assert await missing(accepted, tmp_path, "b.txt") == [one, other]
    assert await missing(accepted, tmp_path, "a.txt") == []


async def test_a_file_that_cannot_be_read_says_why(accepted: Conn, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(file_of(A)[:-3])
    with pytest.raises(Unfit, match="no bank account says"):
        await missing(accepted, tmp_path, "c.txt")
    await ready(accepted)
    with pytest.raises(Unfit, match="cannot be read: record"):
        await missing(accepted, tmp_path, "c.txt")
