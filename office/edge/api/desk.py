"""The desk: what waits for people by deadline, whose it is, and who stands in for whom."""

from datetime import date

from office.edge.api.calls import Body, Call, Handle, Instant, Line, Name, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, COMPLIANCE, DESK, OPERATORS
from office.use_cases import desk, tenants
from office.use_cases.idempotency import Answer


class Waiting(Paged, frozen=True, forbid_unknown_fields=True):
    """Of one person what they do today, tasks they stand in for included; `snoozed`: what was put off too."""

    person: Handle | None = None
    kind: Name | None = None
    snoozed: bool = False


class NewOwner(Body, frozen=True, forbid_unknown_fields=True):
    """Whose the task is from now on; whoever calls, unless named."""

    to: Handle | None = None


class Snooze(Body, frozen=True, forbid_unknown_fields=True):
    """At most 14 days."""

    until: Instant
    reason: Line


class Deed(Body, frozen=True, forbid_unknown_fields=True):
    """What was done."""

    reason: Line


class NewAbsence(Body, frozen=True, forbid_unknown_fields=True):
    """Both days included."""

    person: Handle
    deputy: Handle
    from_on: date
    until_on: date


async def list_tasks(call: Call) -> Answer:
    """A page of what waits for a person, the nearest deadline first, with the command that ends it."""
    asked: Waiting = call.query
    place = desk.place_of(asked.cursor) if asked.cursor else None
    found = await desk.queue(call.conn, asked.person, asked.snoozed, place, asked.limit + 1, call.now, asked.kind)
    return answer(tenants.page(found, asked.limit, desk.cursor_of))


async def assign(call: Call) -> Answer:
    """The task is taken, or handed to somebody; while they are away it is their deputy's."""
    await desk.assign(call.conn, *task_of(call), call.body.to or call.person, call.person, call.now)
    return done()


async def snooze(call: Call) -> Answer:
    """The task is out of sight for a while; never one whose deadline binds the CA."""
    await desk.snooze(call.conn, *task_of(call), call.body.until, call.body.reason, call.person, call.now)
    return done()


async def finish(call: Call) -> Answer:
    """Somebody looked at it, where no other operation or command ends it."""
    await desk.done(call.conn, *task_of(call), call.body.reason, call.person, call.now)
    return done()


def task_of(call: Call) -> tuple[str, str]:
    """The kind and the subject of a task."""
    return call.path["kind"], call.path["subject"]


async def list_absences(call: Call) -> Answer:
    """A page of absences that last or are to come, the earliest first."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await desk.absences(call.conn, call.now, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def leave(call: Call) -> Answer:
    """Somebody is away; their tasks are their deputy's on these days."""
    new: NewAbsence = call.body
    await desk.away(call.conn, new.person, new.deputy, new.from_on, new.until_on, call.person, call.now)
    return created(new)


async def come_back(call: Call) -> Answer:
    """Somebody is there again, or does not go: their tasks are theirs."""
    await desk.back(call.conn, call.path["person"], call.person, call.now)
    return done()


TASK, WORKERS = "/desk/{kind}/{subject}", DESK | COMPLIANCE | OPERATORS
OPERATIONS = (
    Operation("listTasks", "GET", "/desk", CA, list_tasks, query=Waiting),
    Operation("assignTask", "POST", TASK + "/assignment", WORKERS, assign, body=NewOwner, person=True, once=True),
    Operation("snoozeTask", "POST", TASK + "/snooze", WORKERS, snooze, body=Snooze, person=True, once=True),
    Operation("finishTask", "POST", TASK + "/done", WORKERS, finish, body=Deed, person=True, once=True),
    Operation("listAbsences", "GET", "/absences", CA, list_absences, query=Paged),
    Operation("recordAbsence", "POST", "/absences", WORKERS, leave, body=NewAbsence, person=True, once=True),
    Operation("endAbsence", "DELETE", "/absences/{person}", WORKERS, come_back, person=True),
)
