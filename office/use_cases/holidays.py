"""National holidays of Japan, recorded years ahead: a due date on one moves to the next bank day (T8-4, R-9)."""

from datetime import date, datetime, timedelta

import jpholiday
import msgspec

from contract_gate.calendar import jst_date, roll
from office.storage import holidays
from office.storage.holidays import Holiday
from office.use_cases import asked
from office.use_cases.asked import NoSuch, Unfit, checked_text
from sql import Conn, Pool
from sql.evidence import append, entry

ACTOR = "process:office"
BEFORE, AHEAD = 1, 3  # years
LATE, EARLY = timedelta(days=366), timedelta(days=3653)  # a day may be added that much after it, or before
NEAR = timedelta(days=14)  # no row of closed days is longer


class Moved(msgspec.Struct, frozen=True):
    """The last day in time of invoices with this due date: before a change of the holidays, and from now on."""

    due_on: date
    last_day_before: date
    last_day: date
    invoices: int


async def record(conn: Conn, now: datetime) -> list[date]:
    """The holidays of last year to three years ahead are recorded, with the evidence. Returns those that are new.

    Those of later years are as the law has them today. What people took back stays so.
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


async def listed(conn: Conn, year: int) -> list[Holiday]:
    """The holidays of a year."""
    return await holidays.between(conn, date(year, 1, 1), date(year, 12, 31))


async def add(conn: Conn, day: date, name: str, person: str, now: datetime) -> list[Moved]:
    """The day is a holiday too. Returns the due dates of open invoices that this moves (T8-4). Raises Unfit."""
    checked_text("name", name, 200)
    today = jst_date(now)
    if not today - LATE <= day <= today + EARLY:
        raise Unfit(f"{day} is more than a year ago or ten years away: a holiday is recorded nearer to its day")
    who = await asked.person(conn, person)
    async with conn.transaction():
        before = await near(conn, day)
        if not await holidays.add(conn, day, name):
            raise Unfit(f"{day} is a holiday already: `keiyaku holiday list` shows it")
        row = entry("holiday.added", asked.actor(who), now, rule="T8-4", clause="A8.1", day=day, name=name)
        await append(conn, row)
        return await moved(conn, day, before, before | {day})


async def remove(conn: Conn, day: date, person: str, now: datetime) -> list[Moved]:
    """The day is no holiday after all. Returns the due dates of open invoices that this moves (T8-4). Raises Unfit.

    A day that has begun stays as it was: what was decided rests on it.
    """
    if day <= jst_date(now):
        raise Unfit(f"{day} has begun: a holiday is taken back before its day, since decisions rest on it afterwards")
    who = await asked.person(conn, person)
    async with conn.transaction():
        before = await near(conn, day)
        if not await holidays.remove(conn, day, now):
            raise NoSuch(str(day), f"{day} is no holiday: `keiyaku holiday list` shows those there are")
        await append(conn, entry("holiday.removed", asked.actor(who), now, rule="T8-4", clause="A8.1", day=day))
        return await moved(conn, day, before, before - {day})


async def near(conn: Conn, day: date) -> frozenset[date]:
    """The holidays that may be in one row of closed days with a day near it."""
    return frozenset(each.day for each in await holidays.between(conn, day - 2 * NEAR, day + 2 * NEAR))


async def moved(conn: Conn, day: date, before: frozenset[date], after: frozenset[date]) -> list[Moved]:
    """Due dates near the day whose last day in time is another now."""
    found = [
        Moved(due.due_on, roll(due.due_on, due.rule, before), roll(due.due_on, due.rule, after), due.invoices)
        for due in await holidays.open_due(conn, day - NEAR, day + NEAR)
    ]
    return [each for each in found if each.last_day != each.last_day_before]
