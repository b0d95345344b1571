"""Every gate both ways, what is reported of several (T0-3), and that nothing broken is ever admitted."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_gate.decision import Admitted, Breach, Case, Gate, Refused, Satisfied
from contract_gate.facts import Binding, Facts, InformationChange, NameEntry, ReviewItem, Suspension
from contract_gate.gate import ASKED, GATES, decide
from tests.contract_gate.arrange import (
    CONTRACT_ID,
    GOOD,
    GOOD_CONTRACT,
    KEY_ID,
    NOW,
    REVIEW_KINDS,
    contract_with,
    facts,
    invoice,
    jst,
    loaded,
    wanted,
)


def review(without: str = "", **changes: Any) -> tuple[ReviewItem, ...]:
    """The good review without one kind, or with one item changed: kind=(verdict, obtained_on)."""
    kept = [item for item in GOOD.review if item.kind != without and item.kind not in changes]
    return (*kept, *(ReviewItem(kind, *changed) for kind, changed in changes.items()))


def suspended(clause: str, starts_at: datetime, ends_at: datetime | None) -> Facts:
    return facts(suspensions=(Suspension(clause, starts_at, ends_at),))


def changed(item: str, in_certificate: bool = False) -> Facts:
    return facts(changes=(InformationChange(item, in_certificate, NOW),))


def key(**changes: Any) -> Facts:
    return facts(binding=msgspec.structs.replace(Binding(KEY_ID, CONTRACT_ID, (), None, None), **changes))


HOUR = timedelta(hours=1)
OVERDUE = invoice(date(2026, 10, 30))

REFUSED = [
    pytest.param(contract_with(state="applied", accepted_at=None), Gate.G1, Case.NOT_ACCEPTED, id="T12-2 applied"),
    pytest.param(contract_with(state="rejected", accepted_at=None), Gate.G1, Case.NOT_ACCEPTED, id="T12-2 rejected"),
    pytest.param(contract_with(accepted_at=None), Gate.G1, Case.NOT_ACCEPTED, id="T12-2 no acceptance on record"),
    pytest.param(facts(untold=True), Gate.G1, Case.NOT_ACCEPTED, id="T4-5 its notice of formation has not left"),
    pytest.param(contract_with(state="ended", end_cause="cancelled"), Gate.G1, Case.ENDED, id="T12-3 cancelled"),
    pytest.param(contract_with(state="ended", end_cause="expired"), Gate.G1, Case.RENEWAL_NEEDED, id="T12-4 expired"),
    pytest.param(contract_with(started_at=jst(2025, 11, 22)), Gate.G1, Case.RENEWAL_NEEDED, id="T12-4 term over"),
    pytest.param(
        contract_with(state="ended", end_cause="rescinded", started_at=jst(2025, 1, 1)), Gate.G1, Case.ENDED,
        id="T0-3 rescinded, and the term is over too",
    ),
    pytest.param(facts(consent=None), Gate.G2, Case.NO_CONSENT, id="T2-1 no consent"),
    *(
        pytest.param(facts(review=review(kind)), Gate.G3, Case.REVIEW_INCOMPLETE, id=f"T4-3 no {kind}")
        for kind in REVIEW_KINDS
    ),
    pytest.param(
        facts(review=review(address=("negative", date(2026, 11, 1)))), Gate.G3, Case.REVIEW_INCOMPLETE,
        id="T4-3 negative",
    ),
    pytest.param(
        facts(review=review(address=("pending", date(2026, 11, 1)))), Gate.G3, Case.REVIEW_INCOMPLETE,
        id="T4-3 pending",
    ),
    pytest.param(facts(subject=None), Gate.G3, Case.REVIEW_INCOMPLETE, id="T1-2 no reviewed subject"),
    pytest.param(
        facts(review=review(address=("positive", date(2025, 10, 1)))), Gate.G3, Case.REVIEW_STALE, id="T4-4 too old"
    ),
    pytest.param(
        facts(review=review(address=("positive", date(2026, 11, 23)))), Gate.G3, Case.REVIEW_STALE,
        id="T4-4 a day to come",
    ),
    pytest.param(facts(binding=None), Gate.G4, Case.BINDING, id="T4-2 no key"),
    pytest.param(key(contract_id=UUID(int=8)), Gate.G4, Case.BINDING, id="T4-2 key of another contract"),
    pytest.param(key(withdrawn_at=NOW - HOUR), Gate.G4, Case.BINDING, id="T4-2 withdrawn"),
    pytest.param(key(expires_at=NOW), Gate.G4, Case.BINDING, id="T4-2 expired at this instant"),
    pytest.param(facts(names=()), Gate.G5, Case.NAMES, id="T4-8 not listed"),
    pytest.param(key(names=("shop.demo.test",)), Gate.G5, Case.NAMES, id="T4-2 outside the scope of the key"),
    pytest.param(contract_with(names_count=6), Gate.G5, Case.TOO_MANY_NAMES, id="T8-13 more than contracted"),
    pytest.param(facts(invoices=(OVERDUE,)), Gate.G6, Case.OVERDUE, id="T8-15 overdue"),
    pytest.param(facts(held=True), Gate.G7, Case.HOLD, id="T13-2 held"),
    pytest.param(changed("organization"), Gate.G8, Case.INFORMATION_CHANGED, id="T14-1 organisation"),
    pytest.param(changed("address"), Gate.G8, Case.INFORMATION_CHANGED, id="T6-4 address"),
    pytest.param(changed("other", in_certificate=True), Gate.G8, Case.INFORMATION_CHANGED, id="T11-2 in a certificate"),
    pytest.param(suspended("A10.1", NOW, None), Gate.G9, Case.SUSPENDED, id="T10-1 from now on"),
    pytest.param(suspended("A22.1", NOW - HOUR, NOW + HOUR), Gate.G9, Case.SUSPENDED, id="T22-1 force majeure"),
    pytest.param(suspended("A22.2", NOW - HOUR, NOW + HOUR), Gate.G9, Case.SUSPENDED, id="T22-2 maintenance"),
    pytest.param(suspended("A23.1", NOW, None), Gate.G1, Case.ENDED, id="T23-3 the service has ended at this second"),
    pytest.param(contract_with(started_at=jst(2025, 11, 23, 1)), Gate.G10, Case.TOO_SHORT, id="T12-5 hours are left"),
]  # fmt: skip


@pytest.mark.parametrize(("known", "gate", "case"), REFUSED)
def test_a_gate_refuses(known: Facts, gate: Gate, case: Case) -> None:
    answer = decide(loaded(known), wanted(), NOW)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.case) == (gate, case)
    assert len(answer.findings) == len(ASKED)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(GOOD, id="a good contract"),
        pytest.param(contract_with(started_at=None), id="T12-2 no certificate yet"),
        pytest.param(facts(review=review(address=("positive", date(2025, 10, 20)))), id="T4-4 398 days old"),
        pytest.param(key(expires_at=NOW + HOUR), id="T4-2 key that expires later"),
        pytest.param(key(names=("shop.demo.test", ".demo.test")), id="T4-2 inside the scope of the key"),
        pytest.param(contract_with(names_count=5), id="T8-13 as many as contracted"),
        pytest.param(facts(invoices=(invoice(date(2026, 11, 30)),)), id="T8-7 unpaid, not yet due"),
        pytest.param(facts(invoices=(OVERDUE,), bank_data_through=date(2026, 10, 29)), id="T8-6 bank data missing"),
        pytest.param(facts(invoices=(msgspec.structs.replace(OVERDUE, kind="difference"),)), id="T8-11 difference"),
        pytest.param(
            facts(invoices=(msgspec.structs.replace(OVERDUE, contract_id=UUID(int=8)),)), id="T8-15 another contract"
        ),
        pytest.param(changed("representative"), id="T6-4 representative only"),
        pytest.param(changed("other"), id="T6-4 not in a certificate"),
        pytest.param(suspended("A10.1", NOW + HOUR, None), id="T10-1 not yet"),
        pytest.param(suspended("A22.1", NOW - HOUR, NOW), id="T22-1 just over"),
        pytest.param(suspended("A22.2", NOW + HOUR, NOW + 2 * HOUR), id="T22-2 announced"),
        pytest.param(suspended("A23.1", NOW + HOUR / 3600, None), id="T23-3 the service ends in a second"),
    ],
)
def test_the_gate_admits(known: Facts) -> None:
    answer = decide(loaded(known), wanted(), NOW)
    assert isinstance(answer, Admitted)
    assert (answer.contract_id, answer.binding_key_id, answer.names) == (CONTRACT_ID, KEY_ID, ("www.demo.test",))
    assert all(isinstance(found, Satisfied) for found in answer.findings)
    assert answer.facts == loaded(known).raw


@pytest.mark.rule("T4-4")
@pytest.mark.parametrize(
    ("obtained_on", "now", "admitted"),
    [
        pytest.param(date(2026, 1, 10), jst(2027, 2, 12, 23, 59, 59), True, id="last day"),
        pytest.param(date(2026, 1, 10), jst(2027, 2, 13), False, id="a day more, though the contract runs on"),
        pytest.param(date(2023, 12, 10), jst(2026, 3, 15) - HOUR, True, id="825 days, before 15 March 2026"),
        pytest.param(date(2023, 12, 9), jst(2026, 3, 15) - HOUR, False, id="826 days, before 15 March 2026"),
        pytest.param(date(2025, 2, 10), jst(2026, 3, 15), True, id="398 days, from 15 March 2026"),
        pytest.param(date(2025, 2, 9), jst(2026, 3, 15), False, id="399 days, from 15 March 2026"),
    ],
)
def test_the_age_of_review_data_counts_on_the_day_of_issuance(obtained_on: date, now: datetime, admitted: bool) -> None:
    fresh = tuple(ReviewItem(kind, "positive", obtained_on) for kind in REVIEW_KINDS)
    known = facts(review=fresh, contract=contract_with(started_at=jst(2026, 3, 10), term_months=24).contract)
    answer = decide(loaded(known), wanted(), now)
    assert isinstance(answer, Admitted) is admitted
    if isinstance(answer, Refused):
        assert answer.case is Case.REVIEW_STALE


@pytest.mark.rule("T4-8")
def test_a_refusal_of_names_says_which_in_the_order_of_the_request() -> None:
    answer = decide(loaded(GOOD), wanted("b.test", "www.demo.test", "*.a.test", "10.0.0.1", "127.0.0.1"), NOW)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.names) == (Gate.G5, ("b.test", "*.a.test", "10.0.0.1"))


def test_a_request_without_names_is_refused() -> None:
    nothing = msgspec.structs.replace(wanted(), names=())
    answer = decide(loaded(GOOD), nothing, NOW)
    assert isinstance(answer, Refused)
    assert answer.case is Case.NAMES


@pytest.mark.rule("T10-1", "T22-1")
@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        pytest.param([NOW + HOUR], 3600, id="its end"),
        pytest.param([NOW + HOUR, NOW + 2 * HOUR], 7200, id="the last end"),
        pytest.param([NOW + timedelta(microseconds=1)], 1, id="never zero"),
        pytest.param([NOW + 9 * HOUR, None], 3600, id="an unknown end: ask each hour"),
    ],
)
def test_retry_after(ends: list[datetime | None], expected: int) -> None:
    stopped = tuple(Suspension("A10.1", NOW - HOUR, end) for end in ends)
    announced = Suspension("A22.2", NOW + 20 * HOUR, NOW + 30 * HOUR)
    answer = decide(loaded(facts(suspensions=(*stopped, announced))), wanted(), NOW)
    assert isinstance(answer, Refused)
    assert answer.retry_after == expected


@pytest.mark.rule("T8-15")
def test_the_whole_customer_is_blocked_only_when_the_reading_says_so() -> None:
    other = msgspec.structs.replace(OVERDUE, contract_id=UUID(int=8))
    rows = [{"key": "block.scope", "effective_at": jst(2026, 1, 1), "value": "customer"}]
    known = msgspec.convert({**msgspec.to_builtins(facts(invoices=(other,))), "readings": rows}, Facts)
    answer = decide(loaded(known), wanted(), NOW)
    assert isinstance(answer, Refused)
    assert answer.gate is Gate.G6


# One breakage of its own field for each gate, so that any set of gates can fail together.
BREAKAGES: Mapping[Gate, Mapping[str, Any]] = {
    Gate.G1: {"contract": msgspec.structs.replace(GOOD_CONTRACT, state="ended", end_cause="cancelled")},
    Gate.G2: {"consent": None},
    Gate.G3: {"subject": None},
    Gate.G4: {"binding": None},
    Gate.G5: {"names": (NameEntry("host", "shop.demo.test"),)},
    Gate.G6: {"invoices": (OVERDUE,)},
    Gate.G7: {"held": True},
    Gate.G8: {"changes": (InformationChange("organization", True, NOW),)},
    Gate.G9: {"suspensions": (Suspension("A10.1", NOW, None),)},
    Gate.G10: {},
}


@pytest.mark.rule("T0-3")
@given(failing=st.sets(st.sampled_from(Gate), min_size=1))
def test_of_several_failing_gates_g4_alone_is_reported_else_the_lowest(failing: set[Gate]) -> None:
    broken = {field: value for gate in failing for field, value in BREAKAGES[gate].items()}
    request = wanted(not_after=NOW + HOUR) if Gate.G10 in failing else wanted()
    answer = decide(loaded(facts(**broken)), request, NOW)
    assert isinstance(answer, Refused)
    assert answer.gate is (Gate.G4 if Gate.G4 in failing else min(failing, key=list(Gate).index))
    asked = zip(ASKED, answer.findings, strict=True)
    assert {gate for (gate, _), found in asked if isinstance(found, Breach)} == failing
    assert (answer.retry_after is not None) is (failing == {Gate.G9} or failing == {Gate.G9, Gate.G10})


@given(broken=st.lists(st.sampled_from([p.values[0] for p in REFUSED]), min_size=1, max_size=4))
def test_no_combination_of_broken_facts_is_admitted(broken: list[Facts]) -> None:
    mixed = {
        field: getattr(one, field)
        for one in broken
        for field in Facts.__struct_fields__
        if getattr(one, field) != getattr(GOOD, field)
    }
    assert isinstance(decide(loaded(facts(**mixed)), wanted(), NOW), Refused)


def test_what_is_not_known_is_a_stranger() -> None:
    answer = decide(loaded(facts(contract=None, binding=None)), wanted(), NOW)
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.case) == (Gate.G4, Case.BINDING)
    assert (answer.contract_id, answer.binding_key_id) == (None, None)
    only_contract = decide(loaded(facts(contract=None)), wanted(), NOW)
    assert isinstance(only_contract, Refused)
    assert only_contract.gate is Gate.G4


@pytest.mark.parametrize("field", Facts.__struct_fields__)
def test_facts_without_a_field_are_no_facts(field: str) -> None:
    known = msgspec.to_builtins(GOOD)
    del known[field]
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(known), type=Facts)


def test_the_gates_are_asked_in_order_and_none_is_left_out() -> None:
    assert list(GATES) == list(Gate)
    assert all(GATES.values())
