"""Planned maintenance: told of before it begins, or an emergency with its justification (A22.2)."""

from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_22_maintenance import may_open
from contract_gate.calendar import JST
from office.storage import holds, maintenance, notices
from office.storage.maintenance import Window
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text, id_of
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry


async def plan(
    conn: Conn, reason: str, starts_at: datetime, ends_at: datetime, person: str, emergency: str | None, now: datetime
) -> UUID:
    """A window, and the notice of it; in an emergency its justification. Raises Unfit."""
    checked_text("reason", reason)
    if emergency is not None:
        checked_text("justification", emergency)
    if not now < ends_at or not starts_at < ends_at:
        raise Unfit("a window ends after it begins, and not in the past")
    who = await asked.person(conn, person)
    async with conn.transaction():
        notice = await notify(
            conn, "maintenance", now, reason=reason, starts_at=shown(starts_at), ends_at=shown(ends_at)
        )
        made = await maintenance.insert(conn, reason, starts_at, ends_at, notice, emergency, who.id, now)
        row = entry(
            "maintenance.planned", asked.actor(who), now, rule="T22-2", clause="A22.2", window=made, notice=notice,
            starts_at=starts_at, ends_at=ends_at, emergency=emergency,
        )  # fmt: skip
        await append(conn, row)
    return made


async def open_window(conn: Conn, window: str, person: str, now: datetime) -> UUID:
    """The service is suspended for the window, and not past its end (T22-2). Raises Unfit."""
    window_id, who = id_of("window", window), await asked.person(conn, person)
    async with conn.transaction():
        found = await maintenance.locked(conn, window_id)
        if found is None or found.suspension_id is not None:
            raise Unfit(
                f"window '{window}' is not planned, or was opened before: `keiyaku maintenance list` shows them"
            )
        if found.ends_at <= now:
            raise Unfit("the window is over: plan another, a longer one needs a notice of its own (A22.2)")
        begins = max(found.starts_at, now)
        told = await notices.first_delivery(conn, found.notice_id) if found.notice_id else None
        if not may_open(found.starts_at, told, found.emergency is not None):
            raise Unfit("its notice was not delivered before it begins (A22.2): plan a later one, or an --emergency")
        made = await holds.insert_suspension(conn, "A22.2", found.reason, begins, found.ends_at, who.id, now)
        await maintenance.opened(conn, window_id, made)
        row = entry(
            "maintenance.opened", asked.actor(who), now, rule="T22-2", clause="A22.2", window=window_id,
            suspension=made, told_at=told, emergency=found.emergency,
        )  # fmt: skip
        await append(conn, row)
    return made


def shown(at: datetime) -> str:
    """An instant as letters write it."""
    return at.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")


async def listed(conn: Conn, before: UUID | None = None, most: int = MOST) -> list[Window]:
    """Windows, newest first."""
    return await maintenance.windows(conn, most, before)
