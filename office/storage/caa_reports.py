"""Reports to the owners of domains whose CAA records forbade a certificate, as the ACME server left them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/caa_reports")


class Due(msgspec.Struct, frozen=True):
    """A report that nobody has sent yet."""

    id: UUID
    contract_id: UUID
    domain: str
    address: str
    forbidden_at: datetime


async def due(conn: Conn, most: int) -> list[Due]:
    """The first of those that no other node holds."""
    return many(Due, await conn.fetch(SQL["due"], most))


async def told(conn: Conn, ids: Sequence[UUID], now: datetime) -> None:
    """They are in the outbox."""
    await conn.execute(SQL["told"], list(ids), now)


async def forget(conn: Conn, before: datetime) -> None:
    """The addresses of what was put into the outbox before that instant are gone."""
    await conn.execute(SQL["forget"], before)
