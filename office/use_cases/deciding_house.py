"""What the house itself rests on, decided by two persons: readings of the Terms, plans, tokens, leavers, reviews.

The database writes each for the tokens of the two and for no process of the office (sql: office.vouched).
"""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

import msgspec

from office.storage.people import Plan
from office.use_cases import asked, audit, leavers, plans, readings, register, token_issue, tokens
from office.use_cases.asked import Deciders, Unfit
from office.use_cases.kinds import APPROVERS, COMPLIANCE, DESK, SERVICE, Deciding, Given, Kind
from office.use_cases.tokens import Wanted
from sql import Conn

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=register.GREATEST)]


class NewReading(Given, frozen=True, forbid_unknown_fields=True):
    """A key's value from an instant on; None: from the confirmation on."""

    key: str
    value: str
    effective_at: Instant | None = None


class NewPlan(Given, frozen=True, forbid_unknown_fields=True):
    """A plan, on offer from an instant on; None: from the confirmation on (T8-1)."""

    handle: str
    name: str
    fee_yen: Count
    names_max: Count
    term_months: Count = 12
    offered_from: Instant | None = None


class OfPlan(Given, frozen=True, forbid_unknown_fields=True):
    """Which plan is on offer until when; None: until the confirmation (T8-1)."""

    handle: str
    offered_until: Instant | None = None


class NewToken(Given, frozen=True, forbid_unknown_fields=True):
    """Whose token, in which role, until when; the service of an operator has a name alone (T17-1)."""

    holder: str
    role: str
    customer: str | None = None
    service: bool = False
    expires_at: Instant | None = None
    part_sha256: str | None = None  # made here, of the part that who proposes it is shown


class Leaving(Given, frozen=True, forbid_unknown_fields=True):
    """Who left, and when; None: at the confirmation (C-176)."""

    person: str
    left_at: Instant | None = None


class Reviewed(Given, frozen=True, forbid_unknown_fields=True):
    """The list of who may do what that both looked at, by its digest, and what they found (C-176)."""

    list_sha256: str
    findings: str


async def deciders(d: Deciding) -> Deciders:
    """The two, and what they vouched for."""
    return Deciders(*await asked.two_persons(d.conn, d.first, d.second), d.vouched)


async def reading_fits(conn: Conn, given: NewReading, now: datetime) -> Given:
    """Raises Unfit."""
    readings.fit(given.key, given.value, given.effective_at or now, now)
    return given


def set_reading(d: Deciding) -> Awaitable[object]:
    """articles.md §0.3."""
    g: NewReading = d.given
    return readings.set_reading(d.conn, g.key, g.value, g.effective_at or d.now, d.first, d.second, d.now, d.vouched)


def plan_of(given: NewPlan, now: datetime) -> Plan:
    """The plan, with a new id. Raises Unfit."""
    return register.plan_fits(
        plans.plan(given.handle, given.name, given.fee_yen, given.term_months, given.names_max, now)
    )


async def plan_fits(conn: Conn, given: NewPlan, now: datetime) -> Given:
    """Raises Unfit."""
    plan_of(given, now)
    return given


async def add_plan(d: Deciding) -> object:
    """T8-1."""
    g: NewPlan = d.given
    return await plans.add(d.conn, plan_of(g, d.now), g.offered_from or d.now, d.now, await deciders(d))


async def plan_is_there(conn: Conn, given: OfPlan, now: datetime) -> Given:
    """Raises Unfit."""
    await plans.plan_named(conn, given.handle)
    return given


async def close_plan(d: Deciding) -> None:
    """T8-1."""
    g: OfPlan = d.given
    await plans.close(d.conn, g.handle, g.offered_until or d.now, d.now, await deciders(d))


def wanted(given: NewToken) -> Wanted:
    """What is asked for."""
    return Wanted(given.holder, given.role, given.customer, given.service, given.expires_at)


async def token_fits(conn: Conn, given: NewToken, now: datetime) -> Given:
    """With the end of its life. Raises Unfit."""
    if given.part_sha256 is not None:
        raise Unfit("part_sha256 is made here: leave it out")
    _, until, *_ = await tokens.checked(conn, wanted(given), now)
    return msgspec.structs.replace(given, expires_at=until)


def token_part(given: NewToken) -> tuple[Given, str]:
    """With the hash of the part of its secret that who proposes it is shown."""
    part, sha256 = token_issue.first_part()
    return msgspec.structs.replace(given, part_sha256=sha256), part


async def issue_token(d: Deciding) -> str:
    """T17-1. The part of the secret that who confirms it is shown."""
    g: NewToken = d.given
    return await token_issue.issue(d.conn, wanted(g), str(g.part_sha256), await deciders(d), d.now)


async def leaver_fits(conn: Conn, given: Leaving, now: datetime) -> Given:
    """Raises Unfit."""
    await leavers.fit(conn, given.person, given.left_at or now, now)
    return given


async def leave(d: Deciding) -> object:
    """C-176."""
    g: Leaving = d.given
    return await leavers.leave_by_two(d.conn, g.person, g.left_at or d.now, await deciders(d), d.now)


async def list_fits(conn: Conn, given: Reviewed, now: datetime) -> Given:
    """Raises Unfit."""
    await audit.as_reviewed(conn, given.list_sha256, now)
    return given


def close_review(d: Deciding) -> Awaitable[object]:
    """C-176."""
    return audit.review(d.conn, d.first, d.second, d.given.list_sha256, d.given.findings, d.now, d.vouched)


CONFIRMERS = APPROVERS | COMPLIANCE
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "access_review.close": Kind(
            Reviewed, DESK | SERVICE, CONFIRMERS, close_review, vouched=True, fit=list_fits
        ),
        "person.leave": Kind(Leaving, DESK | SERVICE, CONFIRMERS, leave, vouched=True, fit=leaver_fits),
        "plan.add": Kind(NewPlan, DESK, APPROVERS, add_plan, vouched=True, fit=plan_fits),
        "plan.close": Kind(OfPlan, DESK, APPROVERS, close_plan, vouched=True, fit=plan_is_there),
        "reading.set": Kind(NewReading, DESK | COMPLIANCE, CONFIRMERS, set_reading, vouched=True, fit=reading_fits),
        "token.issue": Kind(
            NewToken, DESK | SERVICE, CONFIRMERS, issue_token, vouched=True, fit=token_fits, first_part=token_part
        ),
    }
)  # fmt: skip
