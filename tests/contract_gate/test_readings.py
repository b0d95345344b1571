"""Adopted readings are dated rows with defaults."""

from datetime import timedelta

import pytest

from contract_gate.readings import DEFAULT, Reading, adopted
from tests.contract_gate.arrange import jst

ROWS = (
    Reading("due.roll", jst(2026, 6, 1), "none"),
    Reading("due.roll", jst(2026, 3, 1), "previous"),
    Reading("cert.min_lifetime", jst(2026, 3, 1), "7"),
)


def test_without_rows_the_register_counts() -> None:
    assert DEFAULT.due_roll == "next"
    assert DEFAULT.min_lifetime == timedelta(days=1)
    assert (DEFAULT.block_scope, DEFAULT.small_difference_yen, DEFAULT.tolerance_yen) == ("contract", 1000, 0)
    assert adopted((), jst(2026, 3, 1)) is DEFAULT


def test_the_newest_row_in_force_counts() -> None:
    assert adopted(ROWS, jst(2026, 2, 28)) == DEFAULT
    assert adopted(ROWS, jst(2026, 3, 1)).due_roll == "previous"
    assert adopted(ROWS, jst(2026, 3, 1)).min_lifetime == timedelta(days=7)
    assert adopted(ROWS, jst(2026, 6, 1)).due_roll == "none"


@pytest.mark.parametrize(("key", "value"), [("due.roll", "later"), ("cert.min_lifetime", "soon"), ("block.scope", "")])
def test_a_value_that_no_reading_has_decides_nothing(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="a reading in gate"):
        adopted((Reading(key, jst(2026, 1, 1), value),), jst(2026, 2, 1))
