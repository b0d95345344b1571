"""Incidents: many certificates revoked for one cause, planned, decided by two people, or rehearsed (C-158, C-166).

A plan is a list that is frozen when it is made. A true incident has a case from then on, with its clock; a drill has
none, and without a case nothing is revoked: the database sees to it. `incident_steps.py` goes on with what has begun.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ca.profiles import PROFILES
from contract_gate.articles.article_11_revocation import GROUNDS, KEY_COMPROMISE, Awareness, code_of, deadline
from office.storage import incidents, revocations
from office.storage.incidents import Count, NewIncident, Span
from office.storage.incidents import Incident as Incident
from office.storage.incidents import Query as Query
from office.storage.revocations import Scope
from office.use_cases import asked, case_decisions, cases
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text, id_of, one_of
from office.use_cases.cases import Opening
from sql import Conn
from sql.evidence import append, entry

# Grounds that the CA itself establishes, of certificates rather than of a contract. Its own key has another scope.
CAUSES = tuple(n for n, g in GROUNDS.items() if g.establishes == "proof" and n not in ("ca_key", "names_holder"))
PUBLISHING = timedelta(minutes=5)  # from a revocation to the CRL that shows it
MOST_A_SECOND = 1000


class Plan(msgspec.Struct, frozen=True):
    """What people ask for. `known_at`: since when the CA knows, from which the clock runs (C-159)."""

    title: str
    ground: str
    known_at: datetime
    explanation_url: str | None


class Pace(msgspec.Struct, frozen=True):
    """How long clients have to renew by themselves, and how many certificates are revoked a second then."""

    per_second: int
    wait: timedelta


class Standing(msgspec.Struct, frozen=True):
    """An incident, how much of its list is revoked, and its counts by contract; None: the list is too long for them."""

    incident: Incident
    revoked: int
    counts: list[Count] | None


class Report(msgspec.Struct, frozen=True):
    """An incident against its clock (C-159): from the CA's knowledge to the CRL that shows the last revocation.

    Of a drill: as if its list had been revoked when it was marked.
    """

    incident: Incident
    span: Span
    windows_at: datetime | None
    published_at: datetime | None
    took: timedelta
    in_time: bool
    counts: list[Count]


def published_by(found: Incident, pace: Pace, now: datetime) -> datetime:
    """When CRLs would show everything, begun now."""
    return now + pace.wait + timedelta(seconds=found.certificates / pace.per_second) + PUBLISHING


async def plan(
    conn: Conn, wanted: Plan, query: Query, person: str, now: datetime, *, drill: bool = False, most: int | None = None
) -> Standing:
    """The plan is stored: a frozen list. A true one's case is open, its clock runs; nothing is revoked. Raises Unfit.

    Where the ground is the compromise of keys, the list has every certificate with a key of it (C-163).
    """
    checked_text("title", wanted.title, 200)
    one_of("ground", wanted.ground, CAUSES)
    if wanted.known_at > now:
        raise Unfit("the CA knows of nothing before it happens: give the instant of knowledge")
    if wanted.explanation_url is not None and not wanted.explanation_url.startswith(("https://", "http://")):
        raise Unfit("the explanation is the address of a page: https://…")
    said, who, ground = words(query), await asked.person(conn, person), GROUNDS[wanted.ground]
    until = deadline(ground, [Awareness("recorded", wanted.known_at)])
    assert until is not None  # the clock of these grounds always runs
    code = code_of(ground, None, material=False)
    new = NewIncident(drill, wanted.title, wanted.ground, said, wanted.explanation_url, wanted.known_at, until)
    async with conn.transaction():
        incident_id = await incidents.insert(conn, new, who.id, now)
        made = await incidents.insert_list(conn, incident_id, query, code if code == KEY_COMPROMISE else None, now)
        if not made.certificates:
            raise Unfit(f"no live certificate fits: {said}{_unknown_profile(query)}")
        if not drill:
            opening = Opening(
                wanted.ground, Scope(incident_id=incident_id), f"incident: {wanted.title}", said, wanted.known_at,
                "recorded",
            )  # fmt: skip
            await cases.opened(conn, opening, now, attention=False)
        proof = entry(
            "incident.planned", asked.actor(who), now, rule="T11-9", clause=ground.clause, incident=incident_id,
            drill=drill, query=said, certificates=made.certificates, serials_sha256=made.sha256.hex(), deadline=until,
        )  # fmt: skip
        await append(conn, proof)
    return await standing(conn, str(incident_id), most)


def words(query: Query) -> str:
    """The query as people read it. Raises Unfit when it names nothing."""
    parts = {
        "profile": query.profile,
        "issued from": query.since.isoformat() if query.since else None,
        "issued before": query.until.isoformat() if query.until else None,
        "key": query.key.hex() if query.key else None,
        "validated by": query.method,
        "contract": query.contract or (str(query.contract_id) if query.contract_id else None),
        "serials": f"{len(query.serials)} in a list" if query.serials is not None else None,
    }
    said = ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
    if not said:
        raise Unfit("say which certificates: by profile, time, key, method, contract or a list of serials")
    return said


def _unknown_profile(query: Query) -> str:
    """The profiles there are, where none has that name; one that was given up may have live certificates."""
    return f"; profiles are {', '.join(PROFILES)}" if query.profile and query.profile not in PROFILES else ""


async def begin(conn: Conn, incident: str, first: str, second: str, reason: str, pace: Pace, now: datetime) -> Incident:
    """Two people decide that it is carried out; from now on it goes on by itself. Raises Unfit.

    A wait that would miss the deadline is refused; without any it begins even if it is late.
    """
    found = await fit(conn, incident, pace, now)
    one, two = await asked.two_persons(conn, first, second)
    if found.case_id is not None and found.case_state == "open":
        await case_decisions.decide(conn, str(found.case_id), first, second, reason, now)
    async with conn.transaction():
        people = (one.id, two.id) if found.drill else None
        begun = await incidents.begin(conn, found.id, pace.per_second, pace.wait, people, now)
        if found.case_id is not None:
            begun = await revocations.set_state(conn, found.case_id, "executing", ["decided"]) and begun
        if not begun:
            raise Unfit(f"incident {found.id} has begun or was closed: `keiyaku incident show` tells")
        proof = entry(
            "incident.begun", asked.actor(one), now, rule="T11-7", incident=found.id, drill=found.drill,
            second=asked.actor(two), reason=reason, per_second=pace.per_second,
            wait_seconds=int(pace.wait.total_seconds()),
        )  # fmt: skip
        await append(conn, proof)
    return await named(conn, incident)


async def fit(conn: Conn, incident: str, pace: Pace, now: datetime) -> Incident:
    """The incident, if it may begin at this pace now. Raises Unfit."""
    if not 1 <= pace.per_second <= MOST_A_SECOND:
        raise Unfit(f"1 to {MOST_A_SECOND} certificates are revoked a second")
    if pace.wait < timedelta(0):
        raise Unfit("the wait is no span")
    found = await named(conn, incident)
    if found.begun_at is not None:
        raise Unfit(f"incident {found.id} has begun: `keiyaku incident show` tells how far it is")
    if found.case_state == "closed":
        raise Unfit(f"incident {found.id} was closed without a revocation: plan another")
    until = published_by(found, pace, now)
    if until > found.deadline_at and pace.wait:
        raise Unfit(
            f"it would be published by {until.isoformat(timespec='seconds')}, after the deadline "
            f"{found.deadline_at.isoformat(timespec='seconds')}: wait less, or revoke more a second"
        )
    return found


async def pause(conn: Conn, incident: str, person: str, reason: str, now: datetime) -> Incident:
    """Nothing more of it is done until somebody resumes it; its clock runs on. Raises Unfit."""
    return await _paused(conn, incident, now, person, reason, now)


async def resume(conn: Conn, incident: str, person: str, reason: str, now: datetime) -> Incident:
    """It goes on where it was paused. Raises Unfit."""
    return await _paused(conn, incident, None, person, reason, now)


async def _paused(
    conn: Conn, incident: str, since: datetime | None, person: str, reason: str, now: datetime
) -> Incident:
    checked_text("reason", reason)
    found, who = await named(conn, incident), await asked.person(conn, person)
    async with conn.transaction():
        if not await incidents.set_paused(conn, found.id, since):
            raise Unfit("it has not begun, is done, or is so already: `keiyaku incident show` tells")
        kind = "incident.paused" if since else "incident.resumed"
        await append(conn, entry(kind, asked.actor(who), now, rule="T11-9", incident=found.id, reason=reason))
    return await named(conn, incident)


async def standing(conn: Conn, incident: str, most: int | None = None) -> Standing:
    """The incident with its counts, of a list of at most so many certificates. Raises Unfit."""
    found = await named(conn, incident)
    few = most is None or found.certificates <= most
    counts = await incidents.counts(conn, found.id) if few else None
    return Standing(found, await incidents.done(conn, found.id), counts)


async def report(conn: Conn, incident: str, now: datetime, most: int | None = None) -> Report:
    """The incident against its clock. Raises Unfit, also for a list of more certificates than that."""
    found = await named(conn, incident)
    if most is not None and found.certificates > most:
        raise Unfit(
            f"a list of more than {most} certificates is not counted within a call: `keiyaku incident report` takes "
            "the time that it needs"
        )
    counts, span = await incidents.counts(conn, found.id), await incidents.span(conn, found.id)
    published = found.published_at
    if found.drill and found.finished_at is not None and found.begun_at is not None:
        published = found.known_at + (found.finished_at - found.begun_at) + PUBLISHING
    took = (published or now) - found.known_at
    return Report(found, span, found.windows_at, published, took, found.known_at + took <= found.deadline_at, counts)


async def named(conn: Conn, incident: str) -> Incident:
    """The incident of an id. Raises Unfit."""
    if found := await incidents.incident_of(conn, id_of("incident", incident)):
        return found
    raise NoSuch(incident, f"there is no incident '{incident}': `keiyaku incident list` shows them")


async def listed(conn: Conn, finished: bool, before: UUID | None = None, most: int = MOST) -> list[Incident]:
    """Incidents and drills under way, or all; the newest first."""
    return await incidents.incidents(conn, finished, most, before)


async def contract_id(conn: Conn, contract: str | None) -> UUID | None:
    """The contract that a query names. Raises Unfit."""
    return (await asked.contract(conn, contract)).id if contract is not None else None
