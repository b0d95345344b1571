"""Whether what is proposed could be decided now: a decision nobody can confirm is refused when it is proposed.

It is tried out: the use case decides, in a transaction that is taken back, with the person who proposes and any other
one for the person who will confirm. So the proposal is refused for the very reason for which the confirmation would be,
and no second list of reasons has to be kept. All that a decision leaves stands in the database (evidence, notices in
the outbox, numbers without a gap): nothing of it stays. Locks of contracts end with the trial.

Another reason may stand in the way tomorrow, and one of today may be gone: the confirmation decides alone. Tried out
as something else is what would hold thousands of contracts (`incident.begin`) and what would tell who proposes it
whether a finding of Article 13 is confirmed (`contract.rescind`, T13-3). Not tried out is what the database writes for
two people's tokens alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from contract_gate.articles.article_11_revocation import ANTISOCIAL, RESCISSION
from office.storage import people
from office.storage.people import Person
from office.use_cases import ending, incidents
from office.use_cases.acceptance import Access
from office.use_cases.asked import Unfit
from office.use_cases.deciding import KINDS
from office.use_cases.kinds import Deciding, Given
from sql import Conn


def rescind(d: Deciding) -> Awaitable[object]:
    """Whether the contract runs, whatever compliance knows of its customer."""
    clause = RESCISSION[0] if d.given.clause == ANTISOCIAL else d.given.clause
    return ending.rescind(d.conn, d.given.contract, clause, d.first, d.second, d.now)


def begin(d: Deciding) -> Awaitable[object]:
    """Whether the incident waits, and would be published in time."""
    pace = incidents.Pace(d.given.per_second, timedelta(seconds=d.given.wait_seconds))
    return incidents.fit(d.conn, d.given.incident, pace, d.now)


INSTEAD: Mapping[str, Callable[[Deciding], Awaitable[object]]] = MappingProxyType(
    {"contract.rescind": rescind, "incident.begin": begin}
)
NOWHERE = Access("-", "-")  # nobody is told of a trial


async def tried(conn: Conn, kind: str, given: Given, who: Person, now: datetime) -> None:
    """Nothing, for what could be confirmed at this instant. Raises Unfit, and whatever its confirmation would raise."""
    other = await people.another(conn, who.id)
    if other is None:
        raise Unfit("nobody else is there to confirm it: add them with `keiyaku person add`")
    trial = conn.transaction()
    await trial.start()
    try:
        await INSTEAD.get(kind, KINDS[kind].decide)(Deciding(conn, given, who.handle, other, NOWHERE, now, now))
    finally:
        await trial.rollback()
