"""Other places of the network must see the same: how many, where, and whom we believe. BR §3.2.2.9."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from acme_server.validation.corroboration import (
    Check,
    Numbers,
    Perspective,
    Question,
    Reply,
    Seen,
    judge,
    may_fail,
    place,
    remotes_needed,
    unfit_places,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLACES = (
    place("ohio ARIN 39.96 -83.00"),
    place("oregon ARIN 45.84 -119.70"),
    place("frankfurt RIPE 50.11 8.68"),
    place("stockholm RIPE 59.33 18.07"),
    place("seoul APNIC 37.57 126.98"),
    place("sydney APNIC -33.87 151.21"),
    place("sao-paulo LACNIC -23.55 -46.63"),
)
TOKYO = place("tokyo APNIC 35.68 139.69")
REMOTES = {each.code: each for each in PLACES}
CODES = tuple(REMOTES)


def at(then: datetime) -> int:
    """Nanoseconds since 1970."""
    return int(then.timestamp() * 1e9)


def question(now: datetime = NOW, asked: Sequence[str] = CODES) -> Question:
    return Question("dcv", "www.demo.test", "t-1", now, {code: REMOTES[code] for code in asked})


def seen(code: str, passed: bool = True, when: datetime = NOW, kind: str | None = "dcv") -> Seen:
    return Seen(code, Check(passed, at(when), True, kind))


def reply(*perspectives: Seen, valid: bool = True, quorum: int | None = None, **other: object) -> Reply:
    wanted = len(perspectives) - may_fail(len(perspectives)) if quorum is None else quorum
    fields: dict[str, object] = {"check_type": "dcv", "domain_or_ip_target": "www.demo.test", "trace_identifier": "t-1"}
    return Reply(is_valid=valid, perspectives=list(perspectives), actual_orchestration_parameters=Numbers(wanted),
                 **(fields | other))  # type: ignore[arg-type]  # fmt: skip


def fault(answer: Reply, asked: Sequence[str], now: datetime = NOW) -> str | None:
    return judge(answer, question(now, asked), now).fault


def of(number: int, failing: int = 0, when: datetime = NOW) -> Reply:
    """A reply of so many perspectives, the last of which see something else."""
    return reply(*(seen(code, index < number - failing, when) for index, code in enumerate(CODES[:number])))


@pytest.mark.std("C-053")
@pytest.mark.parametrize(
    ("now", "fewest"),
    [
        (datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC), 2),
        (datetime(2026, 3, 15, tzinfo=UTC), 3),
        (datetime(2026, 6, 14, 23, 59, 59, tzinfo=UTC), 3),
        (datetime(2026, 6, 15, tzinfo=UTC), 4),
        (datetime(2026, 12, 14, 23, 59, 59, tzinfo=UTC), 4),
        (datetime(2026, 12, 15, tzinfo=UTC), 5),
        (datetime(2031, 1, 1, tzinfo=UTC), 5),
    ],
)
def test_so_many_take_part_from_each_date_on(now: datetime, fewest: int) -> None:
    assert remotes_needed(now) == fewest
    mixed = ("ohio", "frankfurt", "seoul", "sao-paulo", "sydney")
    few = mixed[: fewest - 1]
    said = f"{fewest - 1} remote perspectives took part, {fewest} must"
    assert fault(reply(*(seen(code, when=now) for code in few)), few, now) == said
    enough = mixed[:fewest]
    assert fault(reply(*(seen(code, when=now) for code in enough)), enough, now) is None


@pytest.mark.std("C-054")
@pytest.mark.parametrize(("number", "most"), [(4, 1), (5, 1), (6, 2), (7, 2)])
def test_so_many_may_see_something_else(number: int, most: int) -> None:
    asked = CODES[:number]
    assert fault(of(number, most), asked) is None
    said = f"{number - most - 1} of {number} remote perspectives saw it, {number - most} must"
    assert fault(of(number, most + 1), asked) == said


@pytest.mark.std("C-054", "C-059")
@pytest.mark.parametrize(("number", "most"), [(5, 1), (6, 2), (7, 2)])
def test_who_was_asked_and_is_left_out_of_the_reply_saw_nothing(number: int, most: int) -> None:
    asked = CODES[:number]
    assert fault(reply(*of(number - most).perspectives, quorum=number - most), asked) is None
    lower = reply(*of(number - most).perspectives, quorum=number - most - 1)  # as if no more had been asked
    assert fault(lower, asked) == f"the coordinator took a quorum of {number - most - 1}, not {number - most}"
    saw = number - most - 1
    found = judge(reply(*of(saw).perspectives, quorum=number - most), question(asked=asked), NOW)
    assert found.fault == (
        f"{saw} of {number} remote perspectives saw it, {number - most} must"
        if saw >= 4
        else f"{saw} remote perspectives took part, 4 must"
    )
    assert found.said == f"{saw}/{number}"
    assert found.others == sorted(asked[saw:])


@pytest.mark.std("C-055")
def test_those_that_saw_it_lie_in_two_regions() -> None:
    places = {f"us-{number}": Perspective(f"us-{number}", "ARIN", 0, number * 10) for number in range(4)}
    known = Question("dcv", "www.demo.test", "t-1", NOW, places | {"seoul": PLACES[4]})
    five = [seen(f"us-{number}") for number in range(4)]
    found = judge(reply(*five, seen("seoul", False)), known, NOW)
    assert found.fault == "the perspectives that saw it lie in the region of one registry, two must have one"
    assert judge(reply(*five, seen("seoul")), known, NOW).fault is None


@pytest.mark.std("C-063")
def test_the_quorum_is_said_with_who_saw_it_and_who_did_not() -> None:
    found = judge(of(6, 1), question(asked=CODES[:6]), NOW)
    assert (found.said, found.others, found.registries) == ("5/6", ["sydney"], ["APNIC", "ARIN", "RIPE"])
    assert found.corroborating == ["frankfurt", "ohio", "oregon", "seoul", "stockholm"]


FIVE = tuple(seen(code) for code in CODES[:5])
NOT_SO, OTHER = "the coordinator says that it is not corroborated", "the coordinator answered another request"
ELSE = "the coordinator answered about something else"
OLD = NOW - timedelta(minutes=2)


@pytest.mark.std("C-058", "C-059", "C-060")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(reply(*FIVE), None, id="honest"),
        pytest.param(reply(*(Seen(c, None, True, True, at(NOW)) for c in CODES[:5])), None, id="honest, in one level"),
        pytest.param(reply(*FIVE, quorum=0), "the coordinator took a quorum of 0, not 4", id="quorum 0 watches only"),
        pytest.param(reply(*FIVE, quorum=3), "the coordinator took a quorum of 3, not 4", id="a lower quorum"),
        pytest.param(reply(*FIVE[:4], FIVE[0]), "the coordinator counted a perspective twice", id="one twice"),
        pytest.param(reply(*FIVE, seen("mars")), "the coordinator asked a perspective that is not known: mars",
                     id="one that nobody knows"),
        pytest.param(reply(*FIVE, valid=False), NOT_SO, id="not valid"),
        pytest.param(reply(*FIVE, mpic_completed=False), NOT_SO, id="not done"),
        pytest.param(reply(*FIVE, check_type="caa"), ELSE, id="another check"),
        pytest.param(reply(*FIVE, domain_or_ip_target="demo.test"), ELSE, id="another name"),
        pytest.param(reply(*FIVE, trace_identifier="t-2"), OTHER, id="another request"),
        pytest.param(reply(quorum=4), "0 remote perspectives took part, 4 must", id="nobody"),
        pytest.param(reply(*FIVE[:3], *(seen(c, when=OLD) for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="looks from before the question"),
        pytest.param(reply(*FIVE[:3], *(seen(c, when=NOW + timedelta(minutes=2)) for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="looks from the future"),
        pytest.param(reply(*FIVE[:3], *(Seen(c, None, True) for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="looks without an instant"),
        pytest.param(reply(*FIVE[:3], *(Seen(c, Check(True, 10**30)) for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="an instant that no calendar has"),
        pytest.param(reply(*FIVE[:3], *(Seen(c, Check(True, at(NOW), False)) for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="looks that were not completed"),
        pytest.param(reply(*FIVE[:3], *(seen(c, kind="caa") for c in CODES[3:5])),
                     "3 of 5 remote perspectives saw it, 4 must", id="looks at something else"),
    ],
)  # fmt: skip
def test_only_an_honest_reply_to_this_question_corroborates(answer: Reply, said: str | None) -> None:
    assert fault(answer, CODES[:5]) == said


@pytest.mark.std("C-056")
@pytest.mark.parametrize(
    ("places", "wrong"),
    [
        pytest.param(PLACES, None, id="far apart"),
        pytest.param((*PLACES, place("columbus ARIN 40.0 -83.1")), "ohio and columbus are 10 km apart, 500 are needed",
                     id="two in one city"),
        pytest.param((*PLACES[:4], place("osaka APNIC 34.69 135.50")),
                     "tokyo and osaka are 396 km apart, 500 are needed", id="too near to us"),
        pytest.param((PLACES[0], PLACES[0]), "a code stands there twice", id="twice"),
        pytest.param(PLACES[:2], "they lie in the region of one registry", id="one region"),
    ],
)  # fmt: skip
def test_perspectives_of_the_settings_are_far_apart(places: tuple[Perspective, ...], wrong: str | None) -> None:
    assert unfit_places(places, TOKYO) == wrong
