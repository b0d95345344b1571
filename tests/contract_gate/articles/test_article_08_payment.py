"""When an invoice is overdue, with the table of T8-4."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from contract_gate.articles.article_08_payment import (
    bank_data_missing,
    blocks,
    last_day_in_time,
    no_payment_block,
    overdue,
    unblocked,
)
from contract_gate.calendar import day_start, next_month_end
from contract_gate.decision import Breach, Satisfied
from contract_gate.facts import Facts
from contract_gate.readings import Reading
from tests.contract_gate.arrange import contract_with, facts, invoice, jst, wanted

FAR = date(2030, 12, 31)


@pytest.mark.parametrize(
    ("issued_on", "due_on", "last_day", "overdue_from"),
    [
        pytest.param(date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 2), date(2026, 3, 3), id="T8-4 Saturday"),
        pytest.param(date(2026, 2, 1), date(2026, 3, 31), date(2026, 3, 31), date(2026, 4, 1), id="T8-4 open day"),
        pytest.param(date(2026, 3, 10), date(2026, 4, 30), date(2026, 4, 30), date(2026, 5, 1), id="T8-4 Thursday"),
        pytest.param(date(2026, 11, 10), date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 5), id="T8-4 year end"),
        pytest.param(date(2026, 12, 15), date(2027, 1, 31), date(2027, 2, 1), date(2027, 2, 2), id="T8-4 Sunday"),
        pytest.param(date(2028, 1, 10), date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 1), id="T8-4 leap day"),
    ],
)
@pytest.mark.rule("T8-2", "T8-4")
def test_the_table_of_due_dates(issued_on: date, due_on: date, last_day: date, overdue_from: date) -> None:
    assert next_month_end(issued_on) == due_on
    unpaid = invoice(due_on, issued_on=issued_on)
    known = facts(invoices=(unpaid,), bank_data_through=FAR)
    assert last_day_in_time(unpaid, known) == last_day
    assert not overdue(unpaid, last_day, known)
    assert overdue(unpaid, overdue_from, known)
    before = no_payment_block(known, wanted(), day_start(overdue_from) - timedelta(seconds=1))
    assert isinstance(before, Satisfied)
    assert isinstance(no_payment_block(known, wanted(), day_start(overdue_from)), Breach)


DUE = date(2026, 4, 30)
TODAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("bank_from", "bank_through", "expected"),
    [
        pytest.param(date(2026, 1, 1), date(2026, 4, 30), True, id="T8-6 covered to the last day"),
        pytest.param(date(2026, 1, 1), date(2026, 4, 27), False, id="T8-6 28 April is missing"),
        pytest.param(date(2026, 1, 1), date(2026, 4, 29), False, id="T8-6 a day short"),
        pytest.param(None, None, False, id="T8-6 no bank data"),
        pytest.param(date(2026, 1, 6), date(2026, 4, 30), False, id="T8-6 not covered from the invoice on"),
        pytest.param(date(2026, 1, 5), date(2026, 4, 30), True, id="T8-6 covered from the day of the invoice"),
    ],
)
def test_overdue_waits_for_bank_data(bank_from: date | None, bank_through: date | None, expected: bool) -> None:
    known = facts(bank_data_from=bank_from, bank_data_through=bank_through)
    assert overdue(invoice(DUE), TODAY, known) is expected


@pytest.mark.parametrize(
    ("through", "today", "missing"),
    [
        pytest.param(date(2026, 4, 27), date(2026, 4, 28), False, id="T8-6 yesterday is known"),
        pytest.param(date(2026, 4, 27), date(2026, 5, 1), False, id="T8-6 28 and 30 April, 29 is a holiday"),
        pytest.param(date(2026, 4, 27), date(2026, 5, 2), True, id="T8-6 1 May is the third"),
        pytest.param(date(2026, 5, 1), date(2026, 5, 7), False, id="T8-6 a weekend and three holidays"),
        pytest.param(date(2026, 5, 1), date(2026, 5, 1), False, id="T8-6 today"),
        pytest.param(date(2026, 12, 30), date(2027, 1, 6), False, id="T8-6 the year's end"),
        pytest.param(date(2026, 12, 30), date(2027, 1, 7), True, id="T8-6 three bank days after it"),
    ],
)
def test_missing_bank_data_raises_an_alarm(through: date, today: date, missing: bool) -> None:
    closed = frozenset({date(2026, 4, 29), date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)})
    assert bank_data_missing(through, today, closed) is missing


@pytest.mark.parametrize(
    ("open_yen", "kind", "blocked"),
    [
        pytest.param(60500, "fee", True, id="T8-15 unpaid"),
        pytest.param(440, "fee", True, id="T8-5 a deducted bank charge of 440 yen is open"),
        pytest.param(1, "fee", True, id="T8-15 one yen"),
        pytest.param(0, "fee", False, id="T8-5 paid"),
        pytest.param(550, "difference", False, id="T8-11 a difference never blocks"),
    ],
)
def test_what_blocks(open_yen: int, kind: str, blocked: bool) -> None:
    known = facts(invoices=(invoice(DUE, open_yen=open_yen, kind=kind),))
    assert isinstance(no_payment_block(known, wanted(), jst(2026, 5, 1)), Breach) is blocked


@pytest.mark.rule("T8-15", "T11-13")
def test_which_invoice_withholds_certificates() -> None:
    known = facts(invoices=(invoice(DUE), invoice(FAR, number="F-2")))
    assert [blocks(number, known, jst(2026, 5, 1)) for number in ("F-1", "F-2", "F-3")] == [True, False, False]
    assert not blocks("F-1", replace(known, free_reissue=True), jst(2026, 5, 1))


@pytest.mark.rule("T8-7")
def test_unpaid_and_not_yet_due_blocks_nothing() -> None:
    known = facts(invoices=(invoice(DUE),), bank_data_through=FAR)
    assert isinstance(no_payment_block(known, wanted(), jst(2026, 4, 30, 23, 59, 59)), Satisfied)


@pytest.mark.rule("T8-15")
def test_a_small_rest_is_told_to_the_officers() -> None:
    small = no_payment_block(facts(invoices=(invoice(DUE, open_yen=1000),)), wanted(), jst(2026, 5, 1))
    large = no_payment_block(facts(invoices=(invoice(DUE, open_yen=1001),)), wanted(), jst(2026, 5, 1))
    assert isinstance(small, Breach)
    assert isinstance(large, Breach)
    assert small.note == "overdue: F-1 (a small rest: a person decides)"
    assert large.note == "overdue: F-1"


LATE = invoice(DUE)
OTHER = invoice(DUE, number="F-2", open_yen=1000)
UNPAID = facts(invoices=(LATE,))


@pytest.mark.parametrize(
    ("before", "settled", "expected"),
    [
        pytest.param(UNPAID, {"F-1": 60_500}, True, id="T8-15 all of it"),
        pytest.param(UNPAID, {"F-1": 60_060}, False, id="T8-15 a rest stays and blocks"),
        pytest.param(UNPAID, {"F-9": 60_500}, False, id="T8-15 another invoice"),
        pytest.param(facts(invoices=(LATE, OTHER)), {"F-1": 60_500}, False, id="T8-15 one of two overdue"),
        pytest.param(facts(invoices=(LATE, OTHER)), {"F-1": 60_500, "F-2": 1000}, True, id="T8-15 both"),
        pytest.param(
            facts(invoices=(invoice(TODAY),), bank_data_through=FAR), {"F-1": 60_500}, False, id="T8-7 paid in time"
        ),
        pytest.param(
            facts(invoices=(LATE,), bank_data_through=DUE - timedelta(days=1)), {"F-1": 60_500}, False,
            id="T8-6 bank data had not come so far",
        ),
        pytest.param(
            facts(invoices=(LATE,), readings=(Reading("payment.tolerance", jst(2026, 1, 1), "440"),)),
            {"F-1": 60_060}, True, id="T8-5 a rest within the tolerance",
        ),
        pytest.param(facts(invoices=(LATE,), free_reissue=True), {"F-1": 60_500}, False, id="T11-13 nothing blocked"),
        pytest.param(
            replace(contract_with(state="ended"), invoices=(LATE,)), {"F-1": 60_500}, False, id="T12-3 it has ended"
        ),
    ],
)  # fmt: skip
def test_what_ends_a_block(before: Facts, settled: dict[str, int], expected: bool) -> None:
    assert unblocked(before, settled, jst(2026, 5, 1)) is expected


@pytest.mark.rule("T8-4")
def test_an_invoice_keeps_the_reading_it_was_made_under() -> None:
    saturday = date(2026, 2, 28)
    later = facts(readings=(Reading("due.roll", jst(2026, 2, 1), "none"),), bank_data_through=FAR)
    assert last_day_in_time(invoice(saturday), later) == date(2026, 3, 2)
    assert last_day_in_time(invoice(saturday, created_at=jst(2026, 2, 2)), later) == saturday


@pytest.mark.rule("T8-5")
def test_a_rest_within_the_tolerance_is_paid() -> None:
    tolerant = facts(readings=(Reading("payment.tolerance", jst(2026, 1, 1), "440"),))
    assert not overdue(invoice(DUE, open_yen=440), TODAY, tolerant)
    assert overdue(invoice(DUE, open_yen=441), TODAY, tolerant)
