"""National holidays are known years ahead, so that a due date on one moves to the next bank day."""

from datetime import date, timedelta

import asyncpg
import msgspec
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.articles.article_08_payment import last_day_in_time
from contract_gate.calendar import jst_date
from contract_gate.storage import facts_of_contract
from office.use_cases import contracts, holidays, payments
from office.use_cases.asked import Unfit
from office.use_cases.holidays import Moved
from sql import Conn, Pool
from tests.conftest import NOW
from tests.contract_gate.arrange import GOOD, invoice


@pytest.mark.rule("T8-4")
async def test_holidays_are_recorded_once_and_what_people_added_stays(
    postgres: EmbeddedPostgres, database: str, pool: Pool
) -> None:
    await pool.execute(
        "INSERT INTO gate.holidays VALUES ('2027-02-11', 'as people named it'), ('2027-06-01', 'one off')"
    )
    office = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    new = await holidays.record(office, NOW)
    assert {day.year for day in new} == {2025, 2026, 2027, 2028, 2029}
    assert date(2027, 2, 11) not in new
    assert {date(2027, 1, 11), date(2027, 3, 22), date(2027, 9, 20)} <= set(new)  # moved and substitute ones too
    assert await holidays.record(office, NOW) == []
    await office.close()
    assert await pool.fetchval("SELECT name FROM gate.holidays WHERE day = '2027-02-11'") == "as people named it"
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'holidays.recorded'") == 1
    known = frozenset(row["day"] for row in await pool.fetch("SELECT day FROM gate.holidays"))
    facts = msgspec.structs.replace(GOOD, holidays=known)
    assert last_day_in_time(invoice(due_on=date(2027, 3, 22)), facts) == date(2027, 3, 23)
    assert last_day_in_time(invoice(due_on=date(2027, 3, 22)), GOOD) == date(2027, 3, 22)


DUE = date(2026, 12, 31)  # closed until 3 January


async def recorded(conn: Conn, kind: str) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM evidence.records WHERE kind = $1", kind))


@pytest.mark.rule("T8-4")
async def test_people_add_a_holiday_and_take_it_back(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> None:
    await payments.add_invoice(accepted, "acme", payments.Bill("I-1", "fee", jst_date(NOW), DUE, 1000), NOW)
    monday, tuesday = date(2027, 1, 4), date(2027, 1, 5)
    assert await holidays.add(accepted, monday, "一度限り", "ann", NOW) == [Moved(DUE, monday, tuesday, 1)]
    with pytest.raises(Unfit, match="holiday already"):
        await holidays.add(accepted, monday, "again", "ann", NOW)
    assert [each.name for each in await holidays.listed(accepted, 2027) if each.day == monday] == ["一度限り"]
    assert await holidays.remove(accepted, monday, "ann", NOW) == [Moved(DUE, tuesday, monday, 1)]
    with pytest.raises(Unfit, match="is no holiday"):
        await holidays.remove(accepted, monday, "ann", NOW)
    assert [await recorded(accepted, kind) for kind in ("holiday.added", "holiday.removed")] == [1, 1]


@pytest.mark.rule("T8-4")
async def test_the_daily_job_leaves_what_people_took_back(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    day, due_on = date(2027, 2, 11), date(2027, 2, 11)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-1", "fee", jst_date(NOW), due_on, 1000), NOW)
    contract = (await contracts.shown(accepted, "acme")).id
    office = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    assert day in await holidays.record(office, NOW)
    for change, closed in ((None, True), (holidays.remove, False)):
        if change is not None:
            await change(accepted, day, "ann", NOW)
        assert await holidays.record(office, NOW) == []
        loaded = await facts_of_contract(accepted, contract, [], NOW, None)
        assert loaded is not None
        assert (day in loaded.facts.holidays) is closed
    await office.close()


@pytest.mark.rule("T8-4")
async def test_a_day_that_has_begun_stays_a_holiday_and_one_told_late_can_be_added(accepted: Conn) -> None:
    today = jst_date(NOW)
    await holidays.add(accepted, today, "late", "ann", NOW)
    with pytest.raises(Unfit, match="has begun"):
        await holidays.remove(accepted, today, "ann", NOW)
    for days in (-367, 3654):
        with pytest.raises(Unfit, match="nearer to its day"):
            await holidays.add(accepted, today + timedelta(days=days), "far", "ann", NOW)
