"""Decisions proposed by one person, to be confirmed by another (2p)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/proposals")
NEWEST = UUID(int=2**128 - 1)


class Proposal(msgspec.Struct, frozen=True):
    """What is proposed, by whom, and what became of it; `arguments` is JSON."""

    id: UUID
    kind: str
    contract_id: UUID | None
    contract_number: int | None
    contract: str | None
    arguments: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    withdrawn_at: datetime | None
    state: str


async def insert(
    conn: Conn, kind: str, contract_id: UUID | None, arguments: str, by: UUID, expires_at: datetime, now: datetime
) -> UUID:
    """The id of the new proposal."""
    proposal_id = uuid7(now)
    await conn.execute(SQL["insert"], proposal_id, kind, contract_id, arguments, by, now, expires_at)
    return proposal_id


async def proposal_of(conn: Conn, proposal_id: UUID, now: datetime) -> Proposal | None:
    """The proposal of that id."""
    return one(Proposal, await conn.fetchrow(SQL["proposal"], proposal_id, now))


async def proposals(conn: Conn, kinds: Sequence[str], now: datetime, before: UUID | None, most: int) -> list[Proposal]:
    """Proposals of these kinds, newest first, older than that one; at most so many."""
    return many(Proposal, await conn.fetch(SQL["proposals"], list(kinds), now, before or NEWEST, most))


async def confirm(conn: Conn, proposal_id: UUID, person: UUID, now: datetime) -> bool:
    """Whether it was open, another person's, and is confirmed now."""
    return await conn.fetchval(SQL["confirm"], proposal_id, person, now) is not None


async def withdraw(conn: Conn, proposal_id: UUID, person: UUID, now: datetime) -> bool:
    """Whether it was this person's, open, and is withdrawn now."""
    return await conn.fetchval(SQL["withdraw"], proposal_id, person, now) is not None
