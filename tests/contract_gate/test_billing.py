"""The fee of a signing today and tomorrow, by the days of Japan (T8-2, T8-3)."""

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from contract_gate.billing import drafts
from contract_gate.facts import Facts
from contract_gate.money import RATES
from tests.contract_gate.arrange import contract_with


def signed(at: datetime) -> list[tuple[date, date, date, int]]:
    """Day, due date, first day of the term and total of each bill of a contract over 55,000 yen that begins now."""
    known: Facts = replace(contract_with(started_at=None, fee_yen=55_000), tax_rates=RATES)
    return [(each.issued_on, each.due_on, each.period_from, each.total_yen) for each in drafts(known, at)]


@pytest.mark.rule("T8-2", "T8-3")
@pytest.mark.parametrize(
    ("at", "issued_on", "due_on"),
    [
        pytest.param(
            datetime(2026, 1, 31, 15, 30, tzinfo=UTC),
            date(2026, 2, 1),
            date(2026, 3, 31),
            id="00:30 in Japan, the table",
        ),
        pytest.param(
            datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC), date(2026, 1, 31), date(2026, 2, 28), id="a second before"
        ),
        pytest.param(datetime(2026, 3, 10, 1, tzinfo=UTC), date(2026, 3, 10), date(2026, 4, 30), id="10 March"),
    ],
)
def test_the_fee_is_due_by_the_day_in_japan(at: datetime, issued_on: date, due_on: date) -> None:
    assert signed(at)[0] == (issued_on, due_on, issued_on, 60_500)


@pytest.mark.rule("T8-3")
def test_tomorrow_is_billed_too_and_a_contract_that_began_is_not() -> None:
    assert signed(datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC))[1] == (
        date(2026, 2, 1), date(2026, 3, 31), date(2026, 2, 1), 60_500,
    )  # fmt: skip
    begun = replace(contract_with(fee_yen=55_000), tax_rates=RATES)
    assert drafts(begun, datetime(2026, 4, 1, tzinfo=UTC)) == ()
