"""Which of several issuing CAs issues, and until when each owes CRLs."""

from datetime import datetime, timedelta

import msgspec
import pytest

from ca.issuers import LONGEST, SERVED_AFTER, Issuing, active_issuer, issued_until, served, serves_until, shown
from tests.ca.arrange import ISSUER, NOW

DAY, YEAR = timedelta(days=1), timedelta(days=365)


def one(number: int, issues_from: datetime, revoked_at: datetime | None = None, years: int = 10) -> Issuing:
    issuer = msgspec.structs.replace(ISSUER, id=number)
    return Issuing(issuer, issues_from, issues_from + years * YEAR, revoked_at)


OLD, NEW = one(1, NOW), one(4, NOW + YEAR)
SHORT = one(5, NOW + 2 * YEAR, years=1)


@pytest.mark.std("C-160")
@pytest.mark.parametrize(
    ("issuing", "at", "expected"),
    [
        pytest.param([], NOW, None, id="none at all"),
        pytest.param([OLD, NEW], NOW - DAY, None, id="before its time"),
        pytest.param([OLD, NEW], NOW, 1, id="from its instant on"),
        pytest.param([OLD, NEW], NEW.issues_from - timedelta(microseconds=1), 1, id="the next one waits"),
        pytest.param([NEW, OLD], NEW.issues_from, 4, id="the newest, in any order"),
        pytest.param([OLD, one(4, NOW)], NOW, 4, id="of two of an instant the later made"),
        pytest.param([one(4, NOW), OLD], NOW, 4, id="of two of an instant the later made, in any order"),
        pytest.param([one(1, NOW + YEAR), one(4, NOW)], NOW + YEAR, 1, id="one that was made before and waited"),
        pytest.param(
            [OLD, one(4, NOW + YEAR, NOW + YEAR + DAY)], NOW + YEAR + DAY, 1, id="the one before when revoked"
        ),
        pytest.param([OLD, one(4, NOW + YEAR, NOW + YEAR + DAY)], NOW + YEAR, 4, id="not before it was revoked"),
        pytest.param([one(1, NOW, NOW + DAY), NEW], NOW + 2 * DAY, None, id="revoked, and the next has not begun"),
        pytest.param([one(1, NOW, NOW + DAY), NEW], NOW + YEAR, 4, id="revoked, and the next has begun"),
        pytest.param([SHORT], SHORT.not_after, None, id="at its end"),
        pytest.param([OLD, SHORT], SHORT.not_after, 1, id="the one before at its end"),
    ],
)
def test_active_issuer(issuing: list[Issuing], at: datetime, expected: int | None) -> None:
    found = active_issuer(issuing, at)
    assert (found and found.issuer.id) == expected


FALLEN = one(4, NOW + YEAR, NOW + 2 * YEAR)
NEVER = one(6, NOW + 9 * YEAR, NOW + 2 * DAY)


@pytest.mark.std("C-145")
@pytest.mark.parametrize(
    ("issuing", "asked", "at", "issued", "serves"),
    [
        pytest.param([OLD, NEW], OLD, NOW + DAY, NOW + DAY, OLD.not_after, id="while it issues, to its end"),
        pytest.param([OLD, NEW], NEW, NOW + DAY, None, NEW.not_after, id="while it waits, to its end"),
        pytest.param(
            [OLD, NEW], OLD, NOW + 2 * YEAR, NOW + YEAR, NOW + YEAR + LONGEST + SERVED_AFTER, id="after its last leaf"
        ),
        pytest.param(
            [OLD, FALLEN], FALLEN, NOW + 3 * YEAR, NOW + 2 * YEAR, NOW + 2 * YEAR + LONGEST + SERVED_AFTER, id="revoked"
        ),
        pytest.param([OLD, FALLEN], OLD, NOW + 3 * YEAR, NOW + 3 * YEAR, OLD.not_after, id="it issues again"),
        pytest.param(
            [OLD, NEVER], NEVER, NOW + YEAR, None, NEVER.issues_from + LONGEST + SERVED_AFTER, id="never issued"
        ),
        pytest.param([OLD, SHORT], SHORT, NOW + 4 * YEAR, SHORT.not_after, SHORT.not_after, id="not beyond its end"),
    ],
)
def test_until_when(
    issuing: list[Issuing], asked: Issuing, at: datetime, issued: datetime | None, serves: datetime
) -> None:
    assert issued_until(issuing, asked, at) == issued
    assert serves_until(issuing, asked, at) == serves


@pytest.mark.std("C-145")
@pytest.mark.parametrize(
    ("issuing", "at", "states", "go_on"),
    [
        pytest.param([OLD, NEW], NOW, ["issues", "waits"], [1, 4], id="one waits"),
        pytest.param([OLD, NEW], NEW.issues_from, ["before", "issues"], [1, 4], id="the next one issues"),
        pytest.param([OLD, NEW], NOW + 3 * YEAR, ["before", "issues"], [4], id="the last leaf of the first has ended"),
        pytest.param([OLD, SHORT], SHORT.not_after, ["issues", "ended"], [1, 5], id="at its end"),
        pytest.param([OLD, SHORT], SHORT.not_after + DAY, ["issues", "ended"], [1], id="after its end"),
        pytest.param([OLD, FALLEN], NOW + 2 * YEAR, ["issues", "revoked"], [1, 4], id="revoked"),
        pytest.param([OLD, NEVER], NOW + DAY, ["issues", "waits"], [1, 6], id="not revoked yet"),
    ],
)
def test_what_people_are_shown(issuing: list[Issuing], at: datetime, states: list[str], go_on: list[int]) -> None:
    assert [each.state for each in shown(issuing, at)] == states
    assert served(issuing, at) == go_on
