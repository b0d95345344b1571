"""Proposals of what the CA may have to pay (Article 25)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/liability")


class NewProposal(msgspec.Struct, frozen=True):
    """A proposal with the inputs it follows from."""

    contract_id: UUID
    incident_on: date
    damage_yen: int
    received_fee_yen: int
    term_months: int
    term_end: date
    ceiling_yen: int
    proposed_yen: int
    excluded_by: list[str]
    terms_version: str
    answered_by: UUID


class Proposed(msgspec.Struct, frozen=True):
    """A recorded proposal."""

    id: UUID
    contract: str
    incident_on: date
    damage_yen: int
    received_fee_yen: int
    term_months: int
    term_end: date
    ceiling_yen: int
    proposed_yen: int
    excluded_by: list[str]
    terms_version: str
    answered_by: str
    proposed_at: datetime


async def terms_version(conn: Conn, now: datetime) -> str | None:
    """The Terms in force (T20-3)."""
    found: str | None = await conn.fetchval(SQL["terms_version"], now)
    return found


async def insert(conn: Conn, new: NewProposal, now: datetime) -> UUID:
    """The id of the recorded proposal."""
    made = uuid7(now)
    await conn.execute(SQL["insert"], made, *msgspec.structs.astuple(new), now)
    return made


async def proposals(
    conn: Conn, contract_id: UUID | None, most: int, before: UUID | None = None
) -> list[Proposed]:  # fmt: skip
    """Those of a contract, or all; newest first."""
    return many(Proposed, await conn.fetch(SQL["proposals"], contract_id, most, before))
