"""The API's explanation of an instant to come says what its forecast does."""

import pytest

from contract_gate.calendar import DAY
from office.use_cases import acceptance, keys
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import ACCESS
from tests.office.edge.api.conftest import Api


@pytest.mark.rule("T4-5")
async def test_letters_leave_till_then(api: Api, applied: Conn) -> None:
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await keys.new_key(applied, "acme", "l", [], None, None, NOW)
    at = f"?at={(NOW + DAY).isoformat().replace('+00:00', 'Z')}"
    now, then = [(await api.call("officer", "GET", f"/contracts/acme/gate{when}"))[1] for when in ("", at)]
    assert (now["gate"], now["assumed"]) == ("G1", None)
    assert then["gate"] is None
    assert "letters of formation have left" in then["assumed"]
    assert (await api.call("officer", "GET", f"/forecast{at}"))[1]["items"] == []
