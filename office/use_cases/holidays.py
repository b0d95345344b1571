"""National holidays of Japan, recorded years ahead: a due date on one moves to the next bank day (T8-4, R-9)."""

from datetime import date, datetime

import jpholiday

from contract_gate.calendar import jst_date
from office.storage import holidays
from sql import Conn, Pool
from sql.evidence import append, entry

ACTOR = "process:office"
BEFORE, AHEAD = 1, 3  # years


async def record(conn: Conn, now: datetime) -> list[date]:
    """The holidays of last year to three years ahead are recorded, with the evidence. Returns those that are new.

    Those of later years are as the law has them today; a day that is recorded stays, as decisions rest on it.
    """
    year = jst_date(now).year
    days = [found for each in range(year - BEFORE, year + AHEAD + 1) for found in jpholiday.year_holidays(each)]
    async with conn.transaction():
        new = await holidays.record(conn, days)
        if new:
            await append(conn, entry("holidays.recorded", ACTOR, now, rule="T8-4", clause="A8.1", days=new))
    return new


async def sweep(pool: Pool, now: datetime) -> int:
    """The same, daily; says how many are new."""
    async with pool.acquire() as conn:
        return len(await record(conn, now))
