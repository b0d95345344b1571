"""What was decided, as recorded."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate import evidence
from contract_gate.evidence import Checkpoint
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/evidence")


class Record(msgspec.Struct, frozen=True):
    """A row of evidence; `content` is its JSON."""

    id: UUID
    recorded_at: datetime
    kind: str
    contract: str | None
    actor: str
    content: str


class Sealed(msgspec.Struct, frozen=True):
    """A checkpoint without its leaves: `signature` is Ed25519 over `hash`, by the sealer's key."""

    number: int
    era: int
    from_transaction: int
    to_transaction: int
    record_count: int
    root: bytes
    previous: bytes
    sealed_at: datetime
    hash: bytes
    signature: bytes


async def records(conn: Conn, contract_id: UUID | None, most: int) -> list[Record]:
    """Evidence of a contract, or all; newest first, at most so much."""
    return many(Record, await conn.fetch(SQL["records"], contract_id, most))


async def since(conn: Conn, first: UUID) -> list[Record]:
    """All evidence from an id on, oldest first."""
    return many(Record, await conn.fetch(SQL["since"], first))


async def page(conn: Conn, before: UUID, most: int) -> list[Record]:
    """All evidence from before an id, newest first, at most so much."""
    return many(Record, await conn.fetch(SQL["page"], before, most))


async def checkpoints(conn: Conn, before: int, most: int) -> list[Sealed]:
    """Checkpoints from before a number, newest first, at most so many."""
    return many(Sealed, await conn.fetch(SQL["checkpoints"], before, most))


async def checkpoint(conn: Conn, number: int) -> Checkpoint | None:
    """The checkpoint of that number, with its leaves."""
    return one(Checkpoint, await conn.fetchrow(SQL["checkpoint"], number))


async def sealed_by(conn: Conn, seal: Checkpoint) -> AsyncIterator[evidence.Record]:
    """Rows of its range, in order of id. Needs a transaction."""
    async for row in conn.cursor(SQL["sealed"], seal.era, seal.from_transaction, seal.to_transaction, prefetch=500):
        yield evidence.Record(*row)
