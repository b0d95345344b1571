"""What an early end makes of the fee."""

from datetime import date

import msgspec
import pytest

from contract_gate.articles.article_09_settlement import Billed, settlement

BILLED = Billed(date(2026, 3, 10), date(2026, 3, 10), 12, 60_500, 60_500, 0, date(2026, 4, 30))
PAID = msgspec.structs.replace(BILLED, open_yen=0, received_fee_yen=55_000)


@pytest.mark.rule("T9-3")
def test_the_due_date_does_not_move() -> None:
    end = settlement(BILLED, "cancelled", date(2026, 4, 2))
    assert (end.outcome, end.owed_yen, end.open_yen) == ("whole_fee_owed", 60_500, 60_500)
    assert end.due_on == date(2026, 4, 30)


@pytest.mark.parametrize("cause", ["cancelled", "rescinded", "revoked"])
@pytest.mark.rule("T9-1")
def test_nothing_paid_is_returned(cause: str) -> None:
    end = settlement(PAID, cause, date(2026, 6, 1))
    assert (end.outcome, end.owed_yen, end.open_yen, end.ceiling_yen) == ("whole_fee_owed", 60_500, 0, None)


@pytest.mark.rule("T9-2")
def test_without_a_certificate_nothing_is_owed() -> None:
    accepted = Billed(None, None, 12, 0, 0, 0, None)
    end = settlement(accepted, "cancelled", date(2026, 3, 5))
    assert (end.outcome, end.rule, end.owed_yen) == ("nothing_owed", "T9-2", 0)


@pytest.mark.parametrize("cause", ["service_ended", "cause_of_ca"])
@pytest.mark.rule("T9-5")
def test_a_cause_of_the_ca_is_a_proposal(cause: str) -> None:
    end = settlement(PAID, cause, date(2026, 8, 25))
    assert (end.outcome, end.ceiling_yen) == ("proposal", 27_500)
    assert settlement(BILLED, cause, date(2026, 8, 25)).ceiling_yen == 0


@pytest.mark.rule("T9-6")
def test_a_renewal_settles_by_its_own_term() -> None:
    renewal = msgspec.structs.replace(
        PAID, issued_on=date(2027, 2, 20), starts_on=date(2027, 3, 10), due_on=date(2027, 3, 31)
    )
    assert settlement(renewal, "service_ended", date(2027, 9, 10)).ceiling_yen == 27_500
    assert settlement(renewal, "service_ended", date(2027, 3, 1)).ceiling_yen == 55_000
