"""Doubt or dispute: an officer sets a consultation, with an owner and a day to look again (T28-1)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from contract_gate.calendar import jst_date
from office.storage import consultations
from office.storage.consultations import Consultation
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text
from sql import Conn
from sql.evidence import append, entry


async def hold(conn: Conn, contract: str, reason: str, owner: str, review_on: date, person: str, now: datetime) -> UUID:
    """It pauses reminders, what is automatic, and decisions under A11.4.4; no gate opens or shuts. Raises Unfit."""
    checked_text("reason", reason)
    _ahead(review_on, now)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    answers = await asked.person(conn, owner)
    async with conn.transaction():
        made = await consultations.set_one(conn, key.id, reason, answers.id, review_on, who.id, now)
        if made is None:
            raise Unfit(f"a consultation over '{contract}' is held already: `keiyaku consultation list` shows it")
        await _record(
            conn, "consultation.set", key.id, asked.actor(who), made, now, owner=answers.id, review_on=review_on
        )
    return made


async def review(conn: Conn, contract: str, review_on: date, person: str, now: datetime) -> None:
    """It was looked at and goes on until another day. Raises Unfit."""
    _ahead(review_on, now)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with conn.transaction():
        if (found := await consultations.review(conn, key.id, review_on)) is None:
            raise Unfit(f"no consultation over '{contract}' is held")
        await _record(conn, "consultation.reviewed", key.id, asked.actor(who), found, now, review_on=review_on)


async def end(conn: Conn, contract: str, person: str, now: datetime) -> None:
    """It pauses nothing any more. Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with conn.transaction():
        if (found := await consultations.end(conn, key.id, who.id, now)) is None:
            raise Unfit(f"no consultation over '{contract}' is held")
        await _record(conn, "consultation.ended", key.id, asked.actor(who), found, now)


def _ahead(review_on: date, now: datetime) -> None:
    if review_on <= jst_date(now):
        raise Unfit("the day to look again lies ahead")


async def _record(
    conn: Conn, kind: str, contract_id: UUID, actor: str, consultation: UUID, now: datetime, **content: Any
) -> None:
    row = entry(
        kind, actor, now, contract_id=contract_id, rule="T28-1", clause="A28.1", consultation=consultation, **content
    )
    await append(conn, row)


async def listed(
    conn: Conn, contract: str | None = None, cursor: str | None = None, most: int = MOST
) -> list[Consultation]:
    """Those held, over a contract or all; the nearest review first. Raises Unfit."""
    key, after = await asked.contract(conn, contract) if contract else None, place_of(cursor) if cursor else None
    return await consultations.consultations(conn, key.id if key else None, most, after)


def cursor_of(held: Consultation) -> str:
    """Its place as it was shown: the day to look again may move before the next page is asked for."""
    return f"{held.review_on}.{held.contract}"


def place_of(cursor: str) -> tuple[date, str]:
    """Where a cursor goes on. Raises Unfit."""
    day, _, contract = cursor.partition(".")
    try:
        return date.fromisoformat(day), contract
    except ValueError:
        raise Unfit("the cursor is none of ours: give `next` of the page before") from None
