"""Limits: what was taken of them, and names that accounts fail to validate (protocol/limits.py)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from acme_server.protocol.limits import Rate
from sql import Conn, Pool, statements
from sql.rows import many

SQL = statements("acme_server/limits")


class Wanted(msgspec.Struct, frozen=True):
    """One of a limit, for a subject."""

    name: str
    subject: str
    rate: Rate


class State(msgspec.Struct, frozen=True):
    """What a limit allows a contract, and when all that was taken has come back."""

    name: str
    number: int
    full_at: datetime | None


class Failure(msgspec.Struct, frozen=True):
    """A name that the account failed to validate; `token` is that of the page that resumes a paused one."""

    name: str
    full_at: datetime
    token: str | None
    number: int


def columns(wanted: Sequence[Wanted]) -> tuple[list[str], list[str], list[int], list[object]]:
    """What `acme.take` is asked for: names, subjects, numbers, spans."""
    return (
        [each.name for each in wanted], [each.subject for each in wanted], [each.rate.number for each in wanted],
        [each.rate.span for each in wanted],
    )  # fmt: skip


async def state_of(conn: Conn | Pool, contract_id: UUID, wanted: Sequence[Wanted], now: datetime) -> list[State]:
    """How full each limit is, in the order of `wanted`."""
    names, subjects, numbers, _ = columns(wanted)
    return many(State, await conn.fetch(SQL["state_of_limits"], contract_id, names, subjects, numbers, now))


async def failures(
    conn: Conn | Pool, account_id: UUID, names: Sequence[str], contract_id: UUID, rate: Rate, now: datetime
) -> list[Failure]:
    """Those of the names that the account failed to validate."""
    rows = await conn.fetch(SQL["failures"], account_id, list(names), contract_id, now, rate.number)
    return many(Failure, rows)


async def forget(pool: Pool, now: datetime) -> None:
    """Rows that say nothing any more are gone."""
    await pool.execute(SQL["forget_limits"], now)
