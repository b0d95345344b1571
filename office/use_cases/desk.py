"""The officers' desk: one queue over everything that waits for a person, ordered by deadline.

Nothing here decides: each task ends by the command that does its work, and then waits no more.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import msgspec

from contract_gate.calendar import jst_date
from office.storage import desk
from office.storage.desk import Absence, Place, Task, Waiting
from office.use_cases import asked
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text
from office.use_cases.notify import ACTOR
from sql import Conn, Pool
from sql.evidence import append, entry

# What waits (kinds of office.waiting), and the command that ends it.
ENDED_BY: Mapping[str, str] = MappingProxyType(
    {
        "access_review": "keiyaku audit review",
        "application": "keiyaku contract accept",
        "bank_line": "keiyaku bank match",
        "change_confirm": "keiyaku change confirm",
        "change_finish": "keiyaku change finish",
        "consultation": "keiyaku consultation end",
        "contact_stale": "keiyaku notice contact",
        "dead_job": "keiyaku desk done",
        "delivery": "keiyaku notice retry",
        "information_change": "keiyaku contract change-resolve",
        "leak_report": "keiyaku leak report",
        "leaver": "keiyaku person removed",
        "letter": "keiyaku notice posted",
        "own_key": "keiyaku desk done",
        "proposal": "keiyaku proposal confirm",
        "report_answer": "keiyaku report answer",
        "report_close": "keiyaku report close",
        "rest": "keiyaku invoice write-off",
        "revalidation": "keiyaku contract review",
        "revocation_decide": "keiyaku revocation decide",
        "revocation_execute": "keiyaku revocation execute",
        "revocation_look": "keiyaku revocation close",
        "revocation_result": "the CRL that shows it (keiyaku work, keiyaku sign)",
        "screening": "keiyaku screening clear",
        "settlement": "keiyaku invoice settle",
        "tax_credit": "keiyaku invoice tax-credit",
    }
)
LOOKED_AT = frozenset({"dead_job", "delivery", "own_key"})  # somebody may say what was done instead of a command
ISSUANCE_WAITS = " (T4-5: issuance waits for it)"
TOLD_OTHERWISE: Mapping[str, str] = MappingProxyType({"delivery": " (or told otherwise: keiyaku desk done)"})
SNOOZED_AT_MOST = timedelta(days=14)
FIRST = Place(datetime(1, 1, 1, tzinfo=UTC), "", "")
HANDED_AT_ONCE = 500


class Shown(msgspec.Struct, frozen=True):
    """A task and the command that ends it."""

    deadline_at: datetime
    overdue: bool
    binding: bool
    kind: str
    subject: str
    contract: str | None
    owner: str | None
    acting: str | None
    ended_by: str
    since: datetime
    snoozed_until: datetime | None


async def queue(
    conn: Conn, person: str | None, snoozed: bool, after: Place | None, most: int, now: datetime,
    kind: str | None = None,
) -> list[Shown]:  # fmt: skip
    """A page of what waits, the nearest deadline first; of one person what they do today. Raises Unfit."""
    if kind is not None:
        asked.one_of("kind", kind, sorted(ENDED_BY))
    who = (await asked.person(conn, person)).id if person else None
    page = await desk.tasks(conn, now, jst_date(now), who, kind, snoozed, after or FIRST, min(most, MOST))
    return [_shown(task) for task in page]


def cursor_of(task: Shown) -> str:
    """The task as `place_of` reads it."""
    place = msgspec.json.encode(Place(task.deadline_at, task.kind, task.subject))
    return urlsafe_b64encode(place).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Where a cursor goes on. Raises Unfit."""
    try:
        place = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Place)
    except ValueError:  # of msgspec too
        place = FIRST
    at = place.deadline_at
    if at.tzinfo is None or at.year < 2000 or place.kind not in ENDED_BY or not place.subject.isprintable():
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return place


def _shown(task: Task) -> Shown:
    return Shown(
        task.deadline_at, task.overdue, task.binding, task.kind, task.subject, task.contract, task.owner, task.acting,
        ENDED_BY[task.kind] + TOLD_OTHERWISE.get(task.kind, "") + (ISSUANCE_WAITS if task.issuance_waits else ""),
        task.since, task.snoozed_until,
    )  # fmt: skip


async def assign(conn: Conn, kind: str, subject: str, to: str, person: str, now: datetime) -> None:
    """The task is theirs, or while they are away their deputy's. Raises Unfit."""
    owner, who = await asked.person(conn, to), await asked.person(conn, person)
    async with conn.transaction():
        found = await _waiting(conn, kind, subject)
        acting = await desk.assign(conn, kind, subject, owner.id, jst_date(now), now)
        row = entry(
            "desk.assigned", asked.actor(who), now, contract_id=found.contract_id, task=kind, subject=subject,
            owner=owner.id, acting=acting,
        )  # fmt: skip
        await append(conn, row)


async def snooze(conn: Conn, kind: str, subject: str, until: datetime, reason: str, person: str, now: datetime) -> None:
    """The task is out of sight until then, 14 days at most; never one whose deadline binds the CA. Raises Unfit."""
    checked_text("reason", reason)
    who = await asked.person(conn, person)
    if not now < until <= now + SNOOZED_AT_MOST:
        raise Unfit(f"a task is put off for at most {SNOOZED_AT_MOST.days} days from now")
    async with conn.transaction():
        found = await _waiting(conn, kind, subject)
        if found.binding:
            raise Unfit(f"its deadline binds the CA: it cannot be put off, `{ENDED_BY[kind]}` ends it")
        await desk.snooze(conn, kind, subject, until, now)
        row = entry(
            "desk.snoozed", asked.actor(who), now, contract_id=found.contract_id, task=kind, subject=subject,
            until=until, reason=reason,
        )  # fmt: skip
        await append(conn, row)


async def done(conn: Conn, kind: str, subject: str, reason: str, person: str, now: datetime) -> None:
    """Somebody looked at it and says what was done, once; only of what a command need not end. Raises Unfit."""
    checked_text("reason", reason)
    who = await asked.person(conn, person)
    async with conn.transaction():
        found = await _waiting(conn, kind, subject)
        if kind not in LOOKED_AT:
            raise Unfit(f"it is done when its work is: `{ENDED_BY[kind]}` ends it")
        if not await desk.done(conn, kind, subject, found.since, now):
            raise _none(kind, subject)
        row = entry(
            "desk.done", asked.actor(who), now, contract_id=found.contract_id, task=kind, subject=subject,
            reason=reason,
        )  # fmt: skip
        await append(conn, row)


async def _waiting(conn: Conn, kind: str, subject: str) -> Waiting:
    if found := await desk.waiting(conn, kind, subject):
        return found
    raise _none(kind, subject)


def _none(kind: str, subject: str) -> NoSuch:
    return NoSuch(subject, f"no task '{kind} {subject}' waits: `keiyaku desk` shows those that do")


async def away(
    conn: Conn, person: str, deputy: str, from_on: date, until_on: date, by: str, now: datetime
) -> None:  # fmt: skip
    """Between these days, both included, the deputy does their tasks. Raises Unfit."""
    gone, stands_in = await asked.two_persons(conn, person, deputy)
    who = await asked.person(conn, by)
    if not jst_date(now) <= until_on or not from_on <= until_on:
        raise Unfit("an absence ends today or later, and not before it begins")
    async with conn.transaction():
        made = await desk.insert_absence(conn, gone.id, stands_in.id, from_on, until_on, who.id, now)
        row = entry(
            "absence.recorded", asked.actor(who), now, absence=made, person=gone.id, deputy=stands_in.id,
            from_on=from_on, until_on=until_on,
        )  # fmt: skip
        await append(conn, row)
    await hand_over(conn, now)


async def back(conn: Conn, person: str, by: str, now: datetime) -> None:
    """They are there again: their tasks are theirs. Raises Unfit."""
    gone, who = await asked.person(conn, person), await asked.person(conn, by)
    async with conn.transaction():
        ended = await desk.end_absences(conn, gone.id, jst_date(now), now)
        if not ended:
            raise Unfit(f"'{person}' is not away: `keiyaku desk absences` shows who is")
        await append(conn, entry("absence.ended", asked.actor(who), now, person=gone.id, absences=ended))
    await hand_over(conn, now)


async def absences(conn: Conn, now: datetime, after: UUID | None = None, most: int = MOST) -> list[Absence]:
    """Absences that last or are to come, the earliest first."""
    return await desk.absences(conn, jst_date(now), most, after)


async def hand_over(conn: Conn, now: datetime) -> int:
    """Every task that changed hands by absence, return or departure says so in evidence; says how many did."""
    handed = 0
    for task in await desk.to_hand_over(conn, jst_date(now), HANDED_AT_ONCE):
        async with conn.transaction():
            if await desk.hand_over(conn, task, now):
                row = entry(
                    "desk.handed_over", ACTOR, now, task=task.kind, subject=task.subject, owner=task.owner_id,
                    was=task.was_id, acting=task.acting_id,
                )  # fmt: skip
                await append(conn, row)
                handed += 1
    return handed


async def sweep(pool: Pool, now: datetime) -> None:
    """The same, as a job of the office."""
    async with pool.acquire() as conn:
        await hand_over(conn, now)
