"""An incident that has begun goes on, step by step: first every ARI window lies in the past, then, after the wait, its
certificates are revoked at its pace (C-166, RFC 9773 §4.2).

A step is a transaction that holds the incident and finds what is left to do, so any number of workers and commands may
take turns, die at any point, and do nothing twice; together they keep the pace.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from office.storage import incidents
from office.storage.incidents import Incident
from office.use_cases import revocations
from office.use_cases.cases import case_named
from sql import Conn, Pool
from sql.evidence import append, entry

AT_ONCE = 100  # revocations a transaction
WINDOWS_AT_ONCE = 1000
INCIDENTS_AT_ONCE = 20
STEPS = 500  # of one incident, a sweep
SECOND, WINDOW = timedelta(seconds=1), timedelta(hours=1)
PROCESS = "process:office"

Told = Callable[[Incident, int], None]


async def advance(conn: Conn, found: Incident, now: datetime) -> Incident:
    """The incident after one step, or as it was if nothing is to be done now."""
    async with conn.transaction():
        await incidents.lock(conn, found.id)
        found = await _now(conn, found)
        if found.begun_at is None or found.paused_at is not None or found.finished_at is not None:
            return found
        if found.next_at is None:
            await _pull(conn, found, now)
        elif found.next_at <= now:
            await _revoke(conn, found, found.next_at, now)
        else:
            return found
    return await _now(conn, found)


async def _now(conn: Conn, found: Incident) -> Incident:
    again = await incidents.incident_of(conn, found.id)
    assert again is not None  # incidents are never deleted
    return again


async def _pull(conn: Conn, found: Incident, now: datetime) -> None:
    """Clients of the next thousand are told to renew at once; once all are, the wait begins."""
    end = now.replace(microsecond=0) - SECOND
    done = await incidents.pull_windows(conn, found.id, (end - WINDOW, end), WINDOWS_AT_ONCE, now)
    if done < WINDOWS_AT_ONCE:
        wait = found.wait or timedelta(0)
        await incidents.set_windows(conn, found.id, now + wait, now)
        proof = entry(
            "incident.windows", PROCESS, now, rule="T11-9", incident=found.id, drill=found.drill,
            certificates=found.certificates, revoking_from=now + wait,
        )  # fmt: skip
        await append(conn, proof)


async def _revoke(conn: Conn, found: Incident, next_at: datetime, now: datetime) -> None:
    """The next few are revoked, a second's worth at most; the ones after them not before their time."""
    per_second = found.per_second or 1
    most = min(AT_ONCE, per_second)
    if (done := await _some(conn, found, most, now)) == most:
        await incidents.set_next(conn, found.id, max(next_at, now - SECOND) + timedelta(seconds=done / per_second))
        return
    if found.case_id is not None:
        case = await case_named(conn, str(found.case_id))
        await revocations.free_reissues(conn, case, now)
        await revocations.finish(conn, case, now)
    if await incidents.finish(conn, found.id, now):
        begun = found.begun_at or now
        proof = entry(
            "incident.drilled" if found.drill else "incident.revoked", PROCESS, now, rule="T11-9", incident=found.id,
            certificates=await incidents.done(conn, found.id), seconds=int((now - begun).total_seconds()),
            deadline=found.deadline_at,
        )  # fmt: skip
        await append(conn, proof)


async def _some(conn: Conn, found: Incident, most: int, now: datetime) -> int:
    """How many are revoked now. A drill has no case: its own list is marked, nothing else."""
    if found.case_id is None:
        return await incidents.rehearse(conn, found.id, most, now)
    serials = await revocations.revoke_some(conn, await case_named(conn, str(found.case_id)), most, now)
    await incidents.mark(conn, found.id, serials, now)
    return len(serials)


async def drive(conn: Conn, found: Incident, clock: Callable[[], datetime], told: Told) -> Incident:
    """Goes on with the incident until it is done or paused, and tells after each step how many are revoked."""
    while True:
        found = await advance(conn, found, clock())
        told(found, await incidents.done(conn, found.id))
        if found.begun_at is None or found.finished_at is not None or found.paused_at is not None:
            return found
        if found.next_at is not None and (left := found.next_at - clock()) > timedelta(0):
            await asyncio.sleep(min(left, SECOND).total_seconds())


async def sweep(pool: Pool, now: datetime) -> None:
    """Every incident goes on as far as its pace allows now; safe on many nodes."""
    async with pool.acquire() as conn:
        for incident_id in await incidents.under_way(conn, INCIDENTS_AT_ONCE):
            found = await incidents.incident_of(conn, incident_id)
            assert found is not None  # incidents are never deleted
            for _ in range(STEPS):
                found = await advance(conn, found, now)
                if found.finished_at is not None or found.paused_at is not None or (found.next_at or now) > now:
                    break
