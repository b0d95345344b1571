"""Plans and prices: dated, never changed; a contract freezes what its plan said (T8-1)."""

from datetime import datetime

from office.storage import people, vouched
from office.storage.people import OfferedPlan, Plan
from office.use_cases import register
from office.use_cases.asked import MOST, Deciders, Unfit, deciding
from sql import Conn
from sql.evidence import append, entry

plan = register.plan


async def add(
    conn: Conn, wanted: Plan, offered_from: datetime, now: datetime, by: Deciders | None = None
) -> Plan:  # fmt: skip
    """A plan that is on offer from then on. Raises Unfit."""
    async with conn.transaction():
        made = await register.add_plan(conn, wanted, now, by)
        if by is None or by.proposal is None:
            await people.offer(conn, made.id, offered_from, None)
    return made


async def plan_named(conn: Conn, handle: str) -> Plan:
    """The plan of that handle. Raises Unfit."""
    if found := await people.plan_of(conn, handle):
        return found
    raise Unfit(f"there is no plan '{handle}': `keiyaku plan list` shows them")


async def close(
    conn: Conn, handle: str, offered_until: datetime, now: datetime, by: Deciders | None = None
) -> None:  # fmt: skip
    """The plan is on offer up to then; running contracts keep what they froze (T8-1). Raises Unfit."""
    found, (actor, second) = await plan_named(conn, handle), deciding(by)
    async with conn.transaction():
        if by and by.proposal:
            await vouched.close_plan(conn, by.proposal)
        else:
            await people.offer(conn, found.id, None, offered_until)
        row = entry("plan.closed", actor, now, rule="T8-1", clause="A8.1", plan=found.id, until=offered_until, **second)
        await append(conn, row)


async def listed(conn: Conn, after: str | None = None, most: int = MOST) -> list[OfferedPlan]:
    """Plans by handle, with the time they are on offer; infinite ends are absent."""
    return await people.offered_plans(conn, most, after)
