"""What the CA owes: personal data and its leaks, liability, subcontractors. Articles 16, 17 and 25."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Handle, Instant, Line, Many, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, DESK, OFFICERS
from office.use_cases import leaks, liability, retention, subcontracting, tenants
from office.use_cases.idempotency import Answer

Organisation = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Items = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=20)], ...], msgspec.Meta(max_length=20)]


class NewLeak(Body, frozen=True, forbid_unknown_fields=True):
    """T16-2. `affected`: whose data, how many, of what kind, no names; `customers` are told."""

    found_at: Instant
    malicious: bool
    affected: Line
    measures: Line
    customers: Annotated[tuple[Handle, ...], msgspec.Meta(max_length=Many)] = ()


class LeakReported(Body, frozen=True, forbid_unknown_fields=True):
    """T16-2. Which of the two reports was made."""

    report: Literal["preliminary", "final"]


class NewLiability(Body, frozen=True, forbid_unknown_fields=True):
    """T25-3. Each of A25.1.1 to A25.1.11 is in one of the two lists."""

    incident_on: date
    damage_yen: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    applies: Items
    not_applies: Items


class NewSubcontractor(Body, frozen=True, forbid_unknown_fields=True):
    """T17-1. No role validates domains."""

    organisation: Organisation
    role: Literal["review_support", "call_back", "hosting", "mail", "printing", "support"]
    from_on: date


class LastDay(Body, frozen=True, forbid_unknown_fields=True):
    """T17-1."""

    organisation: Organisation
    until_on: date


async def record_leak(call: Call) -> Answer:
    """A leak of personal data: the clocks of its reports run and these customers are told."""
    new: NewLeak = call.body
    made = await leaks.record(
        call.conn, new.found_at, new.malicious, new.affected, new.measures, new.customers, call.person, call.now
    )
    return created({"id": made})


async def report_leak(call: Call) -> Answer:
    """The preliminary or final report was made."""
    await leaks.report(call.conn, call.path["leak"], call.body.report == "final", call.person, call.now)
    return done()


async def list_leaks(call: Call) -> Answer:
    """A page of leaks, open ones first."""
    rows = await leaks.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, leaks.cursor_of))


async def propose_liability(call: Call) -> Answer:
    """What the CA would pay: the ceiling is computed, a person answers the exclusions; it pays nothing."""
    new: NewLiability = call.body
    contract = await the_contract(call)
    made = await liability.propose(
        call.conn, contract, new.incident_on, new.damage_yen, new.applies, new.not_applies, call.person, call.now
    )
    return created(made)


async def list_liability(call: Call) -> Answer:
    """A page of proposals for a contract, newest first."""
    before, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await liability.listed(call.conn, await the_contract(call), before, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def list_retention(call: Call) -> Answer:
    """A page of fields with personal data: why each is kept, how long, and how much of it was destroyed."""
    rows = await retention.behind(call.conn, call.query.cursor)
    return answer(tenants.page(rows[: call.query.limit + 1], call.query.limit, lambda each: each.field))


async def list_destructions(call: Call) -> Answer:
    """A page of destructions of personal data, newest first."""
    rows = await retention.destructions(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, retention.cursor_of))


async def add_subcontractor(call: Call) -> Answer:
    """People of that organisation act as its staff from now on."""
    new: NewSubcontractor = call.body
    made = await subcontracting.add(call.conn, new.organisation, new.role, new.from_on, call.person, call.now)
    return created({"id": made})


async def end_subcontractor(call: Call) -> Answer:
    """The last day of a subcontractor is recorded."""
    await subcontracting.end(call.conn, call.body.organisation, call.body.until_on, call.person, call.now)
    return done()


async def list_subcontractors(call: Call) -> Answer:
    """A page of the register by organisation, those that ended too."""
    rows = await subcontracting.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.organisation))


OPERATIONS = (
    Operation("recordLeak", "POST", "/leaks", DESK, record_leak, body=NewLeak, person=True, once=True),
    Operation(
        "reportLeak", "POST", "/leaks/{leak}/reports", DESK, report_leak, body=LeakReported, person=True, once=True
    ),
    Operation("listLeaks", "GET", "/leaks", CA, list_leaks, query=Paged),
    Operation("listRetention", "GET", "/retention", CA, list_retention, query=Paged),
    Operation("listDestructions", "GET", "/destructions", CA, list_destructions, query=Paged),
    Operation(
        "proposeLiability", "POST", OF + "/liability", DESK, propose_liability, body=NewLiability, person=True,
        once=True,
    ),
    Operation("listLiability", "GET", OF + "/liability", CA, list_liability, query=Paged),
    Operation(
        "addSubcontractor", "POST", "/subcontractors", OFFICERS, add_subcontractor, body=NewSubcontractor, person=True,
        once=True,
    ),
    Operation(
        "endSubcontractor", "POST", "/subcontractor-ends", OFFICERS, end_subcontractor, body=LastDay, person=True,
        once=True,
    ),
    Operation("listSubcontractors", "GET", "/subcontractors", CA, list_subcontractors, query=Paged),
)  # fmt: skip
