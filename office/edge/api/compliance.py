"""Holds and findings, for compliance alone: nobody else learns their grounds (T13-3)."""

from typing import Annotated, Literal

import msgspec

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Line, Operation, Paged, answer, created, done
from office.edge.api.roles import COMPLIANCE
from office.use_cases import holds, screening, tenants
from office.use_cases.idempotency import Answer


class NewHold(Body, frozen=True, forbid_unknown_fields=True):
    """T3-4, T13-2. `item`: of Article 3, for conduct."""

    kind: Literal["conduct", "antisocial"]
    reason: Line
    status: Literal["reported", "suspected"] = "suspected"
    item: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None


async def list_holds(call: Call) -> Answer:
    """A page of live holds with their grounds, the earliest first; read as keiyaku_compliance."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    async with call.house.compliance.acquire() as conn:
        rows = await holds.listed(conn, None, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def set_hold(call: Call) -> Answer:
    """A contract is held."""
    new: NewHold = call.body
    contract = await the_contract(call)
    made = await holds.set_hold(
        call.conn, contract, new.kind, new.status, new.item, new.reason, call.person, call.now
    )  # fmt: skip
    return created({"id": made})


async def suspect(call: Call) -> Answer:
    """A report becomes a suspicion and blocks."""
    await holds.suspect(call.conn, call.path["hold"], call.person, call.now)
    return done()


async def list_findings(call: Call) -> Answer:
    """A page of answers, sources and grounds of screenings of a contract; read as keiyaku_compliance."""
    contract = await tenants.contract(call.conn, None, call.path["contract"])
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    async with call.house.compliance.acquire() as conn:
        rows = await screening.findings(conn, contract, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


OPERATIONS = (
    Operation("listHolds", "GET", "/holds", COMPLIANCE, list_holds, query=Paged, person=True),
    Operation("setHold", "POST", OF + "/holds", COMPLIANCE, set_hold, body=NewHold, person=True, once=True),
    Operation("suspect", "POST", "/holds/{hold}/suspicion", COMPLIANCE, suspect, body=Body, person=True, once=True),
    Operation(
        "listFindings", "GET", OF + "/screening-findings", COMPLIANCE, list_findings, query=Paged, person=True
    ),
)  # fmt: skip
