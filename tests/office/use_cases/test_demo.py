"""The demo's contracts, through the gate's own eyes."""

from datetime import UTC, datetime, timedelta

import pytest

from ca.profiles import TLSSERVER
from office.use_cases.asked import Unfit
from office.use_cases.demo import make_demo
from office.use_cases.explain import explain
from sql import Conn, Pool
from tests.conftest import NOW


@pytest.mark.parametrize("name", ["demo.test", "www.demo.test", "*.demo.test", "127.0.0.1", "::1"])
async def test_demo_passes_every_gate(operator: Conn, name: str) -> None:
    made = await make_demo(operator, NOW)
    for kid in (made.admitted.kid, made.unbound_kid):
        said = await explain(operator, "demo", kid, [name], NOW, TLSSERVER)
        assert [rule for rule in said.rules if rule.result == "breach"] == []


async def test_a_key_is_explained_for_the_contract_that_it_serves_alone(operator: Conn) -> None:
    made = await make_demo(operator, NOW)
    assert (await explain(operator, "demo", made.admitted.kid, ["www.demo.test"], NOW, TLSSERVER)).outcome == "admitted"
    with pytest.raises(Unfit, match="contract 'demo' has no key"):
        await explain(operator, "demo", made.overdue.kid, ["www.demo.test"], NOW, TLSSERVER)


@pytest.mark.parametrize("at", [NOW, datetime(2027, 1, 31, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)])
async def test_demo_overdue_fails_for_its_payment_alone(operator: Conn, at: datetime) -> None:
    made = await make_demo(operator, at)
    said = await explain(operator, "demo-overdue", made.overdue.kid, ["www.overdue.test"], at, TLSSERVER)
    assert [(rule.gate, rule.rule) for rule in said.rules if rule.result == "breach"] == [("G6", "T8-15")]


async def test_demo_made_twice_is_the_same_and_its_review_stays_fresh(operator: Conn, pool: Pool) -> None:
    later = NOW + timedelta(days=500)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", later)
    first, second = await make_demo(operator, NOW), await make_demo(operator, later)
    said = await explain(operator, "demo", None, ["www.demo.test"], later, TLSSERVER)
    assert first == second
    assert said.outcome == "admitted"
    assert await operator.fetchval("SELECT count(*) FROM gate.contracts") == 2


async def test_demo_takes_few_statements(operator: Conn) -> None:
    """So that `keiyaku dev` starts fast: tens of milliseconds, at a fraction of one each."""
    said: list[str] = []
    with operator.query_logger(lambda record: said.append(record.query)):
        await make_demo(operator, NOW)
    assert len(said) < 80
