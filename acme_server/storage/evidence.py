"""Evidence and its checkpoints: what the sealer and the verifier read and write (design §6)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from contract_gate.cited_terms import Text
from contract_gate.evidence import Checkpoint, Record
from sql import Conn, statements
from sql.rows import many, one

SEALER = statements("evidence/sealer")
VERIFY = statements("evidence/verify")
LAG = statements("evidence/lag")


class Transcript(msgspec.Struct, frozen=True):
    """What people did in a ceremony or for a CRL of a root; destroyed once it is past its retention (T16-2)."""

    id: UUID
    transcript: str
    signed_at: datetime
    destroyed: bool


class Horizon(msgspec.Struct, frozen=True):
    """The era of new rows, the oldest transaction that has not ended, the first that has not begun."""

    era: int
    open_from: int
    unborn_from: int


async def lock(conn: Conn) -> bool:
    """Whether this session is the only sealer, until it ends."""
    return bool(await conn.fetchval(SEALER["lock"]))


async def latest_checkpoint(conn: Conn) -> Checkpoint | None:
    """The end of the chain; None before the first."""
    return one(Checkpoint, await conn.fetchrow(SEALER["latest_checkpoint"]))


async def checkpoints_after(conn: Conn, number: int) -> list[Checkpoint]:
    """At most 100 checkpoints that follow `number`, oldest first."""
    return many(Checkpoint, await conn.fetch(SEALER["checkpoints_after"], number))


async def horizon(conn: Conn) -> Horizon:
    """Up to where transactions have ended."""
    row = await conn.fetchrow(SEALER["horizon"])
    assert row is not None
    return Horizon(**row)


async def ended_records(conn: Conn, era: int, start: int, end: int, about: int) -> list[Record]:
    """The first records, about that many, of transactions in [start, end), which must all have ended."""
    rows = await conn.fetch(SEALER["ended_records"], era, start, end, about)
    return [Record(*row) for row in rows]  # by place, at a third of the cost of by name


async def insert_checkpoint(conn: Conn, checkpoint: Checkpoint) -> None:
    """The checkpoint is the end of the chain."""
    one = checkpoint
    await conn.execute(
        SEALER["insert_checkpoint"], one.number, one.era, one.from_transaction, one.to_transaction, one.record_count,
        one.leaves, one.root, one.previous, one.sealed_at, one.hash, one.signature,
    )  # fmt: skip


async def set_sealed_through(conn: Conn, at: datetime) -> None:
    """Everything committed before `at` is sealed."""
    await conn.execute(SEALER["sealed_through"], at)


async def is_known_cluster(conn: Conn) -> bool:
    """Whether this is the cluster that the operators know of, and no backup that somebody restored."""
    return bool(await conn.fetchval(SEALER["is_known_cluster"]))


async def unseal(conn: Conn) -> None:
    """Nothing is issued until the sealer has caught up."""
    await conn.execute(SEALER["unseal"])


async def seal_lag(conn: Conn, now: datetime) -> timedelta:
    """How far the seal is behind. Above a minute nothing is issued (design §6)."""
    at: datetime | None = await conn.fetchval(LAG["sealed_through"])
    return timedelta.max if at is None else now - at


async def checkpoints(conn: Conn) -> AsyncIterator[Checkpoint]:
    """The chain as the database has it, oldest first. Needs a transaction."""
    async for row in conn.cursor(VERIFY["checkpoints"], prefetch=10):
        yield Checkpoint(**row)


async def records_between(conn: Conn, start: tuple[int, int], end: tuple[int, int]) -> AsyncIterator[Record]:
    """Records from one (era, transaction) up to another, in order of id. Needs a transaction."""
    async for row in conn.cursor(VERIFY["records_between"], *start, *end, prefetch=1000):
        yield Record(*row)


async def transcripts(conn: Conn) -> list[Transcript]:
    """Every transcript of which evidence has the hash."""
    return many(Transcript, await conn.fetch(VERIFY["transcripts"]))


async def terms(conn: Conn) -> list[Text]:
    """Every version of the Terms that counts from some instant on."""
    return many(Text, await conn.fetch(VERIFY["terms"]))
