"""Lines of earlier bank files that a file does not show any more."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/bank_missing")


class MissingLine(msgspec.Struct, frozen=True):
    """A line, and the file and record that showed it."""

    id: int
    account: str
    booked_on: date
    amount_yen: int
    remitter: str
    query_number: str
    cancels: bool
    state: str
    file: str
    record: int


async def missing(
    conn: Conn, periods: Sequence[tuple[int, UUID, date, date]], sha256: bytes, most: int
) -> list[MissingLine]:
    """Those of the days of the file that is staged in this transaction, oldest first."""
    accounts, firsts, lasts = [[period[place] for period in periods] for place in (1, 2, 3)]
    return many(MissingLine, await conn.fetch(SQL["missing"], accounts, firsts, lasts, sha256, most))
