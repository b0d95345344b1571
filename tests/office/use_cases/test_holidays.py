"""National holidays are known years ahead, so that a due date on one moves to the next bank day."""

from datetime import date

import asyncpg
import msgspec
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.articles.article_08_payment import last_day_in_time
from office.use_cases import holidays
from sql import Pool
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
