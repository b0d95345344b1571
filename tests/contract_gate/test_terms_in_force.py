"""Each decision cites the version of the Terms in force at its instant, whatever was agreed to (T20-2, T20-3)."""

from datetime import datetime, timedelta

import msgspec
import pytest

from contract_gate.calendar import JST
from contract_gate.decision import Admitted
from contract_gate.gate import decide
from contract_gate.kept import KeptFacts
from contract_gate.storage import facts_of, record_admission
from sql import Conn
from tests.contract_gate.arrange import good_contract, wanted

NOVEMBER = datetime(2026, 11, 1, tzinfo=JST)
LAST_SECOND = NOVEMBER - timedelta(seconds=1)
ADD = "INSERT INTO gate.texts VALUES ('terms', '2.0', sha256('2'::bytea), 'https://ca.test/terms/2.0', $1)"


@pytest.mark.rule("T20-3", "T20-2")
async def test_an_order_before_the_new_version_is_decided_under_the_old(conn: Conn) -> None:
    """Announced 2026-10-01, effective 2026-11-01 00:00: an order at 2026-10-31 23:59:59 is under the old version."""
    rows = await good_contract(conn, now=LAST_SECOND)
    await conn.execute("SELECT keiyaku.ensure_partitions($1, 2)", LAST_SECOND)
    await conn.execute(ADD, NOVEMBER)
    for now in (LAST_SECOND, NOVEMBER):
        request = wanted()
        answer = decide(await facts_of(conn, rows.binding_key_id, request.names, now), request, now)
        assert isinstance(answer, Admitted)
        await record_admission(conn, answer, "new_order", "account:1", now)
    texts = await conn.fetch("SELECT facts FROM gate.decisions ORDER BY decided_at")
    cited = [msgspec.json.decode(row["facts"]) for row in texts]
    assert [each["terms_version"] for each in cited] == ["1.0", "2.0"]
    assert [each["consent"]["terms_version"] for each in cited] == ["1.0", "1.0"]


@pytest.mark.rule("T20-3")
async def test_kept_facts_are_read_again_once_a_version_counts_or_is_added(conn: Conn) -> None:
    rows = await good_contract(conn, now=LAST_SECOND)
    kept, key = KeptFacts(), (rows.binding_key_id, None)

    async def current() -> list[object]:
        await facts_of(conn, rows.binding_key_id, ["www.demo.test"], LAST_SECOND, kept=kept)
        return [row["revision"] for row in await conn.fetch("SELECT revision FROM gate.revisions")]

    before = await current()
    assert kept.facts(key, ["www.demo.test"], NOVEMBER, before) is not None
    await conn.execute(ADD, NOVEMBER)
    after = [row["revision"] for row in await conn.fetch("SELECT revision FROM gate.revisions")]
    assert kept.facts(key, ["www.demo.test"], LAST_SECOND, after) is None
    after = await current()
    assert kept.facts(key, ["www.demo.test"], LAST_SECOND, after) is not None
    assert kept.facts(key, ["www.demo.test"], NOVEMBER, after) is None
