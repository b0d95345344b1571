"""Renewal and re-contract: a new contract that serves the keys and accounts of the old one (T12-4 to T12-7, A14)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from contract_gate.articles.article_12_term import renewable_from, serves_from, term_end_of
from contract_gate.articles.article_23_service_end import renewable
from contract_gate.calendar import jst_date, period_end
from contract_gate.readings import WIDEST, Reading, RenewalWindow, renewal_window
from office.storage import contracts, people, renewals, service_end
from office.storage.changing import changing
from office.storage.contracts import Contract
from office.storage.renewals import Consented, Member
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, Unfit, checked_contract_handle, one_of
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

LINKS = ("renewal", "change")
PAGE = 500


async def term_end(conn: Conn, line: list[Member], now: datetime) -> datetime | None:
    """When the paid term of the first of a line ends; None before its first certificate (T12-2, T12-6)."""
    return end_by(await renewals.term_readings(conn, now), line, now)


def end_by(readings: Sequence[Reading], line: Sequence[Member], now: datetime) -> datetime | None:
    """The same where the readings are known."""
    if not line or line[0].started_at is None:
        return None
    return term_end_of(line[0].known(), [each.known() for each in line[1:]], readings, now)


def window(readings: Sequence[Reading], line: Sequence[Member], now: datetime) -> RenewalWindow:
    """When the first of a line may be renewed, as it was when it was accepted (T12-6, §0.3)."""
    return renewal_window(readings, line[0].accepted_at, now)


async def apply(
    conn: Conn, handle: str, predecessor: str, plan: str | None, link: str, now: datetime, person: str | None = None
) -> Contract:
    """An application that follows a contract of the same customer, its names copied (T12-4, T14-1). Raises Unfit.

    A renewal opens some time before the old term ends (T12-6); what follows a change may be applied for at once.
    `person`: who applies or records it, whom evidence names (§0.3); None: a program.
    """
    checked_contract_handle(handle)
    one_of("link", link, LINKS)
    old, actor = await asked.contract(conn, predecessor), await asked.acting(conn, person)
    what = await people.plan_of(conn, plan) if plan else None
    if plan and what is None:
        raise Unfit(f"there is no plan '{plan}': add it with `keiyaku plan add`")
    async with changing(conn, old.number):
        if link == "renewal":
            await check_open(conn, predecessor, old.id, what.term_months if what else None, now)
        made = await applied(conn, handle, old.id, what.id if what else None, link, actor, now)
        if made is None:
            raise Unfit(
                f"'{handle}' cannot follow '{predecessor}': the handle is taken, it has a successor, was never "
                "accepted, its plan is not on offer, or its customer's name is destroyed"
            )
    return await contracts.shown(conn, made)


async def applied(
    conn: Conn, handle: str, predecessor_id: UUID, plan_id: UUID | None, link: str, actor: str, now: datetime
) -> UUID | None:
    """The id of the new application, its names copied; None when it may not be. Under the old contract's lock."""
    made = await renewals.insert_successor(conn, handle, predecessor_id, plan_id, link, now)
    if made is None:
        return None
    names = await contracts.live_names(conn, predecessor_id)
    await renewals.copy_names(conn, predecessor_id, made.id, len(names), now)
    row = entry(
        "contract.applied", actor, now, contract_id=made.id, rule="T12-4", clause="A12.1", link=link,
        predecessor=predecessor_id,
    )  # fmt: skip
    await append(conn, row)
    return made.id


async def check_open(conn: Conn, name: str, contract_id: UUID, months: int | None, now: datetime) -> None:
    """Nothing, once the old contract may be renewed (T12-6), not past the end of the service (T23-3). Raises Unfit."""
    line = await renewals.line(conn, contract_id)
    readings = await renewals.term_readings(conn, now)
    ends_at = end_by(readings, line, now)
    if ends_at is None:
        raise Unfit(f"contract '{name}' has no certificate yet, so no term to renew")
    opens = window(readings, line, now).opens
    if now < (opens_at := renewable_from(ends_at, opens)):
        opens_on = jst_date(opens_at)
        raise Unfit(f"contract '{name}' may be renewed from {opens_on} on, {opens.days} days before its end")
    if ends_on := await service_ends_within(conn, ends_at, months or line[0].term_months):
        raise Unfit(f"the service ends on {ends_on}: there is no renewal past it (A23.1)")


async def service_ends_within(conn: Conn, ends_at: datetime, months: int) -> date | None:
    """The end of the service, where a renewal of so many months would go past it (T23-3)."""
    ends_on = await service_end.ends_on(conn)
    return None if renewable(period_end(jst_date(ends_at), months), ends_on) else ends_on


async def begin_serving(conn: Conn, contract_id: UUID, now: datetime) -> None:
    """An accepted successor serves the keys and accounts of all before it, from its day on (T12-7).

    In the transaction of the acceptance. The gate asks at each order, so nothing happens on that day.
    """
    line = await renewals.line(conn, contract_id)
    if len(line) < 2:
        return
    readings, old = await renewals.term_readings(conn, now), line[1:]
    starts_at = serves_from(line[0].own_link, end_by(readings, old, now), now, window(readings, old, now).issues)
    await renewals.serve(conn, [each.contract_id for each in line[1:]], contract_id, starts_at)
    row = entry(
        "contract.follows", OPERATOR, now, contract_id=contract_id, rule="T12-7", clause="A12.1", serves_from=starts_at,
        predecessor=line[1].contract_id,
    )  # fmt: skip
    await append(conn, row)


async def consent(conn: Conn, contract: str, plan: str, person: str, now: datetime) -> None:
    """The customer's standing consent to renew under this plan (T12-4). Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    what = await people.plan_of(conn, plan)
    if what is None:
        raise Unfit(f"there is no plan '{plan}': `keiyaku plan list` shows them")
    async with changing(conn, key.number):
        if not await renewals.consent(conn, key.id, what.id, who.id, now):
            raise Unfit(f"contract '{contract}' has had a standing consent: a new one comes with its successor")
        row = entry(
            "renewal.consented", asked.actor(who), now, contract_id=key.id, rule="T12-4", clause="A12.1", plan=what.id
        )
        await append(conn, row)


async def withdraw_consent(conn: Conn, contract: str, person: str, now: datetime) -> None:
    """The customer takes the standing consent back. Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await renewals.withdraw_consent(conn, key.id, now):
            raise Unfit(f"contract '{contract}' has no standing consent")
        row = entry("renewal.refused", asked.actor(who), now, contract_id=key.id, rule="T12-4", clause="A12.1")
        await append(conn, row)


async def sweep(conn: Conn, portal: str, now: datetime) -> int:
    """Customers are told once that their contract may be renewed (T12-6); says how many were.

    Where one gave a standing consent, the application is made too (T12-4).
    """
    await apply_by_consent(conn, portal, now)
    told, after = 0, 0
    while page := await renewals.renewal_due(conn, now + WIDEST, after, PAGE):
        after = page[-1].number
        readings, last = await renewals.term_readings(conn, now), await service_end.ends_on(conn)
        for key in page:
            async with conn.transaction():
                told += await told_of_renewal(conn, key.id, readings, last, portal, now)
    return told


async def sweep_all(pool: Pool, now: datetime, portal: str) -> None:
    """The same, as a job of the office."""
    async with pool.acquire() as conn:
        await sweep(conn, portal, now)


async def told_of_renewal(
    conn: Conn, contract_id: UUID, readings: Sequence[Reading], service_ends_on: date | None, portal: str, now: datetime
) -> bool:
    """Whether the renewal of the contract is open and its customer is told now, for the first time.

    Nobody is told of one whose term would go past the end of the service: there is none (T23-3).
    """
    line = await renewals.line(conn, contract_id)
    ends_at = end_by(readings, line, now)
    if ends_at is None or now < renewable_from(ends_at, window(readings, line, now).opens):
        return False
    if not renewable(period_end(jst_date(ends_at), line[0].term_months), service_ends_on):
        return False
    if not await renewals.announce(conn, contract_id, "renewal", now):
        return False
    await notify(
        conn, "renewal_open", now, contract_id=contract_id, ends_on=str(jst_date(ends_at)),
        issuance_opens_on=str(jst_date(ends_at - window(readings, line, now).issues)), portal=portal,
    )  # fmt: skip
    return True


async def apply_by_consent(conn: Conn, portal: str, now: datetime) -> int:
    """Contracts with a standing consent have the application that renews them, once they may be renewed (T12-4, T12-6).

    Only the application: review and acceptance are as of any other. Says how many were made.
    """
    made, after = 0, 0
    while page := await renewals.consented(conn, now + WIDEST, now, after, PAGE):
        after = page[-1].number
        for due in page:
            made += await applied_by_consent(conn, due, portal, now)
    return made


async def applied_by_consent(conn: Conn, due: Consented, portal: str, now: datetime) -> bool:
    """Whether the application is made by this: the contract still runs, nears its end, and the consent still stands.

    The customer is told at which fee and how to object, and not asked to apply besides.
    """
    async with changing(conn, due.number):
        line = await renewals.line(conn, due.id)
        readings = await renewals.term_readings(conn, now)
        ends_at = end_by(readings, line, now)
        if ends_at is None or now < renewable_from(ends_at, window(readings, line, now).opens):
            return False
        if not await renewals.consents(conn, due.id):
            return False
        if await service_ends_within(conn, ends_at, due.term_months):
            return False
        handle = await renewals.free_handle(conn, following(due.handle))
        if handle is None:
            return False
        made = await applied(conn, handle, due.id, due.plan_id, "renewal", f"person:{due.person_id}", now)
        if made is None:
            return False
        application = await contracts.shown(conn, made)
        await renewals.announce(conn, due.id, "renewal", now)
        await notify(
            conn, "renewal_applied", now, contract_id=due.id, application=application.handle, plan=application.plan,
            fee_yen=str(application.fee_yen), ends_on=str(jst_date(ends_at)), portal=portal,
        )  # fmt: skip
        return True


def following(handle: str) -> list[str]:
    """Handles for the contract after the one of this handle: its number one up, then others."""
    stem, _, number = handle.rpartition("-")
    if not stem or not number.isdecimal() or len(number) > 3:
        stem, number = handle, "1"
    return [f"{stem[: 62 - len(str(n))]}-{n}" for n in range(int(number) + 1, int(number) + 21)]
