"""Incidents: many certificates revoked for one cause, planned, foretold, paused, reported (C-158, C-166).

That one is carried out is a decision of two people, `incident.begin`; the worker goes on with it.
"""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from office.edge.api.calls import Body, Call, Instant, Line, Name, Operation, Paged, Query, answer, created
from office.edge.api.roles import CA, COMPLIANCE, OPERATORS
from office.use_cases import incidents, tenants
from office.use_cases.asked import Unfit
from office.use_cases.certificates import serial_of
from office.use_cases.idempotency import Answer

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Serial = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{18,40}$")]
LARGEST_LIST = 2**20
MOST_COUNTED = 20_000  # certificates of a list that are counted by contract within a call


class Incidents(Paged, frozen=True, forbid_unknown_fields=True):
    """Those that are done, too."""

    all: bool = False


class NewIncident(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which certificates: those that fit every part that is given. `known_at`: since when the CA knows.

    `explanation_url`: a page for clients that ask when to renew; needed but for a drill.
    """

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    ground: Name
    known_at: Instant
    explanation_url: Line | None = None
    drill: bool = False
    profile: Name | None = None
    since: Instant | None = None
    until: Instant | None = None
    key_sha256: Digest | None = None
    method: Name | None = None
    contract: Name | None = None
    serials: Annotated[tuple[Serial, ...], msgspec.Meta(min_length=1, max_length=20_000)] | None = None


class AtPace(Query, frozen=True, forbid_unknown_fields=True):
    """Certificates revoked a second, after a time in which clients renew by themselves."""

    per_second: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=5 * 86_400)] = 6 * 3600


class Because(Body, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Line


class Foretold(msgspec.Struct, frozen=True):
    """What would be done by when; nothing is."""

    incident: incidents.Incident
    published_by: datetime
    in_time: bool


async def list_incidents(call: Call) -> Answer:
    """A page of incidents and drills, newest first."""
    query: Incidents = call.query
    rows = await incidents.listed(call.conn, query.all, tenants.id_after(query.cursor), query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def show(call: Call) -> Answer:
    """An incident, how much of its list is revoked, and its counts by contract; none of a list too long for a call."""
    return answer(await incidents.standing(call.conn, call.path["incident"], MOST_COUNTED))


async def plan(call: Call) -> Answer:
    """The frozen list of what must be revoked, with counts and deadline; its clock runs, nothing is revoked."""
    new: NewIncident = call.body
    if not new.drill and new.explanation_url is None:
        raise Unfit("clients that ask when to renew are told why: give the explanation_url")
    wanted = incidents.Plan(new.title, new.ground, new.known_at, new.explanation_url)
    query = incidents.Query(
        new.profile, new.since, new.until, bytes.fromhex(new.key_sha256) if new.key_sha256 else None, new.method,
        await incidents.contract_id(call.conn, new.contract),
        sorted({serial_of(each) for each in new.serials}) if new.serials else None, new.contract,
    )  # fmt: skip
    try:
        made = await incidents.plan(
            call.conn, wanted, query, call.person, call.now, drill=new.drill, most=MOST_COUNTED
        )  # fmt: skip
        return created(made)
    except TimeoutError:
        raise Unfit(
            "the list could not be frozen in the time that a call has, and nothing was stored: ask for fewer "
            "certificates, or plan it with `keiyaku incident plan`, which takes the time it needs"
        ) from None


async def foretell(call: Call) -> Answer:
    """By when everything would be published, begun now at this pace; nothing is done."""
    pace = incidents.Pace(call.query.per_second, timedelta(seconds=call.query.wait_seconds))
    found = await incidents.fit(call.conn, call.path["incident"], pace, call.now)
    until = incidents.published_by(found, pace, call.now)
    return answer(Foretold(found, until, until <= found.deadline_at))


async def pause(call: Call) -> Answer:
    """Nothing more of it is done until somebody resumes it; its clock runs on."""
    return answer(await incidents.pause(call.conn, call.path["incident"], call.person, call.body.reason, call.now))


async def resume(call: Call) -> Answer:
    """It goes on where it was paused."""
    return answer(await incidents.resume(call.conn, call.path["incident"], call.person, call.body.reason, call.now))


async def report(call: Call) -> Answer:
    """The incident against its clock: from the CA's knowledge to the CRL that shows the last revocation."""
    return answer(await incidents.report(call.conn, call.path["incident"], call.now, MOST_COUNTED))


ONE, PLANNERS = "/incidents/{incident}", OPERATORS | COMPLIANCE
OPERATIONS = (
    Operation("listIncidents", "GET", "/incidents", CA, list_incidents, query=Incidents),
    Operation(
        "planIncident", "POST", "/incidents", PLANNERS, plan, body=NewIncident, person=True, once=True,
        largest=LARGEST_LIST,
    ),
    Operation("showIncident", "GET", ONE, CA, show),
    Operation("foretellIncident", "GET", ONE + "/run", CA, foretell, query=AtPace),
    Operation("pauseIncident", "POST", ONE + "/pause", PLANNERS, pause, body=Because, person=True, once=True),
    Operation("resumeIncident", "POST", ONE + "/resume", PLANNERS, resume, body=Because, person=True, once=True),
    Operation("reportIncident", "GET", ONE + "/report", CA, report),
)  # fmt: skip
