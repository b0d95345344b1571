"""A leak of personal data: who is told, and by when it is reported; `keiyaku check` shows the clock (T16-2)."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_16_secrecy import leak_due
from contract_gate.calendar import JST
from office.storage import leaks, people
from office.storage.leaks import Leak
from office.use_cases import asked, tenants
from office.use_cases.asked import MOST, Unfit, checked_text, id_of
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

DONE = "done-"


async def record(
    conn: Conn, found_at: datetime, malicious: bool, affected: str, measures: str, customers: Collection[str],
    person: str, now: datetime,
) -> UUID:  # fmt: skip
    """Its reports are due from now on, and the customers named are told. `affected` names nobody. Raises Unfit."""
    checked_text("affected", affected)
    checked_text("measures", measures)
    if found_at > now:
        raise Unfit("it was found after now: give the instant at which it was found")
    who = await asked.person(conn, person)
    found = [await people.customer_of(conn, handle) for handle in customers]
    if None in found:
        raise Unfit("a customer is unknown: `keiyaku customer list` shows them")
    async with conn.transaction():
        due = leak_due(found_at, malicious)
        made = await leaks.record(conn, found_at, malicious, affected, measures, who.id, due, now)
        said = found_at.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")
        for customer in filter(None, found):
            await notify(
                conn, "personal_data_leak", now, customer_id=customer.id, found_at=said, affected=affected,
                measures=measures,
            )  # fmt: skip
        row = entry(
            "leak.recorded", asked.actor(who), now, rule="T16-2", clause="A16.3", leak=made, found_at=found_at,
            malicious=malicious, preliminary_due_at=due.preliminary_at, final_due_at=due.final_at,
        )  # fmt: skip
        await append(conn, row)
    return made


async def report(conn: Conn, leak: str, final: bool, person: str, now: datetime) -> None:
    """The preliminary report was made, or the final one. Raises Unfit."""
    leak_id, who = id_of("leak", leak), await asked.person(conn, person)
    async with conn.transaction():
        if not await (leaks.final if final else leaks.preliminary)(conn, leak_id, now):
            raise Unfit("there is no such leak, it was reported so before, or the preliminary report is still to come")
        kind = "leak.reported_finally" if final else "leak.reported"
        await append(conn, entry(kind, asked.actor(who), now, rule="T16-2", clause="A16.3", leak=leak_id))


async def listed(conn: Conn, cursor: str | None = None, most: int = MOST) -> list[Leak]:
    """Open ones first. Raises Unfit."""
    after = tenants.id_after(cursor.removeprefix(DONE) if cursor else None)
    return await leaks.leaks(conn, most, after, (cursor or "").startswith(DONE))


def cursor_of(leak: Leak) -> str:
    """Its place as it was shown: its final report may be made before the next page is asked for."""
    return f"{DONE if leak.final_at else ''}{leak.id}"
