"""The store of a contract's first certificate bills its fee, in the signer's transaction."""

import asyncio
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from acme_server.clock import CLOCK, utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import DAY, day_start, jst_date, next_month_end
from sql import Conn, Pool
from tests.acme_server.conftest import Served, serving

BILLED = """
SELECT i.number, i.kind, i.issued_on, i.due_on, i.total_yen, i.open_yen, p.bases, p.taxes, p.rates, p.months, p.buyer,
    p.period_from, (SELECT count(*) FROM office.notices n WHERE n.given->>'invoice' = i.number) AS notices, (
    SELECT count(*) FROM evidence.records e WHERE e.kind = 'invoice.issued' AND e.contract_id = i.contract_id) AS proofs
FROM gate.invoices i LEFT JOIN office.invoice_papers p ON p.invoice_id = i.id
JOIN gate.contracts c ON c.id = i.contract_id WHERE c.handle = 'demo'
"""
TOLD = """
SELECT c.content->>'rule' AS rule, c.content->>'clause' AS clause, c.content->>'notice_kind' AS notice_kind,
    n.contract_id = e.contract_id AND n.queued_at = e.recorded_at AND n.xmin = e.xmin AS same
FROM evidence.records e CROSS JOIN LATERAL (SELECT convert_from(e.content, 'UTF8')::jsonb AS content) AS c
JOIN office.notices n ON n.id = (c.content->>'notice')::uuid
WHERE e.kind = 'notice.queued'
"""
STARTED = """
SELECT s.issued_at FROM gate.contract_starts s JOIN gate.contracts c ON c.id = s.contract_id WHERE c.handle = 'demo'
"""


async def billed(served: Served) -> list[dict[str, Any]]:
    return [dict(row) for row in await served.owner.fetch(BILLED)]


@pytest.mark.rule("T8-3", "T8-2", "T8-10")
async def test_the_first_certificate_bills_the_fee_once_and_no_later_one_does(served: Served) -> None:
    client = await served.registered()
    assert not await billed(served)
    await client.certificate("www.demo.test")
    issued_at: datetime = await served.owner.fetchval(STARTED)
    (bill,) = await billed(served)
    day = jst_date(issued_at)
    assert bill == {
        "number": "F00000001", "kind": "fee", "issued_on": day, "due_on": next_month_end(day), "total_yen": 60_500,
        "open_yen": 60_500, "bases": [55_000], "taxes": [5_500], "rates": [1000], "months": [120],
        "buyer": "Keiyaku Demo K.K.", "period_from": day, "notices": 1, "proofs": 1,
    }  # fmt: skip
    await client.certificate("api.demo.test")
    assert await billed(served) == [bill]
    [told] = await served.owner.fetch(TOLD)
    assert dict(told) == {"rule": "T8-3", "clause": "A8.1", "notice_kind": "invoice_issued", "same": True}


@pytest.mark.rule("T8-3", "T8-2")
@pytest.mark.parametrize("late", [False, True], ids=["before midnight", "after midnight"])
async def test_the_day_of_the_signing_is_billed_also_when_it_was_admitted_the_day_before(
    postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path, late: bool
) -> None:
    """Admitted in the last 45 s of a month in Japan; the signer's clock is past that midnight, or not."""
    month_end = next_month_end(jst_date(utc_now()))
    midnight = day_start(month_end + DAY)
    ahead = timedelta(seconds=50 if late else 0)
    with CLOCK.set_meanwhile(tmp_path / "clock", midnight - timedelta(seconds=45)):
        async with serving(postgres, database, pool, tmp_path, lambda: utc_now() + ahead) as served:
            await (await served.registered()).certificate("www.demo.test")
            (bill,) = await billed(served)
    day = month_end + DAY if late else month_end
    assert (bill["issued_on"], bill["period_from"], bill["due_on"]) == (day, day, next_month_end(day))


@pytest.mark.rule("T8-3")
async def test_two_first_certificates_at_once_make_one_invoice(served: Served) -> None:
    one = await served.registered()
    two = one.another()
    two.key, two.kid = one.key, one.kid
    orders = [(await one.ready(name))[1] for name in ("www.demo.test", "api.demo.test")]
    answers = await asyncio.gather(one.finalize(orders[0]), two.finalize(orders[1]))
    assert [answer.json["status"] for answer in answers] == ["valid", "valid"]
    (bill,) = await billed(served)
    assert (bill["number"], bill["notices"], bill["proofs"]) == ("F00000001", 1, 1)


@pytest.mark.rule("T8-3")
async def test_a_free_contract_is_not_billed(served: Served) -> None:
    await served.owner.execute("UPDATE gate.contracts SET fee_yen = 0")
    await (await served.registered()).certificate("www.demo.test")
    assert await served.owner.fetchval(STARTED)
    assert not await billed(served)


RATE = """
SELECT gate.add_tax_rate($1, 1200, a.id, b.id, $2) FROM gate.persons a, gate.persons b WHERE a.id < b.id LIMIT 1
"""
REMOVAL = """
SELECT gate.remove_tax_rate($1, 1200, a.id, b.id, $2) FROM gate.persons a, gate.persons b WHERE a.id < b.id LIMIT 1
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7201 AND NOT granted"
UNDERWAY = "SELECT count(*) FROM acme.orders WHERE status = 'processing'"


@pytest.mark.rule("T8-3", "T8-8")
async def test_a_rate_removed_as_the_first_certificate_is_stored_bills_nobody(served: Served) -> None:
    day = jst_date(utc_now()) + 400 * DAY
    await served.owner.execute(RATE, day, utc_now())
    client = await served.registered()
    _, order = await client.ready("www.demo.test")
    async with asyncio.timeout(20):
        async with served.owner.acquire() as conn, conn.transaction():
            assert await conn.fetchval(REMOVAL, day, utc_now()) == (0, 0)
            answer = asyncio.create_task(client.finalize(order))  # it sees the rate yet
            while not await served.owner.fetchval(WAITING):
                await asyncio.sleep(0)
        await answer
        while await served.owner.fetchval(UNDERWAY):
            await asyncio.sleep(0)
    assert not await billed(served)
    await client.certificate("www.demo.test")  # "Place a new order."
    (bill,) = await billed(served)
    assert bill["rates"] == [1000]


BILL = "SELECT gate.bill_start((SELECT id FROM gate.contracts WHERE handle = 'demo'), $1::text::timestamptz)"
DRAFT = """
INSERT INTO gate.bill_drafts (contract_id, signed_on, due_on, period_from, period_end, rates, months, bases, taxes)
SELECT id, $1, '2027-01-31', $1, '2036-12-01', '{1000}', '{120}', ARRAY[$2::integer], '{5500}'
FROM gate.contracts WHERE handle = 'demo'
"""


@pytest.mark.parametrize(
    ("signed_at", "base", "stored"),
    [
        pytest.param("2026-11-30T14:59:59Z", 55_000, True, id="T8-3 the last second of 30 November in Japan"),
        pytest.param("2026-11-30T15:00:00Z", 55_000, False, id="T8-3 1 December in Japan has no draft"),
        pytest.param("2026-11-30T14:59:59Z", 54_999, False, id="T8-1 a draft of another fee"),
    ],
)
@pytest.mark.rule("T8-3", "T8-1")
async def test_no_draft_of_the_day_no_certificate(served: Served, signed_at: str, base: int, stored: bool) -> None:
    await served.owner.execute(DRAFT, date(2026, 11, 30), base)
    if not stored:
        with pytest.raises(asyncpg.CheckViolationError, match="T8-3: no bill"):
            await served.owner.execute(BILL, signed_at)
    else:
        await served.owner.execute(BILL, signed_at)
    assert len(await billed(served)) == stored


@pytest.mark.rule("T8-3")
async def test_a_number_taken_by_what_rolled_back_is_given_to_the_next(served: Served) -> None:
    async with served.owner.acquire() as conn:
        assert await rolled_back(conn) == "F00000001"
        assert await conn.fetchval("SELECT gate.next_number('F')") == "F00000001"
        assert await conn.fetchval("SELECT gate.next_number('F')") == "F00000002"


async def rolled_back(conn: Conn) -> str:
    transaction = conn.transaction()
    await transaction.start()
    number: str = await conn.fetchval("SELECT gate.next_number('F')")
    await transaction.rollback()
    return number
