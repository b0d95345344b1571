"""The end of the service: two people decide it, everybody is told by document or e-mail three months ahead (A23.1)."""

from datetime import date, datetime, timedelta

from contract_gate.articles.article_23_service_end import earliest_end, told_in_time
from contract_gate.calendar import day_start, jst_date
from contract_gate.readings import choice
from office.storage import endings, holds, readings, service_end
from office.storage.changing import changing
from office.storage.service_end import Decided, Told
from office.use_cases import asked, ending, revocations
from office.use_cases.asked import Unfit, checked_text, one_of
from office.use_cases.notify import ACTOR, notify
from office.use_cases.wording import CERTIFICATES
from sql import Conn, Pool
from sql.evidence import append, entry

PAGE = 200
FURTHEST = timedelta(days=3653)  # beyond it a day is a slip of the pen; the Terms name no latest one


async def decide(
    conn: Conn, cause: str, ends_on: date, certificates: str, first: str, second: str, now: datetime
) -> None:
    """Two people decide; the notice goes to every customer of a live contract (T23-1, T23-3, R-23). Raises Unfit.

    While not everybody was told in time for the day decided, a later one may take its place: everybody is told anew.
    """
    checked_text("cause", cause)
    one_of("certificates", certificates, tuple(CERTIFICATES))
    one, two = await asked.two_persons(conn, first, second)
    adopted = choice("service_end.certs", await readings.of_neither(conn, "service_end.certs", now))
    if adopted not in ("chosen", certificates):
        raise Unfit(f"two people adopted '{adopted}' for certificates at the end of the service, not '{certificates}'")
    if ends_on < (soonest := earliest_end(jst_date(now))):
        raise Unfit(f"the service ends three months after everybody was told, {soonest} at the earliest (A23.1)")
    if ends_on > (latest := jst_date(now) + FURTHEST):
        raise Unfit(f"{ends_on} lies more than ten years ahead, and what is decided stands: name a day up to {latest}")
    async with conn.transaction():
        notice = await notify(conn, "service_end", now, ends_on=ends_on.isoformat(), certificates=certificates)
        if not await service_end.decide(conn, cause, ends_on, certificates, notice, one.id, two.id, now):
            raise Unfit(
                "the end of the service is decided; only a later day takes the place of one for which not everybody was"
                " told in time: `keiyaku notice service-end-check` shows whom the notice reached"
            )
        await service_end.give_up_letters(conn, notice)
        row = entry(
            "service.end_decided", asked.actor(one), now, rule="T23-1", clause="A23.1", second=asked.actor(two),
            cause=cause, ends_on=ends_on, certificates=certificates, notice=notice,
        )  # fmt: skip
        await append(conn, row)


async def told(conn: Conn, after: str = "", most: int | None = None) -> list[Told]:
    """Every customer of a live contract, or those behind one: when the notice was delivered to them (T23-2)."""
    return await service_end.told(conn, after, most)


async def check_end(conn: Conn) -> date:
    """The day decided, if everybody was told early enough for it (T23-2). Raises Unfit that says how many were not."""
    ends_on = await service_end.ends_on(conn)
    if ends_on is None:
        raise Unfit("the end of the service is not decided: `keiyaku notice service-end` does")
    late = [each for each in await told(conn) if not told_in_time(ends_on, each.delivered_at, announced=each.announced)]
    if late:
        raise Unfit(
            f"{len(late)} customers were not told three months before {ends_on} (A23.1): see the listing; the service"
            " goes on until they were, or two people decide a later day"
        )
    return ends_on


async def sweep(pool: Pool, now: datetime) -> int:
    """Once everybody was told in time, nothing is issued past the end; at the end every contract has ended (T23-3).

    While somebody was told too late, the day decided is refused: the service goes on. Says how many contracts ended.
    """
    async with pool.acquire() as conn:
        found = await closed(conn, now)
        if found is None or now < day_start(found.ends_on):
            return 0
        done, after = 0, 0
        while page := await service_end.running(conn, after, PAGE):
            after = page[-1].number
            for key in page:
                async with changing(conn, key.number):
                    first, second = found.decided_by_first, found.decided_by_second
                    await ending.ended(conn, str(key.id), key.id, "service_ended", ACTOR, "T23-3", "A23.1", now)
                    await endings.record(conn, key.id, "service_ended", "A23.1", None, first, second, now)
                    if found.certificates == "revoke":
                        await revocations.on_end(conn, key.id, "service_ended", now)
                done += 1
        return done


async def closed(conn: Conn, now: datetime) -> Decided | None:
    """The end, once its notice had reached everybody in time: G1 fails from that day on, to the second. Else None."""
    async with conn.transaction():
        found = await service_end.decided(conn)
        if found is None:
            return None
        starts_at = day_start(found.ends_on)
        if now < starts_at:
            await tell_others(conn, found, now)
        if found.suspension_id is not None:
            return found
        try:
            await check_end(conn)
        except Unfit:
            return None
        by = found.decided_by_first
        made = await holds.insert_suspension(conn, "A23.1", "end of the service", starts_at, None, by, now)
        await service_end.close(conn, made)
        row = entry("service.closed", ACTOR, now, rule="T23-3", clause="A23.1", suspension=made, ends_on=found.ends_on)
        await append(conn, row)
    return found


async def tell_others(conn: Conn, found: Decided, now: datetime) -> None:
    """Whoever is accepted after the notice went out is told too, at once (T23-1)."""
    for customer in await service_end.untold(conn, PAGE):
        await notify(
            conn, "service_end", now, customer_id=customer, ends_on=found.ends_on.isoformat(),
            certificates=found.certificates,
        )  # fmt: skip
