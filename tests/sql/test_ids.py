"""Ids sort by their instant, then as they were made."""

from datetime import UTC, datetime, timedelta

from sql.ids import first_of, uuid7, uuid7s

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_ids_of_one_instant_sort_as_they_were_made() -> None:
    before = uuid7(AT - timedelta(milliseconds=1))  # so that the count of AT begins here, whatever ran before
    made = [uuid7(AT) for _ in range(4096)]
    assert made == sorted(made)
    assert len(set(made)) == 4096
    assert made[-1] < uuid7(AT + timedelta(milliseconds=1))
    assert before < made[0]


def test_ids_are_version_7_and_cannot_be_guessed() -> None:
    made = [uuid7(AT) for _ in range(100)]
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert len({each.int & ((1 << 62) - 1) for each in made}) == 100


def test_many_ids_at_once_are_as_those_made_one_by_one() -> None:
    uuid7(AT - timedelta(milliseconds=1))  # as above
    made = [uuid7(AT), *uuid7s(AT, 1000), uuid7(AT)]
    assert made == sorted(made)
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert len({each.int & ((1 << 62) - 1) for each in made}) == 1002
    assert uuid7s(AT, 0) == []


def test_a_range_of_ids_begins_with_the_first_of_its_instant() -> None:
    """Orders that expired at the very end of an hour belong to one hour, and to no two (A-136)."""
    assert (first_of(AT).version, first_of(AT).variant) == (7, "specified in RFC 4122")
    assert uuid7(AT - timedelta(milliseconds=1)) < first_of(AT)
    assert all(first_of(AT) <= uuid7(AT) for _ in range(5000))
