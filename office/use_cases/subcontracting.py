"""Who works for the CA under contract, in what role, since when (Article 17)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from office.storage import subcontractors
from office.storage.subcontractors import Subcontractor
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text, one_of
from sql import Conn
from sql.evidence import append, entry

ROLES = ("review_support", "call_back", "hosting", "mail", "printing", "support")  # never validation of domains


async def add(conn: Conn, organisation: str, role: str, from_on: date, person: str, now: datetime) -> UUID:
    """Whoever is of that organisation acts as its staff from now on, in the evidence too. Raises Unfit."""
    checked_text("organisation", organisation, 200)
    one_of("role", role, ROLES)
    who = await asked.person(conn, person)
    async with conn.transaction():
        made = await subcontractors.add(conn, organisation.strip(), role, from_on, who.id, now)
        if made is None:
            raise Unfit(f"'{organisation}' is in the register: `keiyaku subcontractor list` shows it")
        await _record(conn, "subcontractor.added", asked.actor(who), made, now, role=role, from_on=from_on)
    return made


async def end(conn: Conn, organisation: str, until_on: date, person: str, now: datetime) -> None:
    """Its last day, which counts. Raises Unfit."""
    who = await asked.person(conn, person)
    async with conn.transaction():
        found = await subcontractors.end(conn, organisation, until_on)
        if found is None:
            raise Unfit(f"no '{organisation}' works for the CA that day, or its last day is recorded")
        await _record(conn, "subcontractor.ended", asked.actor(who), found, now, until_on=until_on)


async def _record(conn: Conn, kind: str, actor: str, one: UUID, now: datetime, **content: Any) -> None:
    row = entry(kind, actor, now, rule="T17-1", clause="A17.1", subcontractor=one, **content)
    await append(conn, row)


async def listed(conn: Conn, after: str | None = None, most: int = MOST) -> list[Subcontractor]:
    """By organisation, those that ended too."""
    return await subcontractors.subcontractors(conn, most, after)
