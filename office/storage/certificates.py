"""All certificates, newest first, looked at a piece at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/certificates")


class Certificate(msgspec.Struct, frozen=True):
    """A certificate in a listing."""

    id: UUID
    serial: bytes
    contract: str | None
    names: list[str]
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None
    reason: int | None
    published_at: datetime | None


async def newest(conn: Conn, before: UUID, most: int) -> list[UUID]:
    """Ids of to-be-signed records from before that one."""
    return [row["id"] for row in await conn.fetch(SQL["newest"], before, most)]


async def newest_of_contracts(conn: Conn, contracts: Sequence[UUID], before: UUID, most: int) -> list[UUID]:
    """Those of contracts."""
    return [row["id"] for row in await conn.fetch(SQL["newest_of_contracts"], list(contracts), before, most)]


async def newest_of_key(conn: Conn, key: bytes, before: UUID, most: int) -> list[UUID]:
    """Those of a public key."""
    return [row["id"] for row in await conn.fetch(SQL["newest_of_key"], key, before, most)]


async def listed(
    conn: Conn, ids: Sequence[UUID], state: str | None, now: datetime, contracts: Sequence[UUID] | None, most: int
) -> list[Certificate]:
    """Which of them are certificates in that state, and of those contracts."""
    of = None if contracts is None else list(contracts)
    return many(Certificate, await conn.fetch(SQL["listed"], list(ids), state, now, of, most))


async def contracts_of(conn: Conn, customer: UUID) -> list[UUID]:
    """Every contract of a customer."""
    return [row["id"] for row in await conn.fetch(SQL["contracts_of"], customer)]
