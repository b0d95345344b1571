"""What was decided about a contract, as recorded."""

from office.storage import evidence
from office.storage.evidence import Record
from office.use_cases import asked
from sql import Conn


async def listed(conn: Conn, contract: str | None, most: int) -> list[Record]:
    """The newest evidence of a contract, or of all. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await evidence.records(conn, key.id if key else None, most)
