"""What was decided, as recorded."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/evidence")


class Record(msgspec.Struct, frozen=True):
    """A row of evidence; `content` is its JSON."""

    id: UUID
    recorded_at: datetime
    kind: str
    contract: str | None
    actor: str
    content: str


async def records(conn: Conn, contract_id: UUID | None, most: int) -> list[Record]:
    """Evidence of a contract, or all; newest first, at most so much."""
    return many(Record, await conn.fetch(SQL["records"], contract_id, most))


async def since(conn: Conn, first: UUID) -> list[Record]:
    """All evidence from an id on, oldest first."""
    return many(Record, await conn.fetch(SQL["since"], first))
