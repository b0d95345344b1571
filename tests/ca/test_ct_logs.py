"""Which logs are asked, and which SCTs are enough. C-128 to C-131."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ca.ct_logs import ListRefused, Log, chosen, enough, needed, next_to_ask, parse
from ca.profiles import SHORTLIVED, TLSSERVER, lifetime
from tests.ca.arrange import NOW
from tests.simulators.ct_log import SimulatedLog, log_list

FROM, BEFORE = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 7, 1, tzinfo=UTC)


def log(name: str = "a", operator: str = "A", **changes: Any) -> Log:
    """A usable RFC 6962 log that takes what ends in the first half of 2027."""
    key = name.encode()
    made = Log(sha256(key).digest(), key, f"https://{name}.test/", operator, name, False, "usable",
               NOW - timedelta(days=1), FROM, BEFORE)  # fmt: skip
    return msgspec.structs.replace(made, **changes)


A, B, C = log("a", "A"), log("b", "B"), log("c", "A")
TILES, OTHER_TILES = log("t", "A", tiled=True), log("u", "B", tiled=True)


@pytest.mark.std("C-128", "C-131")
@pytest.mark.parametrize(
    ("span", "number"),
    [
        pytest.param(lifetime(SHORTLIVED, NOW), 2, id="6 days"),
        pytest.param(timedelta(days=180) - timedelta(seconds=1), 2, id="180 days, both ends counted"),
        pytest.param(timedelta(days=180), 3, id="180 days and a second"),
        pytest.param(lifetime(TLSSERVER, NOW), 3, id="199 days"),
        pytest.param(timedelta(days=398), 3, id="398 days"),
    ],
)
def test_how_many_scts(span: timedelta, number: int) -> None:
    assert needed(NOW, NOW + span) == number


@pytest.mark.std("C-128", "C-131")
@pytest.mark.parametrize(
    ("logs", "number", "expected"),
    [
        pytest.param([A, B], 2, True, id="two logs, two operators"),
        pytest.param([A, C], 2, False, id="one operator"),
        pytest.param([A, A], 2, False, id="one log twice"),
        pytest.param([A], 2, False, id="one log"),
        pytest.param([TILES, OTHER_TILES], 2, False, id="no RFC 6962 log"),
        pytest.param([TILES, B], 2, True, id="an RFC 6962 log and tiles"),
        pytest.param([A, B], 3, False, id="two of three"),
        pytest.param([A, B, A], 3, False, id="two of three, one twice"),
        pytest.param([A, B, C], 3, True, id="three logs, two operators"),
        pytest.param([A, B, TILES], 3, True, id="three with tiles"),
        pytest.param([], 2, False, id="none"),
    ],
)
def test_which_scts_are_enough(logs: list[Log], number: int, expected: bool) -> None:
    assert enough(logs, number) is expected
    assert (chosen(logs, number) is not None) is expected


def test_of_more_than_enough_the_first_that_suffice_are_chosen() -> None:
    assert chosen([A, C, TILES, B], 2) == (A, B)
    assert chosen([TILES, OTHER_TILES, C], 2) == (OTHER_TILES, C)
    assert chosen([A, C, TILES, B], 3) == (A, C, B)


@pytest.mark.std("C-130")
@pytest.mark.parametrize(
    ("changes", "not_after", "expected"),
    [
        pytest.param({}, FROM, True, id="the first instant of the shard"),
        pytest.param({}, FROM - timedelta(seconds=1), False, id="before the shard"),
        pytest.param({}, BEFORE - timedelta(seconds=1), True, id="the last second of the shard"),
        pytest.param({}, BEFORE, False, id="after the shard"),
        pytest.param({"ends_from": None, "ends_before": None}, BEFORE, True, id="no shard"),
        pytest.param({"since": NOW + timedelta(seconds=1)}, FROM, False, id="usable later"),
        pytest.param({"since": NOW}, FROM, True, id="usable from now on"),
        *(pytest.param({"state": state}, FROM, False, id=state)
          for state in ("pending", "qualified", "readonly", "retired", "rejected")),
    ],
)  # fmt: skip
def test_which_logs_take_a_certificate(changes: dict[str, Any], not_after: datetime, expected: bool) -> None:
    assert log(**changes).takes(not_after, NOW) is expected


@pytest.mark.std("C-131", "C-128")
def test_who_is_asked_next_adds_what_is_missing() -> None:
    assert next_to_ask([TILES, A, B], []) == A  # an RFC 6962 log first
    assert next_to_ask([C, TILES, B], [A]) == B  # then another operator
    assert next_to_ask([OTHER_TILES, C, B], [TILES]) == B  # both at once
    assert next_to_ask([C, TILES], [A, B]) == C
    assert next_to_ask([A], [A]) is None
    assert next_to_ask([], []) is None


LOGS = [
    SimulatedLog("Ume", "Ume", (), lambda: NOW, ends_from=FROM, ends_before=BEFORE, url="https://ume.test"),
    SimulatedLog("Take", "Take", (), lambda: NOW, tiled=True, state="readonly", url="https://take.test/x/"),
]


def listed(change: Callable[[dict[str, Any]], object] = lambda found: None) -> bytes:
    """The list of LOGS, changed."""
    found = json.loads(log_list(LOGS, NOW))
    change(found)
    return json.dumps(found).encode()


@pytest.mark.std("C-130")
def test_a_list_is_read() -> None:
    found = parse(listed())
    assert (found.version, found.listed_at) == ("1.0", NOW)
    ume, take = found.logs
    assert (ume.id, ume.url, ume.operator, ume.tiled, ume.state) == (
        LOGS[0].id, "https://ume.test/", "Ume", False, "usable"
    )  # fmt: skip
    assert (ume.ends_from, ume.ends_before) == (FROM, BEFORE)
    assert (take.url, take.tiled, take.state, take.ends_from) == ("https://take.test/x/", True, "readonly", None)
    assert ume.since == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.std("C-129")
def test_scts_count_of_logs_that_are_or_were_good() -> None:
    states = ("qualified", "usable", "readonly", "retired", "pending", "rejected")
    logs = [SimulatedLog(state, state, (), lambda: NOW, state=state, url="https://x.test") for state in states]
    found = parse(log_list(logs, NOW))
    assert {one.state for one in found.by_id().values()} == {"qualified", "usable", "readonly", "retired"}
    assert len(found.logs) == 6


def first(found: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, Any] = found["operators"][0]["logs"][0]
    return log


def test_logs_for_tests_and_unknown_fields_are_passed_over() -> None:
    def change(found: dict[str, Any]) -> None:
        first(found)["log_type"] = "test"
        found["operators"][1]["new"] = {"x": 1}

    assert [one.operator for one in parse(listed(change)).logs] == ["Take"]


@pytest.mark.std("C-130")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda found: found.pop("log_list_timestamp"), id="no date"),
        pytest.param(lambda found: found.pop("operators"), id="no operators"),
        pytest.param(lambda found: first(found).update(key="AAAA"), id="key and id differ"),
        pytest.param(lambda found: first(found).update(key="%"), id="no base64"),
        pytest.param(lambda found: first(found).update(state={"good": {"timestamp": "2024-01-01T00:00:00Z"}}),
                     id="no such state"),
        pytest.param(lambda found: first(found)["state"].update(retired={"timestamp": "2024-01-01T00:00:00Z"}),
                     id="two states"),
        pytest.param(lambda found: first(found).update(url="ftp://x"), id="no address"),
        pytest.param(lambda found: found["operators"][0]["logs"].append(first(found)), id="twice"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_whole(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ListRefused, match="no list of logs"):
        parse(listed(change))


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b"[" * 100_000], ids=["empty", "list", "page", "deep"])
def test_no_json_is_no_list(content: bytes) -> None:
    with pytest.raises(ListRefused):
        parse(content)
