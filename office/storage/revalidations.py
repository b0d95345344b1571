"""New reviews of running contracts, before the old ones are too old (T4-4)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_04_issuance import REVIEW_ITEMS
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/revalidations")


class Candidate(msgspec.Struct, frozen=True):
    """A reviewed contract and the day on which its oldest item was obtained."""

    id: UUID
    number: int
    oldest: date


class UnderWay(msgspec.Struct, frozen=True):
    """A new review that was asked for, and the oldest item as it is now."""

    contract_id: UUID
    fails_on: date
    ended: bool
    oldest: date | None


async def candidates(conn: Conn, after: int, obtained_by: date, most: int) -> list[Candidate]:
    """Contracts with data as old as that and no new review asked for, by number."""
    return many(Candidate, await conn.fetch(SQL["candidates"], after, obtained_by, most, list(REVIEW_ITEMS)))


async def open_one(conn: Conn, contract_id: UUID, fails_on: date, now: datetime) -> bool:
    """Whether a new review is asked for now, for the first time."""
    return await conn.fetchval(SQL["open"], contract_id, fails_on, now) is not None


async def under_way(conn: Conn, contract_id: UUID | None, after: UUID, most: int) -> list[UnderWay]:
    """New reviews that were asked for, of one contract or of all, by contract."""
    return many(UnderWay, await conn.fetch(SQL["under_way"], contract_id, after, most, list(REVIEW_ITEMS)))


async def close(conn: Conn, contract_id: UUID, now: datetime) -> bool:
    """Whether it was under way until now."""
    return await conn.fetchval(SQL["close"], contract_id, now) is not None
