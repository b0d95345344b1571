"""Fees that are past their due date, and of whose default nobody was told yet (T8-17)."""

from datetime import date
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/reminders")


class PastDue(msgspec.Struct, frozen=True):
    """An open fee of a contract."""

    id: UUID
    contract_id: UUID
    number: str
    due_on: date
    open_yen: int


async def fees_past_due(conn: Conn, due_by: date, after: UUID, most: int) -> list[PastDue]:
    """Those due by a day, by id; whether they are overdue is the gate's to say."""
    return many(PastDue, await conn.fetch(SQL["fees_past_due"], due_by, after, most))
