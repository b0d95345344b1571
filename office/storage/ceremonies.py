"""Key ceremonies and their steps, one function a statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/ceremonies")


class Ceremony(msgspec.Struct, frozen=True):
    """A ceremony; under way until there is a transcript."""

    id: UUID
    script: bytes
    begun_at: datetime
    transcript: str | None
    ended_at: datetime | None


class Held(msgspec.Struct, frozen=True):
    """When a ceremony was held; under way until it ended."""

    id: UUID
    begun_at: datetime
    ended_at: datetime | None


class StepRow(msgspec.Struct, frozen=True):
    """A step that was prepared and, once two people agreed, done. `first` and `second` are their handles."""

    step: str
    tbs: list[bytes]
    prepared_at: datetime
    preparations: int
    result: list[bytes] | None
    done_at: datetime | None
    first: str | None
    second: str | None


async def hold_room(conn: Conn) -> bool:
    """Whether no other connection holds a ceremony; none can from now on, until this one ends."""
    return bool(await conn.fetchval(SQL["hold_room"]))


async def newest(conn: Conn) -> Ceremony | None:
    """The ceremony that was begun last."""
    return one(Ceremony, await conn.fetchrow(SQL["newest"]))


async def listed(conn: Conn, before: UUID | None, most: int) -> list[Held]:
    """Ceremonies, newest first, older than that one."""
    return many(Held, await conn.fetch(SQL["listed"], before, most))


async def ceremony_of(conn: Conn, id: UUID) -> Ceremony | None:
    """The ceremony of that id."""
    return one(Ceremony, await conn.fetchrow(SQL["ceremony"], id))


async def insert_ceremony(conn: Conn, id: UUID, script: bytes, now: datetime) -> None:
    """A ceremony is under way; there can be no second."""
    await conn.execute(SQL["insert_ceremony"], id, script, now)


async def steps(conn: Conn, ceremony_id: UUID) -> list[StepRow]:
    """Its steps in order."""
    return many(StepRow, await conn.fetch(SQL["steps"], ceremony_id))


async def prepare(conn: Conn, ceremony_id: UUID, number: int, step: str, tbs: Sequence[bytes], at: datetime) -> None:
    """The step will sign these bytes, none that were prepared before."""
    await conn.execute(SQL["prepare"], ceremony_id, number, step, tbs, at)


async def finish_step(
    conn: Conn, ceremony_id: UUID, step: str, first: UUID, second: UUID, result: Sequence[bytes], now: datetime
) -> bool:
    """The step is done, once."""
    return (await conn.fetchval(SQL["finish_step"], ceremony_id, step, first, second, result, now)) is not None


async def end_ceremony(conn: Conn, ceremony_id: UUID, transcript: str, now: datetime) -> bool:
    """The ceremony is over, once."""
    return await conn.fetchval(SQL["end_ceremony"], ceremony_id, transcript, now) is not None
