"""What people are told of a contract that does not issue yet, or not any longer by a day to come."""

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


@pytest.mark.rule("T4-5")
async def test_who_looks_at_a_contract_or_makes_a_key_is_told_what_it_waits_for(demo: Settings, pool: Pool) -> None:
    looked = "contract show demo"
    assert "T4-5" not in await keiyaku(demo, looked)
    await pool.execute(
        """WITH letter AS (INSERT INTO office.notices (id, kind, clause, contract_id, queued_at)
            SELECT gen_random_uuid(), 'contract_formed', 'A4.3', id, now() FROM gate.contracts WHERE handle = 'demo'
            RETURNING id, contract_id)
        INSERT INTO gate.formation_notices (contract_id, notice_id) SELECT contract_id, id FROM letter"""
    )
    assert "`keiyaku notice list demo` shows what that waits for (T4-5)" in await keiyaku(demo, looked)
    assert json.loads(await keiyaku(demo, looked + " --json"))["awaits_notice"]
