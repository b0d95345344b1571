"""`gate explain` of a day to come says what `gate forecast` does."""

import json
from datetime import timedelta

import pytest

from acme_server.config import Settings
from contract_gate.calendar import jst_date
from sql import Pool
from tests.acme_server.commands.test_commands import keiyaku
from tests.acme_server.commands.test_ledger import demo as demo


@pytest.mark.rule("T8-15")
async def test_nobody_pays_till_then(demo: Settings, pool: Pool) -> None:
    """An invoice that is due in a week blocks in two: that bank data does not reach so far is no reason against it."""
    [now] = await pool.fetch("SELECT now() AS at")
    then = jst_date(now["at"]) + timedelta(days=45)
    await pool.execute("UPDATE gate.invoices SET due_on = $1 WHERE number = 'DEMO-1'", then - timedelta(days=30))
    ask = "gate explain --contract demo-overdue --names www.overdue.test"
    for at, gate, assumed in (
        (f" --at {then}", "G6", f"bank data goes on to {then - timedelta(days=1)} and shows no payment, letters of "
         "formation have left"),
        ("", None, None),
    ):  # fmt: skip
        said = json.loads(await keiyaku(demo, ask + at + " --json"))
        assert (said["gate"], said["assumed"]) == (gate, assumed)
    blocked = json.loads(await keiyaku(demo, f"gate forecast --at {then} --json"))
    assert [(each["contract"], each["gate"]) for each in blocked] == [("demo-overdue", "G6")]
