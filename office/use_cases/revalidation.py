"""Re-validation: 60 days before review data is too old a new review is asked for, without a fee or a contract (T4-4).

The new items are recorded as those of the application were; what is asked for ends in the transaction of the last one.
"""

from datetime import date, datetime
from uuid import UUID

from contract_gate.articles.article_04_issuance import due_when_obtained_by, stale_on
from contract_gate.calendar import day_start, jst_date
from office.storage import renewals, revalidations, service_end
from office.storage.revalidations import Candidate, UnderWay
from office.use_cases import renewal
from office.use_cases.notify import ACTOR, notify
from sql import Conn, Pool
from sql.evidence import append, entry

PAGE = 500
NIL = UUID(int=0)


async def sweep(conn: Conn, now: datetime) -> int:
    """Customers and officers are told once of each review that must be renewed; says how many were."""
    told, after, obtained_by = 0, 0, due_when_obtained_by(jst_date(now))
    service_ends_on = await service_end.ends_on(conn)
    while page := await revalidations.candidates(conn, after, obtained_by, PAGE):
        after = page[-1].number
        for candidate in page:
            told += await _asked_for(conn, candidate, service_ends_on, now)
    await _settle_all(conn, now)
    return told


async def sweep_all(pool: Pool, now: datetime) -> None:
    """The same, as a job of the office."""
    async with pool.acquire() as conn:
        await sweep(conn, now)


async def _asked_for(conn: Conn, found: Candidate, service_ends_on: date | None, now: datetime) -> bool:
    """Whether a new review is asked for now. A contract that ends before its data is too old needs none.

    Nor one whose service ends before, unless that day came and the service goes on (T23-2).
    """
    fails_on = stale_on(found.oldest)
    if service_ends_on is not None and jst_date(now) < service_ends_on <= fails_on:
        return False
    ends_at = await renewal.term_end(conn, await renewals.line(conn, found.id), now)
    if ends_at is not None and ends_at <= day_start(fails_on):
        return False
    async with conn.transaction():
        if not await revalidations.open_one(conn, found.id, fails_on, now):
            return False
        await notify(conn, "revalidation_due", now, contract_id=found.id, fails_on=str(fails_on))
        await notify(conn, "revalidation_task", now, contract_id=found.id, fails_on=str(fails_on))
        row = entry(
            "revalidation.asked", ACTOR, now, contract_id=found.id, rule="T4-4", clause="A4.2", fails_on=fails_on
        )
        await append(conn, row)
    return True


async def settle(conn: Conn, contract_id: UUID, now: datetime) -> None:
    """What was asked for is done once the gate looks at younger data, in the caller's transaction."""
    for found in await revalidations.under_way(conn, contract_id, NIL, 1):
        await _settle(conn, found, now)


async def _settle_all(conn: Conn, now: datetime) -> None:
    """The same for all: contracts end without a review."""
    after = NIL
    while page := await revalidations.under_way(conn, None, after, PAGE):
        after = page[-1].contract_id
        for found in page:
            async with conn.transaction():
                await _settle(conn, found, now)


async def _settle(conn: Conn, found: UnderWay, now: datetime) -> None:
    younger = found.oldest is not None and stale_on(found.oldest) > found.fails_on
    if (younger or found.ended) and await revalidations.close(conn, found.contract_id, now):
        row = entry(
            "revalidation.done", ACTOR, now, contract_id=found.contract_id, rule="T4-4", clause="A4.2",
            fails_on=found.fails_on, ended=found.ended,
        )  # fmt: skip
        await append(conn, row)
