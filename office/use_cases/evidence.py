"""What was decided about a contract, as recorded."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from office.storage import evidence
from office.storage.evidence import Record
from office.use_cases import asked
from sql import Conn
from sql.ids import first_of


async def listed(conn: Conn, contract: str | None, most: int) -> list[Record]:
    """The newest evidence of a contract, or of all. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await evidence.records(conn, key.id if key else None, most)


async def news(conn: Conn, at: datetime, known: Set[UUID]) -> list[Record]:
    """Evidence recorded at `at` or later, save what is known, oldest first."""
    return [each for each in await evidence.since(conn, first_of(at)) if each.id not in known]
