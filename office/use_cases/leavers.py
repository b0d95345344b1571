"""People who leave: their credentials end within 24 hours (NSR 2.0.5 §2.2; C-176)."""

from datetime import datetime, timedelta

from office.storage import leavers, people, vouched
from office.use_cases import asked
from office.use_cases.asked import Deciders, Unfit, actor
from sql import Conn
from sql.evidence import append, entry

WITHIN = timedelta(hours=24)


async def leave(conn: Conn, person: str, left_at: datetime, by: str, now: datetime) -> int:
    """Who left decides nothing from this commit on, and none of their tokens is answered; says how many these were.

    Raises Unfit.
    """
    gone, who = await asked.two_persons(conn, person, by)
    await fit(conn, person, left_at, now)
    async with conn.transaction():
        if not await leavers.leave(conn, gone.id, left_at):
            raise Unfit(f"'{person}' left before")
        await leavers.insert(conn, gone.id, who.id, now)
        tokens = await leavers.withdraw_tokens(conn, gone.id, now)
        row = entry("person.left", actor(who), now, rule="T17-1", person=gone.id, left_at=left_at, tokens=tokens)
        await append(conn, row)
    return len(tokens)


async def leave_by_two(conn: Conn, person: str, left_at: datetime, by: Deciders, now: datetime) -> int:
    """The same, decided by two others. Raises Unfit."""
    if by.proposal is None:
        return await leave(conn, person, left_at, by.first.handle, now)
    gone = await fit(conn, person, left_at, now)
    async with conn.transaction():
        tokens = await vouched.leave(conn, by.proposal)
        if tokens is None:
            raise Unfit(f"'{person}' left before, or decides this: two others do")
        row = entry(
            "person.left", actor(by.first), now, rule="T17-1", person=gone.id, left_at=left_at, tokens=tokens,
            second=actor(by.second),
        )  # fmt: skip
        await append(conn, row)
    return len(tokens)


async def fit(conn: Conn, person: str, left_at: datetime, now: datetime) -> people.Person:
    """Who has left by now, and is still here as far as we know. Raises Unfit."""
    if left_at > now:
        raise Unfit("they have not left yet: `keiyaku desk away` arranges who stands in until they do")
    return await asked.person(conn, person)


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
