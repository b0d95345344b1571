"""The API's explanation and forecast where only another profile is offered than the usual first one (A-226)."""

import pytest

from ca.profiles import SHORTLIVED, TLSSERVER, Profile
from contract_gate.calendar import DAY
from office.use_cases import acceptance
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS, told
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.test_first_offered import A_MONTH


@pytest.fixture(params=[TLSSERVER, SHORTLIVED], ids=lambda profile: profile.name)
def profile(request: pytest.FixtureRequest) -> Profile:
    found: Profile = request.param
    return found


@pytest.mark.rule("T12-5")
async def test_what_the_gate_would_say_is_of_the_profile_on_offer(
    api: Api, applied: Conn, pool: Pool, profile: Profile
) -> None:
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await told(applied)
    await pool.execute(A_MONTH, NOW - DAY)
    await api.made("applicant", "/contracts/acme/binding-keys", {"label": "l"})
    said = (await api.call("officer", "GET", "/contracts/acme/gate"))[1]
    ahead = (await api.call("officer", "GET", f"/forecast?at={(NOW + DAY).isoformat().replace('+00:00', 'Z')}"))[1]
    gates = [] if profile is TLSSERVER else ["G10"]
    assert [said["gate"]] == (gates or [None])
    assert [each["gate"] for each in ahead["items"]] == gates
