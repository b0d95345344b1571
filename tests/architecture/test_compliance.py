"""docs/compliance.md is whole, and what it names is so."""

import pytest

from tests.architecture import compliance
from tests.architecture.compliance import Row, row_of


def test_every_line_of_the_checklist_has_code_and_test_or_a_person() -> None:
    assert compliance.faults() == []


def test_ids_stand_in_their_order() -> None:
    listed = [row.id for row in compliance.rows()]
    assert listed == sorted(set(listed))
    assert (listed[0], listed[-1], len(listed)) == ("C-001", "C-179", 179)


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("| C-001 | x | `ca/crl.py` | | Officers |", Row("C-001", "x", "`ca/crl.py`", "", "Officers")),
        ("| Id | x | y | z | v |", None),
        ("prose about C-001", None),
    ],
)
def test_what_is_a_row(line: str, row: Row | None) -> None:
    assert row_of(line) == row
