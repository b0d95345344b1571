"""National holidays: days on which banks are closed beyond weekends and the year's end."""

from collections.abc import Sequence
from datetime import date

from sql import Conn, statements

SQL = statements("office/holidays")


async def record(conn: Conn, days: Sequence[tuple[date, str]]) -> list[date]:
    """The days are holidays. Returns those that were not before."""
    rows = await conn.fetch(SQL["record"], [day for day, _ in days], [name for _, name in days])
    return sorted(row["day"] for row in rows)
