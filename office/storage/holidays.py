"""National holidays: days on which banks are closed beyond weekends and the year's end."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from contract_gate.calendar import Roll
from contract_gate.readings import DEFAULTS
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/holidays")


class Holiday(msgspec.Struct, frozen=True):
    """A day on which banks are closed."""

    day: date
    name: str


class Due(msgspec.Struct, frozen=True):
    """How many open invoices fall due on a day, and how that day moves when it is closed."""

    due_on: date
    rule: Roll
    invoices: int


async def record(conn: Conn, days: Sequence[tuple[date, str]]) -> list[date]:
    """The days are holidays, unless people took them back. Returns those that were not before."""
    rows = await conn.fetch(SQL["record"], [day for day, _ in days], [name for _, name in days])
    return sorted(row["day"] for row in rows)


async def add(conn: Conn, day: date, name: str) -> bool:
    """Whether it is a holiday by this."""
    return await conn.fetchval(SQL["add"], day, name) is not None


async def remove(conn: Conn, day: date, now: datetime) -> bool:
    """Whether it was a holiday until now. It is not recorded again by itself."""
    return await conn.fetchval(SQL["remove"], day, now) is not None


async def between(conn: Conn, first: date, last: date) -> list[Holiday]:
    """Those from the first day to the last, both included."""
    return many(Holiday, await conn.fetch(SQL["between"], first, last))


async def open_due(conn: Conn, first: date, last: date) -> list[Due]:
    """Open invoices by due date, from the first to the last."""
    return many(Due, await conn.fetch(SQL["open_due"], first, last, DEFAULTS["due.roll"]))
