"""The term of a contract and of its certificates."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest

from contract_gate.articles.article_12_term import (
    CHANGES,
    before,
    lapses_at,
    last_certificate_gone,
    long_enough,
    not_after_limit,
    not_ended,
    renewable_from,
    serves_from,
    term_end,
    within_term,
)  # fmt: skip
from contract_gate.decision import Breach, Case, Satisfied
from contract_gate.facts import Facts, Predecessor
from contract_gate.readings import Reading
from tests.contract_gate.arrange import contract_with, facts, jst, wanted

STARTED = jst(2026, 3, 10)
END = jst(2027, 3, 10)


@pytest.mark.parametrize(
    ("started_at", "months", "expected"),
    [
        pytest.param(jst(2026, 3, 10, 10), 12, jst(2027, 3, 10), id="T12-2 a year"),
        pytest.param(jst(2026, 3, 10), 12, jst(2027, 3, 10), id="T12-2 from the first second of the day"),
        pytest.param(datetime(2026, 3, 9, 15, 30, tzinfo=UTC), 12, jst(2027, 3, 10), id="T12-2 the day is Japan's"),
        pytest.param(jst(2024, 2, 29), 12, jst(2025, 3, 1), id="T12-2 leap day"),
        pytest.param(jst(2026, 8, 31), 6, jst(2027, 3, 1), id="T12-2 no 31 February"),
        pytest.param(None, 12, jst(2027, 11, 22), id="T12-2 no certificate yet: as if issued now"),
    ],
)
def test_term_end(started_at: datetime | None, months: int, expected: datetime) -> None:
    known = contract_with(started_at=started_at, term_months=months)
    assert term_end(known, jst(2026, 11, 22, 21)) == expected


def renewal(*predecessors: Predecessor, started_at: datetime | None = None) -> Facts:
    contract = contract_with(started_at=started_at).contract
    return facts(contract=contract, predecessors=predecessors)


def predecessor(
    started_at: datetime | None = STARTED, end_cause: str | None = None, link: Literal["renewal", "change"] = "renewal"
) -> Predecessor:
    return Predecessor(UUID(int=9), end_cause, jst(2026, 3, 1), started_at, 12, link)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(renewal(predecessor()), jst(2028, 3, 10), id="T12-6 from the old end"),
        pytest.param(renewal(predecessor(end_cause="expired")), jst(2028, 3, 10), id="T12-6 after the old end, too"),
        pytest.param(renewal(predecessor(end_cause="cancelled")), jst(2028, 2, 20), id="T12-6 not after another end"),
        pytest.param(renewal(predecessor(link="change")), jst(2028, 2, 20), id="T14-1 a change has a term of its own"),
        pytest.param(renewal(predecessor(None)), jst(2028, 2, 20), id="T12-6 not without an old term"),
        pytest.param(
            renewal(predecessor(jst(2027, 3, 1)), predecessor()), jst(2029, 3, 10), id="T12-6 a renewal of a renewal"
        ),
    ],
)
def test_the_term_of_a_renewal(known: Facts, expected: datetime) -> None:
    assert term_end(known, jst(2027, 2, 20)) == expected


@pytest.mark.rule("T12-2")
def test_a_contract_keeps_the_reading_it_was_accepted_under() -> None:
    rows = (Reading("term.first_day", jst(2026, 3, 5), "not_counted"),)
    assert term_end(facts(readings=rows), jst(2026, 6, 1)) == END
    later = facts(contract=contract_with(accepted_at=jst(2026, 3, 6)).contract, readings=rows)
    assert term_end(later, jst(2026, 6, 1)) == jst(2027, 3, 11)


@pytest.mark.rule("T12-1", "T12-4")
def test_the_term_ends_with_the_last_second_before_midnight() -> None:
    assert isinstance(within_term(facts(), wanted(), END - timedelta(seconds=1)), Satisfied)
    over = within_term(facts(), wanted(), END)
    assert isinstance(over, Breach)
    assert over.case is Case.RENEWAL_NEEDED


@pytest.mark.rule("T12-3")
@pytest.mark.parametrize("cause", ["cancelled", "rescinded", "service_ended", "lapsed", "revoked", "expired"])
def test_an_end_by_time_points_to_renewal_every_other_is_the_same(cause: str) -> None:
    found = not_ended(contract_with(state="ended", end_cause=cause), wanted(), jst(2026, 6, 1))
    assert isinstance(found, Breach)
    assert found.case is (Case.RENEWAL_NEEDED if cause == "expired" else Case.ENDED)


@pytest.mark.rule("T12-5")
@pytest.mark.parametrize(
    ("now", "lifetime", "expected"),
    [
        pytest.param(jst(2027, 3, 1), timedelta(days=199), datetime(2027, 3, 9, 14, 59, 59, tzinfo=UTC), id="term end"),
        pytest.param(jst(2026, 4, 1, 9), timedelta(days=90), datetime(2026, 6, 30, tzinfo=UTC), id="lifetime"),
        pytest.param(
            jst(2026, 4, 1, 9) + timedelta(microseconds=7), timedelta(days=1), datetime(2026, 4, 2, tzinfo=UTC),
            id="whole seconds",
        ),
    ],
)  # fmt: skip
def test_not_after_limit(now: datetime, lifetime: timedelta, expected: datetime) -> None:
    limit = not_after_limit(facts(), wanted(lifetime=lifetime), now)
    assert limit == expected
    assert (limit.tzinfo, limit.microsecond) == (UTC, 0)


@pytest.mark.rule("T12-5")
@pytest.mark.parametrize(
    ("now", "changes", "enough"),
    [
        pytest.param(END - timedelta(days=1, seconds=1), {}, True, id="exactly a day"),
        pytest.param(END - timedelta(days=1), {}, False, id="a second less"),
        pytest.param(jst(2026, 6, 1), {"not_after": jst(2026, 6, 2)}, True, id="a wanted end a day from now"),
        pytest.param(jst(2026, 6, 1), {"not_after": jst(2026, 6, 1, 23)}, False, id="a wanted end too soon"),
        pytest.param(jst(2026, 6, 1), {"not_before": jst(2027, 3, 8)}, True, id="a wanted start in time"),
        pytest.param(jst(2026, 6, 1), {"not_before": jst(2027, 3, 9)}, False, id="a wanted start too late"),
        pytest.param(
            jst(2026, 6, 1), {"not_before": jst(2026, 5, 1), "not_after": jst(2026, 6, 1, 23)}, False,
            id="a wanted start in the past gains nothing",
        ),
    ],
)  # fmt: skip
def test_long_enough(now: datetime, changes: dict[str, datetime], enough: bool) -> None:
    request = wanted(lifetime=timedelta(days=365), **changes)
    assert isinstance(long_enough(facts(), request, now), Satisfied) is enough


@pytest.mark.rule("T12-5")
def test_the_minimum_is_a_reading() -> None:
    week = facts(readings=(Reading("cert.min_lifetime", jst(2026, 1, 1), "7"),))
    assert isinstance(long_enough(week, wanted(), END - timedelta(days=7, seconds=1)), Satisfied)
    assert isinstance(long_enough(week, wanted(), END - timedelta(days=7)), Breach)


def test_a_contract_that_is_not_known_has_no_term() -> None:
    unknown = facts(contract=None)
    assert term_end(unknown, jst(2026, 6, 1)) is None
    assert not_after_limit(unknown, wanted(), jst(2026, 6, 1)) == jst(2026, 6, 1)


@pytest.mark.parametrize(
    ("link", "accepted_at", "expected"),
    [
        pytest.param("renewal", jst(2027, 1, 5), jst(2027, 2, 8), id="T12-7 from 30 days before the old end"),
        pytest.param("renewal", jst(2027, 2, 20), jst(2027, 2, 20), id="T12-7 not before it is accepted"),
        pytest.param("change", jst(2026, 9, 12), jst(2026, 9, 12), id="T12-7 a re-contract from its acceptance"),
    ],
)
def test_from_when_a_successor_serves(link: str, accepted_at: datetime, expected: datetime) -> None:
    assert serves_from(link, END, accepted_at, timedelta(days=30)) == expected


@pytest.mark.rule("T12-6", "T12-8")
def test_windows() -> None:
    assert renewable_from(END, timedelta(days=90)) == jst(2026, 12, 10)
    assert lapses_at(jst(2026, 3, 1, 9), 180) == jst(2026, 8, 28, 9)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param([], True, id="T12-3 none is left"),
        pytest.param([END], False, id="T12-3 a revoked one beside a live one ends nothing"),
        pytest.param([STARTED], True, id="T12-3 what is left has expired"),
    ],
)
def test_last_certificate(live: list[datetime], expected: bool) -> None:
    assert last_certificate_gone(live, jst(2026, 9, 1)) is expected


@pytest.mark.rule("T12-3")
def test_final_states_lead_nowhere_and_accepted_only_to_its_end() -> None:
    assert [state for state, after in CHANGES.items() if not after] == ["withdrawn", "rejected", "ended"]
    assert CHANGES["accepted"] == {"ended"}
    assert before("ended") == ["accepted"]
    assert before("accepted") == ["under_review"]
