"""What two people made of the fee of a contract that ended early (Article 9)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_09_settlement import Settlement
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/settlements")


class Settled(msgspec.Struct, frozen=True):
    """A contract's settlement; `returned_yen` goes back under Article 25, and the two who decided it."""

    contract: str
    end_cause: str
    ended_on: date
    outcome: str
    owed_yen: int
    open_yen: int
    ceiling_yen: int | None
    returned_yen: int
    reason: str
    first: str
    second: str
    decided_at: datetime


class Decided(msgspec.Struct, frozen=True):
    """Who decided what about the end of a contract, and why."""

    end_cause: str
    ended_on: date
    returned_yen: int
    reason: str
    first: UUID
    second: UUID


async def insert(conn: Conn, contract_id: UUID, figures: Settlement, by: Decided, now: datetime) -> bool:
    """The contract is settled. False when it was before."""
    values = (
        contract_id, by.end_cause, by.ended_on, figures.outcome, figures.owed_yen, figures.open_yen,
        figures.ceiling_yen, by.returned_yen, by.reason, by.first, by.second, now,
    )  # fmt: skip
    return await conn.fetchval(SQL["insert"], *values) is not None


async def settlements(conn: Conn, most: int, after: str | None = None) -> list[Settled]:
    """Settlements, newest first."""
    return many(Settled, await conn.fetch(SQL["settlements"], most, after))
