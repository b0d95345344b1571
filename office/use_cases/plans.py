"""Plans and prices: dated, never changed; a contract freezes what its plan said (T8-1)."""

from datetime import datetime

from office.storage import people
from office.storage.people import OfferedPlan, Plan
from office.use_cases import register
from office.use_cases.asked import MOST, OPERATOR, Unfit
from sql import Conn
from sql.evidence import append, entry

plan = register.plan


async def add(conn: Conn, wanted: Plan, offered_from: datetime, now: datetime) -> Plan:
    """A plan that is on offer from then on. Raises Unfit."""
    async with conn.transaction():
        made = await register.add_plan(conn, wanted, now)
        await people.offer(conn, made.id, offered_from, None)
    return made


async def close(conn: Conn, handle: str, offered_until: datetime, now: datetime) -> None:
    """The plan is on offer up to then; running contracts keep what they froze (T8-1). Raises Unfit."""
    found = await people.plan_of(conn, handle)
    if found is None:
        raise Unfit(f"there is no plan '{handle}': `keiyaku plan list` shows them")
    async with conn.transaction():
        await people.offer(conn, found.id, None, offered_until)
        row = entry("plan.closed", OPERATOR, now, rule="T8-1", clause="A8.1", plan=found.id, until=offered_until)
        await append(conn, row)


async def listed(conn: Conn) -> list[OfferedPlan]:
    """Plans by handle, with the time they are on offer; infinite ends are absent."""
    return await people.offered_plans(conn, MOST)
