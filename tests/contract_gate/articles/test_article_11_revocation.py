"""Article 11 as a table: clauses, clocks, codes, and what a late payment does to a decision."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from contract_gate.articles.article_11_revocation import (
    GROUNDS,
    Awareness,
    after_payment,
    code_of,
    danger,
    deadline,
    ground_of,
    may_choose,
    notice_awaited_until,
    result_due,
    unpaid_too_long,
)
from contract_gate.calendar import JST
from contract_gate.facts import Invoice
from tests.contract_gate.arrange import contract_with, facts, invoice


def jst(day: int, hour: int, month: int = 5) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=JST)


AT = jst(1, 10)
DAY, FIVE_DAYS = timedelta(seconds=86_400), timedelta(seconds=432_000)


@pytest.mark.std("C-157", "C-158")
@pytest.mark.parametrize(
    ("name", "clause", "notice", "code", "span"),
    [
        pytest.param("change_asked", "A11.1.1", True, 3, DAY, id="T11-1 change, asked"),
        pytest.param("change_learned", "A11.1.1", False, 9, FIVE_DAYS, id="T11-2 change, learned"),
        pytest.param("name_lost_learned", "A11.1.1", False, 5, FIVE_DAYS, id="T11-2 name lost"),
        pytest.param("compromise_asked", "A11.1.2", True, 1, DAY, id="T11-3 compromise, asked"),
        pytest.param("compromise", "A11.1.2", False, 1, DAY, id="T11-3 compromise, proven"),
        pytest.param("cancellation", "A11.2", True, None, DAY, id="T11-4 cancellation"),
        pytest.param("request", "A11.3", True, None, DAY, id="T11-5 request"),
        pytest.param("conduct", "A11.4.2", False, 9, FIVE_DAYS, id="T11-7 conduct"),
        pytest.param("dishonoured", "A11.4.5", False, None, None, id="T11-7 dishonoured"),
        pytest.param("insolvency", "A11.4.6", False, None, None, id="T11-7 insolvency"),
        pytest.param("damage", "A11.4.7", False, 9, None, id="T11-7 damage"),
        pytest.param("ca_key", "A11.4.8", False, 4, DAY, id="T11-13 CA key"),
        pytest.param("rescinded", "A11.4.9", False, None, DAY, id="T11-7 rescinded"),
        pytest.param("rescinded_antisocial", "A11.4.9", False, 9, DAY, id="T13-2 anti-social"),
        pytest.param("service_end", "A23.1", False, None, DAY, id="T23-3 service end"),
        pytest.param("names_holder", "A2.1", False, None, DAY, id="T2-3 holder of names"),
        pytest.param("validation_unreliable", "A2.1", False, 4, DAY, id="T2-3 validation"),
        pytest.param("unauthorised", "A2.1", False, 9, DAY, id="T2-3 unauthorised"),
        pytest.param("misissued", "A2.1", False, 4, FIVE_DAYS, id="T2-3 mis-issued"),
    ],
)
def test_the_table(name: str, clause: str, notice: bool, code: int | None, span: timedelta | None) -> None:
    ground = GROUNDS[name]
    assert (ground.clause, ground.notice_before, code_of(ground, None, True)) == (clause, notice, code)
    assert deadline(ground, [Awareness("report", AT)]) == (None if span is None else AT + span)


@pytest.mark.parametrize(
    ("ended_at", "within", "expected"),
    [
        pytest.param(jst(18, 10, 11), 1, jst(20, 0, 11), id="T11-6 Wednesday: Thursday is the last day"),
        pytest.param(jst(18, 0, 11), 1, jst(20, 0, 11), id="T11-6 the hour is nothing to it"),
        pytest.param(datetime(2026, 11, 18, 14, 59, 59, tzinfo=UTC), 1, jst(20, 0, 11), id="T11-6 Wednesday in Japan"),
        pytest.param(datetime(2026, 11, 18, 15, tzinfo=UTC), 1, jst(21, 0, 11), id="T11-6 Thursday in Japan"),
        pytest.param(jst(20, 10, 11), 1, jst(25, 0, 11), id="T11-6 Friday before a weekend and a holiday"),
        pytest.param(jst(21, 10, 11), 1, jst(25, 0, 11), id="T11-6 so is the Saturday"),
        pytest.param(jst(27, 10, 11), 1, jst(1, 0, 12), id="T11-6 Friday before a weekend: all of Monday"),
        pytest.param(jst(30, 10, 12), 1, jst(5, 0, 1).replace(year=2027), id="T11-6 over the year's end"),
        pytest.param(jst(19, 10, 11), 2, jst(25, 0, 11), id="T11-6 two bank days by the reading"),
    ],
)
def test_who_asked_is_told_before(ended_at: datetime, within: int, expected: datetime) -> None:
    assert result_due(ended_at, within, frozenset({date(2026, 11, 23)})) == expected


@pytest.mark.parametrize(
    ("span", "left", "expected"),
    [
        pytest.param(DAY, 24, None, id="T11-9 a clock of a day begins in no danger"),
        pytest.param(DAY, 13, None, id="T11-9 nor is it with more than half left"),
        pytest.param(DAY, 12, 12, id="T11-9 half of a day"),
        pytest.param(FIVE_DAYS, 25, None, id="T11-9 five days, more than a day left"),
        pytest.param(FIVE_DAYS, 24, 24, id="T11-9 five days, a day left"),
        pytest.param(FIVE_DAYS, 11, 12, id="T11-9 the threshold passed last"),
        pytest.param(DAY, 0, 0, id="T11-9 over"),
        pytest.param(DAY, -30, 0, id="T11-9 learned of too late"),
    ],
)
def test_a_deadline_in_danger(span: timedelta, left: int, expected: int | None) -> None:
    found = danger(AT + timedelta(hours=left), span, AT)
    assert found == (None if expected is None else timedelta(hours=expected))


@pytest.mark.rule("T11-5", "T11-9")
@pytest.mark.parametrize(
    ("left", "minutes"),
    [
        pytest.param(None, 5, id="T11-5 no clock"),
        pytest.param(24 * 60, 5, id="T11-5 five minutes"),
        pytest.param(15, 5, id="T11-9 a CRL takes ten"),
        pytest.param(14, 4, id="T11-9 so there is less time"),
        pytest.param(9, -1, id="T11-9 and none when it is late"),
    ],
)
def test_a_notice_is_awaited_but_never_past_the_deadline(left: int | None, minutes: int) -> None:
    until = None if left is None else AT + timedelta(minutes=left)
    assert notice_awaited_until(AT, until) == AT + timedelta(minutes=minutes)


@pytest.mark.rule("T11-9", "T3-4")
def test_a_confirmation_restarts_no_clock() -> None:
    """The example of Article 3: reported 2026-05-01 10:00, confirmed 05-03 15:00, due 05-06 10:00."""
    reported, confirmed = Awareness("report", jst(1, 10)), Awareness("confirmed", jst(3, 15))
    for known in ([reported], [reported, confirmed], [confirmed, reported]):
        assert deadline(GROUNDS["conduct"], known) == jst(6, 10)
    assert deadline(GROUNDS["conduct"], [confirmed]) == jst(8, 15)


@pytest.mark.std("C-159")
@pytest.mark.rule("T11-9", "T14-2")
def test_seconds_count_over_weekends_and_the_earliest_awareness_counts() -> None:
    learned = datetime(2026, 9, 10, 12, tzinfo=JST)
    assert deadline(GROUNDS["change_learned"], [Awareness("own_evidence", learned)]) == datetime(
        2026, 9, 15, 12, tzinfo=JST
    )
    friday = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    assert deadline(GROUNDS["request"], [Awareness("request", friday)]) == friday + timedelta(seconds=86_400)
    assert deadline(GROUNDS["request"], []) is None


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize(
    ("name", "known", "until"),
    [
        pytest.param("unpaid", [], None, id="a default alone runs no clock"),
        pytest.param("unpaid", [Awareness("material", jst(20, 10))], jst(25, 10), id="example (unpaid)"),
        pytest.param(
            "breach", [Awareness("report", jst(1, 10))], None, id="a report of a breach not recorded material"
        ),
        pytest.param(
            "breach",
            [Awareness("report", jst(1, 10)), Awareness("material", jst(3, 10))],
            jst(6, 10),
            id="a report started it earlier",
        ),
    ],
)
def test_the_clock_of_a_breach_starts_with_its_materiality(
    name: str, known: list[Awareness], until: datetime | None
) -> None:
    assert deadline(GROUNDS[name], known) == until


@pytest.mark.rule("T2-2", "T11-7")
def test_the_cps_may_demand_a_clock_and_a_guideline_has_that_of_its_ground() -> None:
    known = [Awareness("own_evidence", AT)]
    assert deadline(GROUNDS["insolvency"], known, cps_demands=True) == AT + FIVE_DAYS
    ignored = ground_of("guideline_ignored", "compromise")
    assert (ignored.clause, code_of(ignored, None, False), deadline(ignored, known)) == ("A11.4.3", 1, AT + DAY)


@pytest.mark.rule("T11-8")
@pytest.mark.std("C-140", "C-144")
@pytest.mark.parametrize(
    ("asked", "may", "code"),
    [(None, True, None), (0, True, None), (1, True, 1), (3, True, 3), (4, True, 4), (5, True, 5)],
)
def test_a_customer_chooses_none_which_0_means_too_or_1_3_4_5(asked: int | None, may: bool, code: int | None) -> None:
    assert may_choose(asked) is may
    assert code_of(GROUNDS["request"], asked, False) == code


@pytest.mark.rule("T11-8")
@pytest.mark.parametrize("asked", [2, 6, 7, 8, 9, 10, -1])
def test_no_other_code_is_a_customers(asked: int) -> None:
    assert not may_choose(asked)


@pytest.mark.rule("T11-8", "T11-12")
@pytest.mark.parametrize(("material", "code"), [(True, 9), (False, None)])
def test_a_breach_has_code_9_only_if_it_is_material(material: bool, code: int | None) -> None:
    assert code_of(GROUNDS["unpaid"], None, material) == code
    assert code_of(GROUNDS["breach"], None, material) == code


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize(
    ("value_on", "material", "outcome"),
    [
        pytest.param(date(2026, 5, 19), True, "withdraw", id="value-dated before"),
        pytest.param(date(2026, 5, 20), False, "withdraw", id="value-dated on the day of the decision"),
        pytest.param(date(2026, 5, 21), True, "proceed", id="later, material"),
        pytest.param(date(2026, 5, 21), False, "lapse", id="later, not material"),
    ],
)
def test_a_payment_between_decision_and_execution(value_on: date, material: bool, outcome: str) -> None:
    assert after_payment(jst(20, 10), value_on, material) == outcome


@pytest.mark.rule("T12-3")
def test_decisions_end_contracts_and_what_customers_or_the_br_ask_does_not() -> None:
    ending = {"A11.4.1", "A11.4.2", "A11.4.3", "A11.4.4", "A11.4.5", "A11.4.6", "A11.4.7", "A11.4.9"}
    assert {ground.clause for ground in GROUNDS.values() if ground.ends} == ending
    assert not any(ground.ends for ground in GROUNDS.values() if ground.clause not in ending)


DUE = date(2026, 4, 30)


@pytest.mark.parametrize(
    ("found", "today", "expected"),
    [
        pytest.param(invoice(DUE), date(2026, 5, 31), ["F-1"], id="T11-7 more than 30 days after"),
        pytest.param(invoice(DUE), date(2026, 5, 30), [], id="T11-7 30 days after"),
        pytest.param(invoice(DUE, open_yen=1000), date(2026, 5, 31), [], id="T8-15 a small rest"),
        pytest.param(invoice(DUE, open_yen=1001), date(2026, 5, 31), ["F-1"], id="T8-15 a larger one"),
        pytest.param(invoice(DUE, kind="difference"), date(2026, 5, 31), [], id="T8-11 a tax difference"),
        pytest.param(invoice(DUE, dealer="D"), date(2026, 5, 31), [], id="T8-16 a dealer who does not remit"),
        pytest.param(
            invoice(DUE, dealer="D", dealer_states_default=True), date(2026, 5, 31), ["F-1"], id="T8-16 as it states"
        ),
        pytest.param(invoice(DUE, contract_id=UUID(int=9)), date(2026, 5, 31), [], id="R-13 another contract's"),
        pytest.param(invoice(date(2026, 5, 2)), date(2026, 6, 3), [], id="T8-4 Saturday moves to Wednesday, 7 May"),
    ],
)
def test_what_is_unpaid_for_too_long(found: Invoice, today: date, expected: list[str]) -> None:
    closed = frozenset({date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)})
    known = facts(invoices=(found,), holidays=closed, bank_data_through=date(2026, 12, 31))
    assert unpaid_too_long(known, timedelta(days=30), today) == expected


@pytest.mark.rule("T11-7")
def test_an_ended_contract_is_not_revoked_for_non_payment_again() -> None:
    known = msgspec.structs.replace(contract_with(state="ended"), invoices=(invoice(DUE),))
    assert unpaid_too_long(known, timedelta(days=30), date(2026, 5, 31)) == []
