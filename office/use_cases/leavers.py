"""People who leave: their credentials end within 24 hours (NSR 2.0.5 §2.2; C-176)."""

from datetime import datetime, timedelta

from office.storage import leavers, people
from office.use_cases import asked
from office.use_cases.asked import Unfit, actor
from sql import Conn
from sql.evidence import append, entry

WITHIN = timedelta(hours=24)


async def leave(conn: Conn, person: str, left_at: datetime, by: str, now: datetime) -> int:
    """Who left decides nothing from this commit on, and none of their tokens is answered; says how many these were.

    Raises Unfit.
    """
    gone, who = await asked.two_persons(conn, person, by)
    if left_at > now:
        raise Unfit("they have not left yet: `keiyaku desk away` arranges who stands in until they do")
    async with conn.transaction():
        if not await leavers.leave(conn, gone.id, left_at):
            raise Unfit(f"'{person}' left before")
        await leavers.insert(conn, gone.id, who.id, now)
        tokens = await leavers.withdraw_tokens(conn, gone.id, now)
        row = entry("person.left", actor(who), now, rule="T17-1", person=gone.id, left_at=left_at, tokens=tokens)
        await append(conn, row)
    return len(tokens)


async def removed(conn: Conn, person: str, by: str, now: datetime) -> bool:
    """Somebody saw to it that every other access is gone: systems, keys, cards; says whether in time. Raises Unfit."""
    gone, who = await people.person_of(conn, person), await asked.person(conn, by)
    if gone is None or gone.left_at is None or not await _record(conn, gone, who, now):
        raise Unfit(f"'{person}' has not left, or it is recorded already: `keiyaku person leave` comes first")
    return now - gone.left_at <= WITHIN


async def _record(conn: Conn, gone: people.Person, who: people.Person, now: datetime) -> bool:
    async with conn.transaction():
        if not await leavers.removed(conn, gone.id, who.id, now):
            return False
        assert gone.left_at is not None
        row = entry(
            "person.access_removed", actor(who), now, rule="T17-1", person=gone.id,
            in_time=now - gone.left_at <= WITHIN,
        )  # fmt: skip
        await append(conn, row)
        return True
