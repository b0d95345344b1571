"""CRLs of a root after its first, one function a statement."""

from datetime import datetime
from uuid import UUID

from sql import Conn, statements

SQL = statements("office/root_crls")


async def next_number(conn: Conn, issuer_id: int, now: datetime) -> int:
    """Above every number that was published, prepared, or may have been lost with a restored backup. C-136."""
    return int(await conn.fetchval(SQL["next_number"], issuer_id, int(now.timestamp())))


async def is_root(conn: Conn, issuer_id: int) -> bool:
    """Whether there is such a root."""
    return bool(await conn.fetchval(SQL["is_root"], issuer_id))


async def insert(
    conn: Conn, id: UUID, issuer_id: int, number: int, tbs: bytes, first: UUID, second: UUID, now: datetime
) -> None:
    """What will be signed is recorded; its number is never used again."""
    await conn.execute(SQL["insert"], id, issuer_id, number, tbs, first, second, now)


async def finish(conn: Conn, id: UUID, transcript: str, now: datetime) -> bool:
    """It is signed, once."""
    return await conn.fetchval(SQL["finish"], id, transcript, now) is not None
