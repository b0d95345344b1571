"""Cases of revocation and problem reports. Article 11, C-161, C-162."""

from typing import Annotated, Literal

import msgspec

from office.edge.api.calls import Body, Call, Handle, Instant, Line, Name, Operation, Paged, Text, answer, created, done
from office.edge.api.roles import CA, DESK
from office.use_cases import cases, reports, revocations, tenants
from office.use_cases.certificates import serial_of
from office.use_cases.idempotency import Answer

Serial = Annotated[str, msgspec.Meta(min_length=18, max_length=60)]
Serials = Annotated[tuple[Serial, ...], msgspec.Meta(max_length=100)]


class NewCase(Body, frozen=True, forbid_unknown_fields=True):
    """T11-9. What it covers: exactly one of contract, customer, key_sha256 and serials."""

    ground: Name
    reporter: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    note: Text
    known: Literal["request", "report", "own_evidence", "recorded"] | None = None
    contract: Handle | None = None
    customer: Handle | None = None
    key_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    serials: Serials = ()
    received_at: Instant | None = None
    underlying: Name | None = None
    cps_demands: bool = False


class Listed(Paged, frozen=True, forbid_unknown_fields=True):
    """Those that are done, too."""

    all: bool = False


class Why(Body, frozen=True, forbid_unknown_fields=True):
    """T11-7."""

    reason: Line


class Leading(Body, frozen=True, forbid_unknown_fields=True):
    """T11-9. `key_sha256`: the compromised key. `contract`: which of its contracts, where the ground ends contracts."""

    ground: Name
    key_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    contract: Name | None = None


class Findings(Body, frozen=True, forbid_unknown_fields=True):
    """C-162."""

    findings: Line


async def open_case(call: Call) -> Answer:
    """A case is open and its clock known; nothing is revoked."""
    new: NewCase = call.body
    key = bytes.fromhex(new.key_sha256) if new.key_sha256 else None
    serials = [serial_of(serial) for serial in new.serials]
    scope = await cases.scope_of(call.conn, new.contract, new.customer, key, serials)
    opening = cases.Opening(
        new.ground, scope, new.reporter, new.note, new.received_at or call.now, new.known, new.underlying,
        cps_demands=new.cps_demands,
    )  # fmt: skip
    return created(await cases.open_case(call.conn, opening, call.now))


async def list_cases(call: Call) -> Answer:
    """A page of cases, the earliest received first."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await cases.listed(call.conn, call.query.all, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def show_case(call: Call) -> Answer:
    """A case, its clock, and what it would still revoke."""
    return answer(await cases.standing(call.conn, call.path["case"], call.now))


async def execute(call: Call) -> Answer:
    """What two people decided is revoked; twice is once."""
    return answer(await revocations.execute(call.conn, call.path["case"], call.now))


async def close_case(call: Call) -> Answer:
    """An officer looked at it: what is open ends without a revocation."""
    await cases.close(call.conn, call.path["case"], call.person, call.body.reason, call.now)
    return done()


async def list_reports(call: Call) -> Answer:
    """A page of problem reports, the earliest received first."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await reports.listed(call.conn, call.query.all, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def answer_report(call: Call) -> Answer:
    """The preliminary report goes to the reporter and to each subscriber."""
    found = await reports.answer(call.conn, call.path["report"], call.body.findings, call.person, call.now)
    return created(found)


async def show_report(call: Call) -> Answer:
    """A problem report."""
    return answer(await reports.named(call.conn, call.path["report"]))


async def lead_report(call: Call) -> Answer:
    """A case is opened from a report; its clock counts from the receipt of the report."""
    new: Leading = call.body
    key = bytes.fromhex(new.key_sha256) if new.key_sha256 else None
    led = await reports.lead(call.conn, call.path["report"], new.ground, call.person, call.now, key, new.contract)
    return created(led)


async def close_report(call: Call) -> Answer:
    """An answered report is done."""
    return created(await reports.close(call.conn, call.path["report"], call.person, call.now))


OPERATIONS = (
    Operation("openCase", "POST", "/revocation-cases", DESK, open_case, body=NewCase, person=True, once=True),
    Operation("listCases", "GET", "/revocation-cases", CA, list_cases, query=Listed,
              withheld=("customer", "note", "reporter")),
    Operation("showCase", "GET", "/revocation-cases/{case}", CA, show_case, withheld=("customer", "note", "reporter")),
    Operation(
        "executeCase", "POST", "/revocation-cases/{case}/execution", DESK, execute, body=Body, person=True
    ),
    Operation(
        "closeCase", "POST", "/revocation-cases/{case}/closing", DESK, close_case, body=Why, person=True, once=True
    ),
    Operation("listReports", "GET", "/problem-reports", CA, list_reports, query=Listed,
              withheld=("email", "reporter", "what")),
    Operation(
        "answerReport", "POST", "/problem-reports/{report}/answer", DESK, answer_report, body=Findings, person=True,
        once=True,
    ),
    Operation("showReport", "GET", "/problem-reports/{report}", CA, show_report,
              withheld=("email", "reporter", "what")),
    Operation(
        "leadReport", "POST", "/problem-reports/{report}/case", DESK, lead_report, body=Leading, person=True, once=True
    ),
    Operation(
        "closeReport", "POST", "/problem-reports/{report}/closing", DESK, close_report, body=Body, person=True,
        once=True,
    ),
)  # fmt: skip
