"""Answers that are given again (Idempotency-Key)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, Pool, statements
from sql.rows import one

SQL = statements("office/idempotency")


class Kept(msgspec.Struct, frozen=True):
    """An answer given before, sealed, and to which request."""

    request_sha256: bytes
    sealed: bytes


async def alone(conn: Conn, token_id: UUID, key: str) -> bool:
    """Whether no other transaction answers this key; nobody else does until this one ends."""
    return bool(await conn.fetchval(SQL["alone"], token_id, key))


async def answer(conn: Conn, token_id: UUID, key: str) -> Kept | None:
    """What was answered before."""
    return one(Kept, await conn.fetchrow(SQL["answer"], token_id, key))


async def insert(conn: Conn, token_id: UUID, key: str, request_sha256: bytes, sealed: bytes, now: datetime) -> None:
    """The answer will be given again."""
    await conn.execute(SQL["insert"], token_id, key, request_sha256, sealed, now)


async def forget(pool: Pool, before: datetime) -> int:
    """How many answers from before then went."""
    return int(await pool.fetchval(SQL["forget"], before))


async def alone_open(conn: Conn, key_sha256: bytes) -> bool:
    """The same for a key of an open door."""
    return bool(await conn.fetchval(SQL["alone_open"], key_sha256))


async def open_answer(conn: Conn, key_sha256: bytes) -> Kept | None:
    """What an open door answered before."""
    return one(Kept, await conn.fetchrow(SQL["open_answer"], key_sha256))


async def insert_open(conn: Conn, key_sha256: bytes, request_sha256: bytes, sealed: bytes, now: datetime) -> None:
    """The answer will be given again."""
    await conn.execute(SQL["insert_open"], key_sha256, request_sha256, sealed, now)


async def forget_open(pool: Pool, before: datetime) -> int:
    """How many answers of open doors from before then went."""
    return int(await pool.fetchval(SQL["forget_open"], before))
