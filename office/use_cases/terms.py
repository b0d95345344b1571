"""Versions of the Terms: announced, then in force at their instant, without anybody's consent (Article 20)."""

from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_20_terms_change import early_enough
from contract_gate.calendar import JST
from office.storage import notices, people, terms
from office.storage.terms import Change
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text
from office.use_cases.notify import ACTOR, notify
from sql import Conn, Pool
from sql.evidence import append, entry


class Version(msgspec.Struct, frozen=True):
    """A version to come."""

    version: str
    sha256: bytes
    url: str
    change: str
    reason: str
    effective_at: datetime


async def announce(conn: Conn, new: Version, person: str, now: datetime) -> UUID:
    """The announcement goes out; the version counts from its instant, if that was delivered in time (T20-1).

    Returns the notice. Raises Unfit.
    """
    checked_text("version", new.version, 64)
    checked_text("change", new.change)
    checked_text("reason", new.reason)
    if not new.url.startswith("https://"):
        raise Unfit(f"the address '{new.url}' must begin with https://")
    who = await asked.person(conn, person)
    days = await notices.min_notice_days(conn, now)
    if not early_enough(now, new.effective_at, days):
        raise Unfit(f"new Terms are announced at least {days} days before they count (A20.1): choose a later instant")
    async with conn.transaction():
        notice = await notify(
            conn, "terms_changed", now, version=new.version, change=new.change, address=new.url,
            effective_at=new.effective_at.astimezone(JST).strftime("%Y-%m-%d %H:%M JST"),
        )  # fmt: skip
        if not await terms.insert(conn, new.version, new.sha256, new.url, new.change, new.reason, new.effective_at,
                                  notice, who.id):  # fmt: skip
            raise Unfit(
                f"Terms {new.version} are there already, or others count from that very instant: a text never changes, "
                "announce another version, or another instant"
            )
        row = entry(
            "terms.announced", asked.actor(who), now, rule="T20-1", clause="A20.1", version=new.version,
            sha256=new.sha256.hex(), notice=notice, effective_at=new.effective_at, reason=new.reason,
        )  # fmt: skip
        await append(conn, row)
    return notice


async def withdraw(conn: Conn, version: str, person: str, now: datetime) -> None:
    """A version that is not in force yet never will be. Raises Unfit."""
    who = await asked.person(conn, person)
    async with conn.transaction():
        if not await terms.withdraw(conn, version, now):
            raise Unfit(f"Terms {version} are not announced, in force already, or withdrawn")
        await append(
            conn, entry("terms.withdrawn", asked.actor(who), now, rule="T20-1", clause="A20.1", version=version)
        )


async def take_effect(pool: Pool, now: datetime) -> None:
    """A version whose announcement was delivered in time stands among the texts, to count from its instant on (T20-1).

    One that was not delivered in time never gets there, however late the announcement arrives.
    """
    async with pool.acquire() as conn, conn.transaction():
        days = await notices.min_notice_days(conn, now)
        for change in await terms.delivered(conn):
            at, kind = change.delivered_at, "terms.enacted"
            await people.hold_terms(conn)
            if at is None or not (
                early_enough(at, change.effective_at, days) and await terms.enact(conn, change.version, at)
            ):
                await terms.withdraw(conn, change.version, now)
                kind = "terms.refused"
            row = entry(
                kind, ACTOR, now, rule="T20-1", clause="A20.1", version=change.version, announced_at=at,
                effective_at=change.effective_at,
            )  # fmt: skip
            await append(conn, row)


async def listed(conn: Conn, after: str | None = None, most: int = MOST) -> list[Change]:
    """Announced versions, newest first."""
    return await terms.changes(conn, most, after)
