"""Screening of everybody on the customer's side (Article 13): who is screened, never with what answer."""

from typing import Literal

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Line, Name, Operation, Paged, Text, answer, created, done
from office.edge.api.roles import CA, COMPLIANCE, DESK
from office.use_cases import screening, tenants
from office.use_cases.idempotency import Answer


class NewScreening(Body, frozen=True, forbid_unknown_fields=True):
    """T13-1."""

    role: Literal["customer", "representative", "applicant", "requester", "payer"]
    name: Name


class Clearance(Body, frozen=True, forbid_unknown_fields=True):
    """T13-1. `source`: the lists that were looked at."""

    source: Line


class NewHit(Body, frozen=True, forbid_unknown_fields=True):
    """T13-2, T13-3."""

    source: Line
    grounds: Text


async def list_screenings(call: Call) -> Answer:
    """A page of who of a contract is screened, the oldest first; never with what answer."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await screening.listed(call.conn, await the_contract(call), False, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def add_screening(call: Call) -> Answer:
    """Somebody new on the customer's side is to be screened; nothing is blocked by that."""
    await screening.add(call.conn, await the_contract(call), call.body.role, call.body.name, call.now)
    return done()


async def clear(call: Call) -> Answer:
    """Nobody whose screening is open is on a list."""
    contract = await the_contract(call)
    return created({"screened": await screening.clear(call.conn, contract, call.body.source, call.person, call.now)})


async def hit(call: Call) -> Answer:
    """Compliance records a hit: the contract is held, and nobody else learns why."""
    new: NewHit = call.body
    made = await screening.hit(call.conn, call.path["screening"], new.source, new.grounds, call.person, call.now)
    return created({"id": made})


OPERATIONS = (
    Operation("listScreenings", "GET", OF + "/screenings", CA, list_screenings, query=Paged, withheld=("subject",)),
    Operation(
        "addScreening", "POST", OF + "/screenings", DESK | COMPLIANCE, add_screening, body=NewScreening, person=True,
        once=True,
    ),
    Operation(
        "clearScreenings", "POST", OF + "/screening-clearances", DESK | COMPLIANCE, clear, body=Clearance, person=True,
        once=True,
    ),
    Operation("hit", "POST", "/screenings/{screening}/hit", COMPLIANCE, hit, body=NewHit, person=True, once=True),
)  # fmt: skip
