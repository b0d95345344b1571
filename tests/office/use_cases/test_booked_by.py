"""Money that somebody books by hand, and whom evidence names."""

import pytest

from office.use_cases import payments
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize("person", [None, "ann", "nobody"])
async def test_evidence_names_who_books_money_by_hand(billed: Conn, pool: Pool, person: str | None) -> None:
    """§0.3: the actor is a human or a job."""
    if person == "nobody":
        with pytest.raises(Unfit, match="nobody"):
            await payments.record_payment(billed, "F00000001", money(400), NOW, person)
        return
    await payments.record_payment(billed, "F00000001", money(400), NOW, person)
    receipt = str(await payments.record_unexplained(billed, money(70_000), NOW, person))
    await payments.match(billed, receipt, "F00000001", NOW, person)
    await payments.cancel(billed, receipt, NOW, person)
    kinds = ["payment.matched", "payment.recorded", "payment.matched", "payment.cancelled"]
    rows = await pool.fetch("SELECT kind, actor FROM evidence.records WHERE kind LIKE 'payment.%' ORDER BY id")
    assert [row["kind"] for row in rows] == kinds
    ann = await pool.fetchval("SELECT id FROM gate.persons WHERE handle = 'ann'")
    assert {row["actor"] for row in rows} == {f"person:{ann}" if person else "process:operator"}
