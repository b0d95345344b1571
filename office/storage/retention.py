"""Personal data past its retention (T16-2)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/retention")
NOBODY = UUID(int=0)  # every id comes after it
PEOPLE = frozenset({"persons.name", "requesters.name"})  # fields of persons, whom other records may name


class Gone(msgspec.Struct, frozen=True):
    """A row whose personal data is destroyed."""

    id: UUID | int
    contract_id: UUID | None


class Looked(msgspec.Struct, frozen=True):
    """How many people were looked at, the last of them, and who has a pseudonym from now on."""

    looked_at: int
    last: UUID | None
    gone: list[UUID]


class Tally(msgspec.Struct, frozen=True):
    """How many rows lost a field so far, and when the last did."""

    field: str
    rows: int
    last_at: datetime


class Destruction(msgspec.Struct, frozen=True):
    """How many rows lost a field at an instant."""

    field: str
    destroyed_at: datetime
    rows: int


async def alone(conn: Conn) -> None:
    """No other node destroys anything until the transaction ends."""
    await conn.execute(SQL["alone"])


async def destroy(conn: Conn, field: str, now: datetime, most: int) -> list[Gone]:
    """Rows of which the field is past its retention: destroyed now."""
    return [
        Gone(int(row["id"]) if row["id"].isdecimal() else UUID(row["id"]), row["contract_id"])
        for row in await conn.fetch(SQL["destroy"], field, now, most)
    ]


async def pseudonymise(conn: Conn, field: str, now: datetime, after: UUID, most: int) -> Looked:
    """Of people who may be past their retention, from one on, those whom no record names that is still kept."""
    [looked] = many(Looked, await conn.fetch(SQL["pseudonymise"], field, now, after, most))
    return looked


async def tally(conn: Conn, field: str, now: datetime, rows: int) -> None:
    """So many rows lost the field now."""
    await conn.execute(SQL["tally"], field, now, rows)


async def tallies(conn: Conn) -> list[Tally]:
    """Of each field of which anything was destroyed."""
    return many(Tally, await conn.fetch(SQL["tallies"]))


async def destructions(conn: Conn, most: int, before: datetime | None, field: str | None) -> list[Destruction]:
    """What was destroyed when, newest first; what is behind an instant and field."""
    return many(Destruction, await conn.fetch(SQL["destructions"], most, before, field))
