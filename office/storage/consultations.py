"""Consultations that pause what the Terms let pause (Article 28)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.readings import choice
from office.storage import readings
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/consultations")


class Consultation(msgspec.Struct, frozen=True):
    """A consultation that is held, its owner and when it is looked at again."""

    contract: str
    reason: str
    owner: str
    review_on: date
    set_at: datetime


async def set_one(
    conn: Conn, contract_id: UUID, reason: str, owner: UUID, review_on: date, set_by: UUID, now: datetime
) -> UUID | None:
    """The id; None when one is held already."""
    made: UUID | None = await conn.fetchval(SQL["set"], uuid7(now), contract_id, reason, owner, review_on, set_by, now)
    return made


async def review(conn: Conn, contract_id: UUID, review_on: date) -> UUID | None:
    """The one that is looked at again that day; None when none is held."""
    found: UUID | None = await conn.fetchval(SQL["review"], contract_id, review_on)
    return found


async def end(conn: Conn, contract_id: UUID, person: UUID, now: datetime) -> UUID | None:
    """The one that has ended; None when none was held."""
    found: UUID | None = await conn.fetchval(SQL["end"], contract_id, person, now)
    return found


async def any_held(conn: Conn, contract_ids: Sequence[UUID]) -> bool:
    """Whether one is held over any of the contracts."""
    return bool(await conn.fetchval(SQL["held"], list(contract_ids)))


async def scope(conn: Conn, contract_id: UUID, now: datetime) -> str:
    """What a consultation over the contract pauses, by the reading that it keeps (R-26)."""
    return choice("consultation.scope", await readings.of_contract(conn, "consultation.scope", contract_id, now))


async def consultations(
    conn: Conn, contract_id: UUID | None, most: int, after: tuple[date, str] | None = None
) -> list[Consultation]:
    """Those held, over a contract or all; the nearest review first."""
    return many(Consultation, await conn.fetch(SQL["consultations"], contract_id, most, *(after or (None, None))))
