"""A suspension neither extends the term nor stops timers; a person may let one run longer, by record (T10-3)."""

from datetime import datetime
from uuid import UUID

from office.storage import timers
from office.storage.changing import changing
from office.storage.timers import Extension
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

TIMERS = ("lapse", "reissue")  # T12-8, T12-3


async def extend(
    conn: Conn, suspension: str, contract: str, timer: str, until: datetime, reason: str, person: str, now: datetime
) -> None:
    """The timer of the contract runs until then. Raises Unfit."""
    one_of("timer", timer, TIMERS)
    checked_text("reason", reason)
    suspension_id = id_of("suspension", suspension)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    if until <= now:
        raise Unfit("a timer is extended to an instant that lies ahead")
    async with changing(conn, key.number):
        starts_at = await timers.suspended_from(conn, suspension_id)
        if starts_at is None or starts_at > now:
            raise Unfit(f"there was no suspension '{suspension}': `keiyaku gate suspensions` shows them")
        if timer == "reissue" and not await timers.extend_reissue(conn, key.id, until):
            raise Unfit(f"contract '{contract}' waits for no reissue, or until later")
        await timers.extend(conn, suspension_id, key.id, timer, until, reason, who.id, now)
        row = entry(
            "timer.extended", asked.actor(who), now, contract_id=key.id, rule="T10-3", clause="A10.1",
            suspension=suspension_id, timer=timer, until=until,
        )  # fmt: skip
        await append(conn, row)


async def listed(conn: Conn, contract: str | None, after: UUID | None = None, most: int = MOST) -> list[Extension]:
    """Extensions for a contract, or all; newest first. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await timers.extensions(conn, key.id if key else None, most, after)
