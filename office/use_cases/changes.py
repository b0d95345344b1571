"""Changes of what the CA knows of a customer (T6-4), and suspensions of the whole service (T10-1, T22-1)."""

from datetime import datetime, timedelta
from uuid import UUID

from office.storage import holds
from office.storage.changing import changing
from office.storage.holds import Suspension
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

ITEMS = ("organization", "address", "representative", "other")
CLAUSES = ("A10.1", "A22.1", "A22.2")


async def report(conn: Conn, contract: str, item: str, in_certificate: bool, now: datetime) -> UUID:
    """The CA knows of a change from now on: G8 while it is in a certificate and unresolved (T6-4). Raises Unfit."""
    one_of("item", item, ITEMS)
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        made = await holds.insert_change(conn, key.id, item, in_certificate, now)
        row = entry("change.reported", OPERATOR, now, contract_id=key.id, rule="T6-4", clause="A6.1", change=made)
        await append(conn, row)
    return made


async def resolve(conn: Conn, change: str, person: str, now: datetime) -> None:
    """A person has settled it: it blocks nothing from this transaction on (T6-2). Raises Unfit."""
    change_id, who = id_of("change", change), await asked.person(conn, person)
    key = await holds.contract_of_change(conn, change_id)
    if key is None:
        raise Unfit(f"there is no change '{change}': `keiyaku contract show` lists them")
    async with changing(conn, key.number):
        if not await holds.resolve_change(conn, change_id, now):
            raise Unfit("the change was resolved before")
        row = entry(
            "change.resolved", asked.actor(who), now, contract_id=key.id, rule="T6-2", clause="A6.1", change=change_id
        )
        await append(conn, row)


async def suspend(
    conn: Conn, clause: str, cause: str, starts_at: datetime, ends_at: datetime | None, person: str, now: datetime
) -> UUID:
    """No certificate is issued from `starts_at` on (T10-1, T22-1); status and revocation go on. Raises Unfit."""
    one_of("clause", clause, CLAUSES)
    checked_text("cause", cause)
    if ends_at is not None and ends_at <= max(starts_at, now):
        raise Unfit(f"the end {ends_at.isoformat()} must lie after the start and after now")
    if starts_at < now - timedelta(days=31):
        raise Unfit(f"the start {starts_at.isoformat()} lies more than a month back")
    who = await asked.person(conn, person)
    async with conn.transaction():
        made = await holds.insert_suspension(conn, clause, cause, starts_at, ends_at, who.id, now)
        rule = "T10-1" if clause == "A10.1" else "T22-1"
        await append(conn, entry("service.suspended", asked.actor(who), now, rule=rule, clause=clause, suspension=made))
    return made


async def resume(conn: Conn, suspension: str, person: str, now: datetime) -> None:
    """The suspension ends now. Raises Unfit."""
    suspension_id, who = id_of("suspension", suspension), await asked.person(conn, person)
    async with conn.transaction():
        if not await holds.end_suspension(conn, suspension_id, now):
            raise Unfit(f"suspension '{suspension}' is not in effect: `keiyaku gate suspensions` shows them")
        row = entry("service.resumed", asked.actor(who), now, rule="T10-1", clause="A10.1", suspension=suspension_id)
        await append(conn, row)


async def suspensions(conn: Conn, now: datetime) -> list[Suspension]:
    """Suspensions that have not ended, planned ones included."""
    return await holds.suspensions(conn, now)
