"""Article 5: which notices there are, and when one counts as delivered."""

from datetime import UTC, date, datetime

import pytest

from contract_gate.articles.article_05_notices import (
    KINDS,
    Channel,
    Handling,
    channels_open,
    deemed_delivery,
    delivered_at,
)
from tests.contract_gate.arrange import jst

HANDED = datetime(2026, 4, 30, 14, 59, 58, tzinfo=UTC)  # 23:59:58 in Japan
BOUNCED = datetime(2026, 4, 30, 15, 0, 30, tzinfo=UTC)
GOLDEN_WEEK = frozenset({date(2026, 4, 29), date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)})


@pytest.mark.rule("T5-3", "T5-4")
@pytest.mark.parametrize(
    ("handling", "expected"),
    [
        pytest.param(Handling("email", handed_at=HANDED), HANDED, id="accepted by a server of others"),
        pytest.param(
            Handling("email", handed_at=HANDED, bounced_at=BOUNCED), HANDED, id="T5 example: a bounce undoes nothing"
        ),
        pytest.param(Handling("email"), None, id="queued inside"),
        pytest.param(Handling("email", handed_at=HANDED, own_relay=True), None, id="the CA's own relay has it"),
        pytest.param(
            Handling("email", handed_at=HANDED, own_relay=True, relayed_at=BOUNCED), BOUNCED, id="it passed it on"
        ),
        pytest.param(Handling("web"), None, id="drafted or scheduled"),
        pytest.param(Handling("web", first_viewed_at=HANDED), HANDED, id="seen from outside"),
        pytest.param(Handling("paper"), None, id="not posted"),
        pytest.param(Handling("paper", posted_on=date(2026, 6, 1)), jst(2026, 6, 4), id="posted on a Monday"),
    ],
)
def test_delivered_at(handling: Handling, expected: datetime | None) -> None:
    assert delivered_at(handling, 3, frozenset()) == expected


@pytest.mark.rule("T5-2")
@pytest.mark.parametrize(
    ("posted_on", "days", "expected"),
    [
        pytest.param(date(2026, 6, 1), 3, jst(2026, 6, 4), id="Monday"),
        pytest.param(date(2026, 6, 5), 3, jst(2026, 6, 10), id="Friday, over a weekend"),
        pytest.param(date(2026, 6, 6), 1, jst(2026, 6, 8), id="Saturday"),
        pytest.param(date(2026, 5, 1), 3, jst(2026, 5, 11), id="over holidays"),
        pytest.param(date(2026, 12, 30), 1, jst(2027, 1, 4), id="over the year's end"),
    ],
)
def test_deemed_delivery(posted_on: date, days: int, expected: datetime) -> None:
    assert deemed_delivery(posted_on, days, GOLDEN_WEEK) == expected


@pytest.mark.rule("T5-1")
@pytest.mark.parametrize(
    ("kind", "email", "stale", "expected"),
    [
        pytest.param("payment_reminder", True, False, ("email",), id="ordinary"),
        pytest.param("payment_reminder", False, False, (), id="ordinary, no address: a person"),
        pytest.param("invoice_issued", True, False, ("email",), id="important"),
        pytest.param("invoice_issued", True, True, ("email", "paper"), id="important, it bounced"),
        pytest.param("invoice_issued", False, False, ("paper",), id="important, no address"),
        pytest.param("terms_changed", True, False, ("web", "email"), id="public"),
        pytest.param("terms_changed", False, True, ("web",), id="public, no address"),
    ],
)
def test_channels_open(kind: str, email: bool, stale: bool, expected: tuple[Channel, ...]) -> None:
    assert channels_open(KINDS[kind], email=email, stale=stale) == expected


@pytest.mark.rule("T5-1", "T23-1")
def test_the_end_of_the_service_is_never_told_on_the_web() -> None:
    assert set(KINDS["service_end"].channels) == {"email", "paper"}


@pytest.mark.rule("T13-3")
def test_no_notice_names_a_hold() -> None:
    assert not {name for name, kind in KINDS.items() if "hold" in name or {"ground", "item_of_3"} & set(kind.values)}
    assert not {kind.name for kind in KINDS.values() if kind.clause == "A3.1"}
