"""No cell of a CSV that people's input reaches is computed by a spreadsheet."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from acme_server.commands.audit import as_csv
from office.storage.money_books import Posting
from office.use_cases import ledger
from office.use_cases.spreadsheets import rows_as_csv
from sql.ids import uuid7
from tests.conftest import NOW

COMPUTED = "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"), ("+81", "'+81"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
        ("\rx", "'\rx"), ("\nx", "\"'\nx\""), ("＝1", "'＝1"), ("a=1", "a=1"), ("", ""), (-1, "-1"), (None, ""),
        ('=a,"b"', "\"'=a,\"\"b\"\"\""), (False, "False"), (date(2026, 11, 1), "2026-11-01"),
    ],
)  # fmt: skip
def test_what_a_cell_holds(value: object, written: str) -> None:
    assert rows_as_csv([[value, "end"]]) == f"{written},end\n"


def test_the_journal_is_not_computed_and_its_amounts_are_numbers() -> None:
    posting = Posting(uuid7(NOW), date(2026, 11, 1), COMPUTED, "fee", "receivable", "sales", -10, NOW)
    first, second = ledger.as_csv([posting], head=False).splitlines()
    assert first == f"2026-11-01,'{COMPUTED},fee,receivable,-10,0,{NOW.isoformat()}"
    assert second == f"2026-11-01,'{COMPUTED},fee,sales,0,-10,{NOW.isoformat()}"


async def test_an_exported_population_is_not_computed(capsys: pytest.CaptureFixture[str]) -> None:
    async def rows() -> AsyncIterator[dict[str, object]]:
        yield {"handle": COMPUTED, "names": ["=a", "b"], "fee_yen": -1, "at": NOW}
        yield {"handle": "acme", "names": [], "fee_yen": 1, "at": None}

    await as_csv(rows())
    assert capsys.readouterr().out.splitlines() == [
        "handle,names,fee_yen,at", f"'{COMPUTED},'=a b,-1,2026-11-22T12:00:00Z", "acme,,1,",
    ]  # fmt: skip
