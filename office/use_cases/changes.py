"""Changes of what the CA knows of a customer (T6-4), and suspensions of the whole service (T10-1, T22-1)."""

from datetime import datetime, timedelta
from uuid import UUID

from contract_gate.articles.article_06_changes import touched
from contract_gate.articles.article_11_revocation import Awareness, deadline, ground_of
from contract_gate.calendar import JST
from office.storage import change_reports, endings, holds
from office.storage.changing import changing
from office.storage.holds import Suspension
from office.storage.revocations import Scope
from office.use_cases import asked, cases
from office.use_cases.asked import OPERATOR, NoSuch, Unfit, checked_text, id_of, one_of
from office.use_cases.cases import Known, Opening
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

ITEMS = ("organization", "address", "representative", "other")
CLAUSES = ("A10.1", "A22.1")  # a window of A22.2 opens after its notice alone, with `keiyaku maintenance open`


async def report(conn: Conn, contract: str, item: str, in_certificate: bool, now: datetime) -> UUID:
    """The CA knows of a change from now on: G8 while it is in a certificate and unresolved (T6-4). Raises Unfit."""
    one_of("item", item, ITEMS)
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        if in_certificate:
            made = await known(conn, key.id, item, "recorded", now, now)
        else:
            made = await holds.insert_change(conn, key.id, item, False, now)
        row = entry("change.reported", OPERATOR, now, contract_id=key.id, rule="T6-4", clause="A6.1", change=made)
        await append(conn, row)
    return made


async def known(conn: Conn, contract_id: UUID, item: str, how: Known, at: datetime, now: datetime) -> UUID:
    """The CA knows since `at` that certificates show something else: G8 fails from now on (T6-4, T14-1).

    In the caller's transaction under the contract's lock. While one lives, the five days of its revocation run, and
    the customer is told that a new contract is needed (T11-2, T14-2).
    """
    made = await holds.insert_change(conn, contract_id, item, True, at)
    if await endings.live_certificates(conn, contract_id, now):
        note = f"certificate information changed: {item}"
        opening = Opening("change_learned", Scope(contract_id=contract_id), "the office", note, at, how)
        await cases.opened(conn, opening, now)
        until = deadline(ground_of("change_learned"), [Awareness(how, at)])
        assert until is not None  # its clock always runs
        said = until.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")
        await notify(conn, "change_needs_contract", now, contract_id=contract_id, item=item, revoked_by=said)
    return made


async def resolve(conn: Conn, change: str, person: str, now: datetime) -> None:
    """A person has settled it: it blocks nothing from this transaction on (T6-2).

    Not while a live certificate or the next one would say what a confirmed report says is no longer so: that takes the
    new contract, and the block goes with the old one (T6-4, T14-1). Raises Unfit.
    """
    change_id, who = id_of("change", change), await asked.person(conn, person)
    key = await holds.contract_of_change(conn, change_id)
    if key is None:
        raise NoSuch(change, f"there is no change '{change}': `keiyaku contract show` lists them")
    async with changing(conn, key.number):
        if await still_shown(conn, change_id, key.id, now):
            raise Unfit(
                "certificates of this contract would still show what changed: it takes the new contract (A14.1)"
            )
        if not await holds.resolve_change(conn, change_id, now):
            raise Unfit("the change was resolved before")
        row = entry(
            "change.resolved", asked.actor(who), now, contract_id=key.id, rule="T6-2", clause="A6.1", change=change_id
        )
        await append(conn, row)


async def still_shown(conn: Conn, change_id: UUID, contract_id: UUID, now: datetime) -> bool:
    """Whether certificates of the contract, live ones or the next, say other than a confirmed report of it (T6-4)."""
    new = await change_reports.of_block(conn, change_id)
    return new is not None and touched(
        await change_reports.subjects(conn, contract_id, now), new.organization, new.state_or_province, new.locality
    )


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
