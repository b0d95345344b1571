"""The register of subcontractors (T17-1)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/subcontractors")


class Subcontractor(msgspec.Struct, frozen=True):
    """An organisation that works for the CA, what it does and since when; how many persons are of it."""

    id: UUID
    organisation: str
    role: str
    from_on: date
    until_on: date | None
    persons: int


async def add(conn: Conn, organisation: str, role: str, from_on: date, person: UUID, now: datetime) -> UUID | None:
    """The id; None when it is in the register."""
    made: UUID | None = await conn.fetchval(SQL["add"], uuid7(now), organisation, role, from_on, person, now)
    return made


async def end(conn: Conn, organisation: str, until_on: date) -> UUID | None:
    """The one whose last day that is; None when there is none that works."""
    found: UUID | None = await conn.fetchval(SQL["end"], organisation, until_on)
    return found


async def subcontractors(conn: Conn, most: int, after: str | None = None) -> list[Subcontractor]:
    """By organisation, those that ended too."""
    return many(Subcontractor, await conn.fetch(SQL["subcontractors"], most, after))
