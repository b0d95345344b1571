"""The figures of RFC 8555 §7.1.6, written out a second time, and what follows from the clock."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import status

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATER = NOW + SECOND

FIGURES = {
    "ACCOUNT": "valid>deactivated valid>revoked",
    "ORDER": "pending>ready pending>invalid ready>processing ready>invalid processing>valid processing>invalid",
    "AUTHORIZATION": "pending>valid pending>invalid pending>expired pending>deactivated pending>revoked "
    "valid>expired valid>deactivated valid>revoked",
    "CHALLENGE": "pending>processing processing>processing processing>valid processing>invalid",
}
STATUSES = list(status.AUTHORIZATION)
ENDED = {"invalid", "expired", "deactivated", "revoked"}


def changes(table: status.Changes) -> set[str]:
    return {f"{old}>{new}" for old, news in table.items() for new in news}


@pytest.mark.parametrize(
    ("table", "figure"),
    [
        pytest.param(status.ACCOUNT, "ACCOUNT", id="account"),
        pytest.param(status.ORDER, "ORDER", id="A-123 A-124 order"),
        pytest.param(status.AUTHORIZATION, "AUTHORIZATION", id="A-143 authorization"),
        pytest.param(status.CHALLENGE, "CHALLENGE", id="challenge"),
    ],
)
def test_allowed_changes_are_those_of_the_figures(table: status.Changes, figure: str) -> None:
    assert changes(table) == set(FIGURES[figure].split())
    assert {new for news in table.values() for new in news} <= table.keys()


@pytest.mark.std("A-143")
@pytest.mark.parametrize(
    ("stored", "before", "after"),
    [
        ("pending", "pending", "expired"),
        ("valid", "valid", "expired"),
        ("invalid", "invalid", "invalid"),
        ("deactivated", "deactivated", "deactivated"),
        ("revoked", "revoked", "revoked"),
    ],
)
def test_an_authorization_expires_where_the_figure_lets_it(stored: str, before: str, after: str) -> None:
    assert status.authorization_status(stored, NOW + SECOND, NOW) == before
    assert status.authorization_status(stored, NOW, NOW) == after
    assert status.authorization_status(stored, NOW - SECOND, NOW) == after


@pytest.mark.parametrize(
    ("authorizations", "expires_at", "expected"),
    [
        pytest.param(["pending"], LATER, "pending", id="A-122 pending"),
        pytest.param(["valid"], LATER, "ready", id="A-122 ready at once"),
        pytest.param(["valid", "pending"], LATER, "pending", id="A-123 not all valid"),
        pytest.param(["valid", "valid"], LATER, "ready", id="A-123 all valid"),
        pytest.param([], LATER, "pending", id="A-123 nothing proves nothing"),
        pytest.param(["valid", "invalid"], LATER, "invalid", id="A-124 one failed"),
        pytest.param(["pending", "deactivated"], LATER, "invalid", id="A-124 one deactivated"),
        pytest.param(["valid", "revoked"], LATER, "invalid", id="A-124 one revoked"),
        pytest.param(["valid", "expired"], LATER, "invalid", id="A-124 one expired"),
        pytest.param(["pending"], NOW, "invalid", id="A-136 left to expire"),
        pytest.param(["valid"], NOW, "invalid", id="A-136 ready and left to expire"),
    ],
)
def test_status_of_an_order_that_waits(authorizations: list[str], expires_at: datetime, expected: str) -> None:
    assert status.order_status("pending", expires_at, authorizations, NOW) == expected


@pytest.mark.std("A-124")
@pytest.mark.parametrize("stored", ["processing", "valid", "invalid"])
def test_what_happened_to_an_order_stands(stored: str) -> None:
    for held, expires_at in product(STATUSES, (NOW, LATER)):
        assert status.order_status(stored, expires_at, [held], NOW) == stored


@given(st.lists(st.sampled_from(STATUSES), max_size=5), st.booleans())
def test_an_order_is_ready_only_with_every_authorization_valid(held: list[str], expired: bool) -> None:
    found = status.order_status("pending", NOW if expired else LATER, held, NOW)
    assert found in status.ORDER
    assert (found == "ready") == (set(held) == {"valid"} and not expired)
    assert (found == "invalid") == (bool(ENDED & set(held)) or expired)
