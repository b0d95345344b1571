"""The end of a contract: cancelled, rescinded, lapsed, run out, or without a certificate (A11.2, A12, A13)."""

from datetime import datetime, timedelta
from uuid import UUID

from contract_gate.articles.article_11_revocation import ANTISOCIAL, RESCISSION
from contract_gate.articles.article_12_term import LAPSE_ANNOUNCED, lapses_at, last_certificate_gone
from contract_gate.calendar import jst_date
from contract_gate.readings import days_of
from office.storage import contracts, endings, holds, readings, renewals, timers
from office.storage.changing import changing
from office.storage.contracts import Contract
from office.storage.endings import Idle, Pending
from office.use_cases import asked, documents, renewal, revocations
from office.use_cases.asked import Unfit
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

ACTOR = "process:office"
PAGE = 500
LAPSE = "accept.lapse_days"
GIVES_BACK = frozenset({"cancelled", "lapsed"})  # a successor that ends so leaves the old term as it was


async def cancel(conn: Conn, name: str, person: str, now: datetime) -> Contract:
    """The customer's cancellation by the designated act, which nothing else is (T11-4, 解約). Raises Unfit."""
    key, who = await asked.contract(conn, name), await asked.person(conn, person)
    async with changing(conn, key.number):
        await ended(conn, name, key.id, "cancelled", asked.actor(who), "T11-4", "A11.2", now)
        await endings.record(conn, key.id, "cancelled", "A11.2", who.id, None, None, now)
        await revocations.on_end(conn, key.id, "cancelled", now)
    return await contracts.shown(conn, key.id)


async def rescind(conn: Conn, name: str, clause: str, first: str, second: str, now: datetime) -> Contract:
    """Two people rescind it without demand (解除, T13-2). Under A13.1 a finding must be confirmed. Raises Unfit."""
    if clause not in RESCISSION:
        raise Unfit(f"nothing is rescinded under '{clause}': name one of {', '.join(RESCISSION)}")
    key = await asked.contract(conn, name)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if clause == ANTISOCIAL and not await holds.finding(conn, key.id):
            raise Unfit(f"no anti-social finding of '{name}' is confirmed: `keiyaku hold confirm` takes two people")
        await ended(conn, name, key.id, "rescinded", asked.actor(one), "T13-2", clause, now, second=asked.actor(two))
        await endings.record(conn, key.id, "rescinded", clause, None, one.id, two.id, now)
        await revocations.on_end(conn, key.id, "antisocial" if clause == ANTISOCIAL else "rescinded", now)
    return await contracts.shown(conn, key.id)


async def ended(
    conn: Conn, name: str, contract_id: UUID, cause: str, actor: str, rule: str, clause: str, now: datetime,
    second: str | None = None,
) -> None:  # fmt: skip
    """The contract has ended and its customer is told; in the caller's transaction under its lock. Raises Unfit."""
    if not await endings.end(conn, contract_id, cause, now):
        raise Unfit(f"contract '{name}' is not running: only an accepted contract can end")
    if cause in GIVES_BACK:
        await renewals.give_back(conn, contract_id, now)
    await endings.close_reissue(conn, contract_id, now)
    today = str(jst_date(now))
    if cause == "lapsed":
        await notify(conn, "contract_lapsed", now, contract_id=contract_id, lapsed_on=today)
    else:
        kind = "term_ended" if cause == "expired" else "contract_ended"
        await notify(conn, kind, now, contract_id=contract_id, ended_on=today)
    proof = entry(
        "contract.ended", actor, now, contract_id=contract_id, rule=rule, clause=clause, cause=cause,
        second=second,
    )  # fmt: skip
    await append(conn, proof)


async def sweep_lapsed(conn: Conn, now: datetime) -> int:
    """Contracts nobody used lapse after `accept.lapse_days`, announced 30 days before, without a fee (T12-8)."""
    shortest = min(days_of(LAPSE, value) for value in [None, *await readings.values(conn, LAPSE, now)])
    done, after = 0, 0
    near = now + LAPSE_ANNOUNCED - timedelta(days=shortest)
    while page := await endings.without_certificate(conn, near + timedelta(microseconds=1), after, PAGE):
        after = page[-1].number
        for idle in page:
            days = days_of(LAPSE, await readings.of_contract(conn, LAPSE, idle.id, now))
            done += await lapse_or_announce(conn, idle, days, now)
    return done


async def lapse_or_announce(conn: Conn, idle: Idle, days: int, now: datetime) -> bool:
    """Whether the contract lapsed, its announcement made 30 days before or more; else it is announced."""
    at = lapses_at(idle.accepted_at, days)
    if now < at - LAPSE_ANNOUNCED:
        return False
    async with changing(conn, idle.number):
        at = max(at, await timers.lapse_until(conn, idle.id) or at)  # T10-3
        if await renewals.announce(conn, idle.id, "lapse", now):
            lapses_on = jst_date(max(at, now + LAPSE_ANNOUNCED))
            await notify(conn, "lapse_announced", now, contract_id=idle.id, lapses_on=str(lapses_on))
            return False
        announced = await endings.still_idle(conn, idle.id)
        if announced is None or now < max(at, announced + LAPSE_ANNOUNCED):
            return False
        await ended(conn, str(idle.id), idle.id, "lapsed", ACTOR, "T12-8", "A12.1", now)
        return True


async def sweep_expired(conn: Conn, now: datetime) -> int:
    """Contracts whose term is over have ended as expired (T12-3); says how many by this."""
    done, after = 0, 0
    while page := await endings.perhaps_expired(conn, now, after, PAGE):
        after = page[-1].number
        for key in page:
            async with changing(conn, key.number):
                line = await renewals.line(conn, key.id)
                ends_at = await renewal.term_end(conn, line, now)
                if ends_at is None or now < ends_at or line[0].end_cause is not None:
                    continue
                await ended(conn, str(key.id), key.id, "expired", ACTOR, "T12-3", "A12.1", now)
                done += 1
    return done


async def sweep_revoked(conn: Conn, now: datetime) -> int:
    """Contracts whose window for a reissue closed without one end as revoked, on that day and not before (T12-3)."""
    return sum([await end_revoked(conn, each, now) for each in await endings.reissues_pending(conn, PAGE)])


async def end_revoked(conn: Conn, pending: Pending, now: datetime) -> bool:
    """Whether the contract ended by this; a certificate issued meanwhile closes the window."""
    async with changing(conn, pending.number):
        if not last_certificate_gone(await endings.live_certificates(conn, pending.contract_id, now), now):
            await endings.close_reissue(conn, pending.contract_id, now)
            return False
        if now < pending.ends_at:
            return False
        await ended(conn, str(pending.contract_id), pending.contract_id, "revoked", ACTOR, "T12-3", "A12.1", now)
        return True


async def sweep(pool: Pool, now: datetime) -> None:
    """Whatever time alone ends has ended, documents included; each contract under its lock, in its own transaction."""
    async with pool.acquire() as conn:
        await sweep_lapsed(conn, now)
        await sweep_expired(conn, now)
        await sweep_revoked(conn, now)
        await documents.sweep(conn, now)
