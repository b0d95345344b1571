"""Article 6: change of name, succession."""

from datetime import date, datetime

import pytest

from contract_gate.articles.article_06_changes import (
    Registered,
    effective_at,
    last_day_to_report,
    late,
    register_changes,
    says_as,
    touched,
)
from contract_gate.facts import Subject
from contract_gate.readings import choice
from tests.contract_gate.arrange import jst

BEFORE = Registered("株式会社例", "東京都", "三鷹市", "下連雀１", None, None)
RENAMED = Registered("株式会社新", "東京都", "三鷹市", "下連雀１", None, None)
MOVED = Registered("株式会社例", "大阪府", "北区", "梅田", None, None)
DOWN_THE_ROAD = Registered("株式会社例", "東京都", "三鷹市", "中原", None, None)
MERGED = Registered("株式会社例", "東京都", "三鷹市", "下連雀１", date(2026, 9, 1), "4011001098993")
CLOSED = Registered("株式会社新", "", "", "", date(2026, 9, 1), None)
SUBJECT = Subject("Rei K.K.", "JP", "Tokyo", "Mitaka-shi")


@pytest.mark.rule("T6-2")
@pytest.mark.parametrize(
    ("confirmed", "done", "expected"),
    [
        pytest.param(jst(2026, 6, 4), jst(2026, 6, 5, 10), jst(2026, 6, 5, 10), id="the latest of three: done"),
        pytest.param(jst(2026, 6, 6), jst(2026, 6, 5, 10), jst(2026, 6, 6), id="the latest of three: confirmed"),
        pytest.param(jst(2026, 5, 1), jst(2026, 5, 2), jst(2026, 6, 1), id="the latest of three: arrived"),
        pytest.param(None, jst(2026, 6, 5, 10), None, id="not confirmed"),
        pytest.param(jst(2026, 6, 4), None, None, id="not done"),
    ],
)
def test_effective_at(confirmed: datetime | None, done: datetime | None, expected: datetime | None) -> None:
    assert effective_at(jst(2026, 6, 1), confirmed, done) == expected


@pytest.mark.rule("T6-3")
def test_a_succession_is_reported_within_thirty_days() -> None:
    day = date(2026, 4, 1)
    adopted, counted = choice("period.first_day", None), choice("period.first_day", "counted")
    assert last_day_to_report(day, adopted) == date(2026, 5, 1)  # type: ignore[arg-type]
    assert last_day_to_report(day, counted) == date(2026, 4, 30)  # type: ignore[arg-type]
    assert not late(day, date(2026, 5, 1), "not_counted")
    assert late(day, date(2026, 5, 2), "not_counted")


def test_a_reading_is_one_of_its_words() -> None:
    with pytest.raises(ValueError, match="is none of"):
        choice("period.first_day", "perhaps")


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize(
    ("subjects", "new", "expected"),
    [
        pytest.param([SUBJECT], ("Nova K.K.", None, None), True, id="organisation"),
        pytest.param([SUBJECT], (None, "Osaka", None), True, id="prefecture"),
        pytest.param([SUBJECT], (None, None, "Chofu-shi"), True, id="city"),
        pytest.param([SUBJECT], (None, "Tokyo", "Mitaka-shi"), False, id="another street"),
        pytest.param([SUBJECT], (None, None, None), False, id="representative only"),
        pytest.param([SUBJECT, Subject("Old", "JP", "Tokyo", None)], ("Rei K.K.", None, None), True, id="a live one"),
        pytest.param([], ("Nova K.K.", None, None), False, id="nothing reviewed, nothing issued"),
    ],
)
def test_touched(subjects: list[Subject], new: tuple[str | None, str | None, str | None], expected: bool) -> None:
    assert touched(subjects, *new) is expected


OSAKA = Subject("Rei K.K.", "JP", "Osaka", None)
BRANCH = Subject("Rei K.K. Osaka Branch", "JP", "Osaka", None)


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize(
    ("other", "new", "expected"),
    [
        pytest.param(OSAKA, ("Nova K.K.", None, None), True, id="the name that changed, elsewhere"),
        pytest.param(BRANCH, ("Nova K.K.", None, None), False, id="another name"),
        pytest.param(OSAKA, (None, "Chiba", None), False, id="another prefecture than the one that changed"),
        pytest.param(SUBJECT, (None, "Chiba", "Kashiwa-shi"), True, id="the same address"),
        pytest.param(SUBJECT, ("Nova K.K.", "Chiba", "Kashiwa-shi"), True, id="all the same"),
        pytest.param(OSAKA, ("Nova K.K.", "Chiba", "Kashiwa-shi"), True, id="the name, and another address"),
        pytest.param(BRANCH, ("Nova K.K.", "Chiba", "Kashiwa-shi"), False, id="neither name nor address"),
    ],
)
def test_says_as(other: Subject, new: tuple[str | None, str | None, str | None], expected: bool) -> None:
    assert says_as(other, [SUBJECT], *new) is expected
    assert not says_as(other, [], *new)


@pytest.mark.rule("T6-5")
@pytest.mark.parametrize(
    ("before", "found", "expected"),
    [
        pytest.param(BEFORE, BEFORE, (), id="nothing new"),
        pytest.param(BEFORE, RENAMED, ("name",), id="name"),
        pytest.param(BEFORE, MOVED, ("address", "street"), id="moved"),
        pytest.param(BEFORE, DOWN_THE_ROAD, ("street",), id="street"),
        pytest.param(BEFORE, MERGED, ("closure", "successor"), id="merged"),
        pytest.param(None, BEFORE, (), id="first look, the same but for a space"),
        pytest.param(None, CLOSED, ("name", "closure"), id="first look"),
    ],
)
def test_register_changes(before: Registered | None, found: Registered, expected: tuple[str, ...]) -> None:
    assert register_changes(before, found, "株式会社 例") == expected
