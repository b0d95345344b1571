"""What pauses or goes on longer: suspensions, timers, consultations and holidays. T8-4, Articles 10 and 28."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from contract_gate.calendar import jst_date
from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import (
    Body,
    Call,
    Handle,
    Instant,
    Line,
    Name,
    Operation,
    Paged,
    Query,
    answer,
    created,
    done,
)
from office.edge.api.roles import CA, EVERYBODY, OFFICERS, OPERATORS
from office.use_cases import changes, consultation, holidays, maintenance, tenants, timers
from office.use_cases.idempotency import Answer


class NewExtension(Body, frozen=True, forbid_unknown_fields=True):
    """T10-3. `suspension`: the one that is its reason."""

    timer: Literal["lapse", "reissue"]
    suspension: Name
    until: Instant
    reason: Line


class NewConsultation(Body, frozen=True, forbid_unknown_fields=True):
    """T28-1. `owner`: who sees to it; `review_on`: the day to look again."""

    reason: Line
    owner: Handle
    review_on: date


class NextReview(Body, frozen=True, forbid_unknown_fields=True):
    """T28-1."""

    review_on: date


class OfYear(Query, frozen=True, forbid_unknown_fields=True):
    """This year, unless given."""

    year: Annotated[int, msgspec.Meta(ge=1948, le=2200)] | None = None


class NewHoliday(Body, frozen=True, forbid_unknown_fields=True):
    """T8-4."""

    day: date
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


async def list_suspensions(call: Call) -> Answer:
    """Suspensions of the service that have not ended, planned ones included."""
    return answer(tenants.Page(await changes.suspensions(call.conn, call.now), None))


async def list_windows(call: Call) -> Answer:
    """A page of windows of planned maintenance, newest first (T22-2)."""
    rows = await maintenance.listed(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def extend(call: Call) -> Answer:
    """A timer of a contract runs longer because of a suspension; only the CA lets it (T10-3)."""
    new: NewExtension = call.body
    await timers.extend(
        call.conn, new.suspension, await the_contract(call), new.timer, new.until, new.reason, call.person, call.now
    )
    return done()


async def list_extensions(call: Call) -> Answer:
    """A page of extensions of timers of a contract, newest first."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await timers.listed(call.conn, await the_contract(call), after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def consult(call: Call) -> Answer:
    """A consultation is held over a contract; it opens and shuts no gate."""
    new: NewConsultation = call.body
    contract = await the_contract(call)
    made = await consultation.hold(
        call.conn, contract, new.reason, new.owner, new.review_on, call.person, call.now
    )  # fmt: skip
    return created({"id": made})


async def review(call: Call) -> Answer:
    """It was looked at and goes on until another day."""
    await consultation.review(call.conn, await the_contract(call), call.body.review_on, call.person, call.now)
    return done()


async def end(call: Call) -> Answer:
    """It pauses nothing any more."""
    await consultation.end(call.conn, await the_contract(call), call.person, call.now)
    return done()


async def list_consultations(call: Call) -> Answer:
    """A page of consultations that are held, the nearest review first."""
    rows = await consultation.listed(call.conn, None, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, consultation.cursor_of))


async def own_consultations(call: Call) -> Answer:
    """The consultation over a contract: since when, and the day to look again; never what officers noted."""
    held = await consultation.listed(call.conn, await the_contract(call))
    said = [{"contract": each.contract, "set_at": each.set_at, "review_on": each.review_on} for each in held]
    return answer({"items": said, "next": None})


async def list_holidays(call: Call) -> Answer:
    """The national holidays of a year."""
    return answer(tenants.Page(await holidays.listed(call.conn, call.query.year or jst_date(call.now).year), None))


async def add_holiday(call: Call) -> Answer:
    """A day is a holiday too; the due dates that move."""
    moved = await holidays.add(call.conn, call.body.day, call.body.name, call.person, call.now)
    return created(tenants.Page(moved, None))


async def remove_holiday(call: Call) -> Answer:
    """A day that is still to come is no holiday after all; the due dates that move."""
    return answer(
        tenants.Page(await holidays.remove(call.conn, tenants.day(call.path["day"]), call.person, call.now), None)
    )


HELD, DAYS = OF + "/consultation", OFFICERS | OPERATORS
OPERATIONS = (
    Operation("listSuspensions", "GET", "/suspensions", CA, list_suspensions),
    Operation("listMaintenance", "GET", "/maintenance", CA, list_windows, query=Paged),
    Operation(
        "extendTimer", "POST", OF + "/timer-extensions", OFFICERS, extend, body=NewExtension, person=True, once=True
    ),
    Operation("listExtensions", "GET", OF + "/timer-extensions", CA, list_extensions, query=Paged),
    Operation("consult", "POST", HELD, OFFICERS, consult, body=NewConsultation, person=True, once=True),
    Operation(
        "reviewConsultation", "POST", HELD + "/review", OFFICERS, review, body=NextReview, person=True, once=True
    ),
    Operation("endConsultation", "DELETE", HELD, OFFICERS, end, person=True),
    Operation("listConsultations", "GET", "/consultations", CA, list_consultations, query=Paged),
    Operation("listContractConsultations", "GET", HELD, EVERYBODY, own_consultations),
    Operation("listHolidays", "GET", "/holidays", EVERYBODY, list_holidays, query=OfYear),
    Operation("addHoliday", "POST", "/holidays", DAYS, add_holiday, body=NewHoliday, person=True, once=True),
    Operation("removeHoliday", "DELETE", "/holidays/{day}", DAYS, remove_holiday, person=True),
)
