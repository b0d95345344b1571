"""Names, addresses and letters that somebody was shown for a reason. T16-3 [A16.3]."""

from datetime import datetime

from office.use_cases import asked
from sql import Conn
from sql.evidence import append, entry


async def record(conn: Conn, person: str, shown: str, subject: str, reason: str, now: datetime) -> None:
    """That this person was shown this of the subject, and why. Raises Unfit."""
    who = await asked.person(conn, person)
    row = entry("audit.disclosed", asked.actor(who), now, rule="T16-3", shown=shown, subject=subject, reason=reason)
    await append(conn, row)
