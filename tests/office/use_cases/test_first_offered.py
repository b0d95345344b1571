"""What is asked before there is an order is asked for the first profile on offer, whichever that is (A-226)."""

import pytest

from ca.profiles import SHORTLIVED, TLSSERVER, Profile
from contract_gate.calendar import DAY
from office.use_cases import forecast
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from sql import Conn, Pool
from tests.conftest import NOW

# a certificate of less than a month is none for this contract (T12-5)
A_MONTH = """INSERT INTO gate.readings SELECT 'cert.min_lifetime', $1, '30', a.id, b.id
    FROM gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'"""


@pytest.fixture
async def bound(accepted: Conn, pool: Pool) -> Conn:
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    await pool.execute(A_MONTH, NOW - DAY)
    return accepted


@pytest.mark.rule("T12-5")
@pytest.mark.parametrize(
    ("profile", "days", "gate"), [pytest.param(TLSSERVER, 199, None, id="T12-5 half a year"),
                                  pytest.param(SHORTLIVED, 6, "G10", id="T12-5 six days are too short")],
)  # fmt: skip
async def test_explanation_and_forecast_reckon_with_the_profile_on_offer(
    bound: Conn, profile: Profile, days: int, gate: str | None
) -> None:
    said = await explain(bound, "acme", None, ["a.example.jp"], NOW, profile)
    assert (said.gate, said.not_after_limit is None) == (gate, gate is not None)
    assert said.not_after_limit is None or (said.not_after_limit - NOW).days == days - 1  # both ends count
    blocked = [] if gate is None else [forecast.Blocked("acme", gate, "too_short")]
    assert [each async for each in forecast.forecast(bound, NOW, NOW, profile)] == blocked
    assert await forecast.some(bound, NOW, NOW, profile, 0, 10) == (blocked, None)
