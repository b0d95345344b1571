"""What stops or announces to everybody: suspensions, planned maintenance, new Terms. Articles 10, 20 and 22."""

from typing import Annotated, Literal

import msgspec

from office.edge.api.calls import Body, Call, Instant, Line, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, COMPLIANCE, OPERATORS
from office.use_cases import changes, maintenance, tenants, terms
from office.use_cases.idempotency import Answer

Version = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Address = Annotated[str, msgspec.Meta(pattern="^https://", max_length=500)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class NewSuspension(Body, frozen=True, forbid_unknown_fields=True):
    """T10-1, T22-1. From now, unless given; without an end until somebody resumes."""

    clause: Literal["A10.1", "A22.1"]
    cause: Line
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class NewWindow(Body, frozen=True, forbid_unknown_fields=True):
    """T22-2. `emergency`: why it cannot wait for its notice."""

    reason: Line
    starts_at: Instant
    ends_at: Instant
    emergency: Line | None = None


class NewTerms(Body, frozen=True, forbid_unknown_fields=True):
    """T20-1. `sha256`: of the new text; `change`: what changes, in one line."""

    version: Version
    sha256: Digest
    url: Address
    change: Line
    reason: Line
    effective_at: Instant


async def suspend(call: Call) -> Answer:
    """No certificate is issued from then on; status and revocation go on."""
    new: NewSuspension = call.body
    starts_at = new.starts_at or call.now
    made = await changes.suspend(call.conn, new.clause, new.cause, starts_at, new.ends_at, call.person, call.now)
    return created({"id": made})


async def resume(call: Call) -> Answer:
    """The suspension ends now."""
    await changes.resume(call.conn, call.path["suspension"], call.person, call.now)
    return done()


async def plan_window(call: Call) -> Answer:
    """A window of maintenance is planned; its notice goes out."""
    new: NewWindow = call.body
    made = await maintenance.plan(
        call.conn, new.reason, new.starts_at, new.ends_at, call.person, new.emergency, call.now
    )  # fmt: skip
    return created({"id": made})


async def open_window(call: Call) -> Answer:
    """A window whose notice was delivered before it begins is opened: the suspension for its time."""
    return created({"id": await maintenance.open_window(call.conn, call.path["window"], call.person, call.now)})


async def announce(call: Call) -> Answer:
    """New Terms are announced: they count from their instant, if the notice was delivered in time."""
    new: NewTerms = call.body
    version = terms.Version(
        new.version, bytes.fromhex(new.sha256), new.url, new.change, new.reason, new.effective_at
    )  # fmt: skip
    return created({"id": await terms.announce(call.conn, version, call.person, call.now)})


async def withdraw_terms(call: Call) -> Answer:
    """Announced Terms that are not in force yet never will be."""
    await terms.withdraw(call.conn, call.path["version"], call.person, call.now)
    return done()


async def list_terms(call: Call) -> Answer:
    """A page of announced Terms, newest first."""
    rows = await terms.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.version))


SERVICE, TERMS = OPERATORS | COMPLIANCE, "/terms-announcements"
OPERATIONS = (
    Operation("suspend", "POST", "/suspensions", SERVICE, suspend, body=NewSuspension, person=True, once=True),
    Operation(
        "resume", "POST", "/suspensions/{suspension}/end", SERVICE, resume, body=Body, person=True, once=True
    ),
    Operation("planMaintenance", "POST", "/maintenance", SERVICE, plan_window, body=NewWindow, person=True, once=True),
    Operation(
        "openMaintenance", "POST", "/maintenance/{window}/open", SERVICE, open_window, body=Body, person=True,
        once=True,
    ),
    Operation("listAnnouncedTerms", "GET", TERMS, CA, list_terms, query=Paged),
    Operation("announceTerms", "POST", TERMS, SERVICE, announce, body=NewTerms, person=True, once=True),
    Operation("withdrawTerms", "DELETE", TERMS + "/{version}", SERVICE, withdraw_terms, person=True),
)  # fmt: skip
