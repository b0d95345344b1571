"""Changes that customers report or the CA learns of; what the corporate-number register said. Articles 6 and 14."""

from datetime import date
from typing import Literal

import msgspec

from office.edge.api.applications import FILLERS, OF, the_contract
from office.edge.api.calls import Body, Call, Line, Name, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, DESK, EVERYBODY
from office.use_cases import change_reports, changes, register_check, tenants
from office.use_cases.change_reports import Reported
from office.use_cases.idempotency import Answer


class NewChange(Body, frozen=True, forbid_unknown_fields=True):
    """T6-1, T6-3. `document`: id of the one that proves it. What certificates would say, where it becomes another."""

    item: Literal["name", "address", "representative", "succession"]
    document: Name
    organization: Name | None = None
    state_or_province: Name | None = None
    locality: Name | None = None
    succeeded_on: date | None = None


class Confirmation(Body, frozen=True, forbid_unknown_fields=True):
    """T6-2. `source`: where the fact was looked up."""

    source: Line


class Finish(Body, frozen=True, forbid_unknown_fields=True):
    """T6-2. The customer's name and representative from now on, where they are others."""

    name: Name | None = None
    representative: Name | None = None


class Learned(Body, frozen=True, forbid_unknown_fields=True):
    """T6-4."""

    item: Literal["organization", "address", "representative", "other"]
    in_certificate: bool


async def report(call: Call) -> Answer:
    """A change is reported; what certificates show of it blocks them from now on (T6-4)."""
    new = Reported(**msgspec.structs.asdict(call.body))
    return created(await change_reports.report(call.conn, await the_contract(call), new, call.person, call.now))


async def list_of_contract(call: Call) -> Answer:
    """A page of changes reported of a contract, the earliest arrived first."""
    return await listed(call, await the_contract(call))


async def list_open(call: Call) -> Answer:
    """A page of reported changes that are not done, the earliest arrived first."""
    return await listed(call, None)


async def listed(call: Call, contract: str | None) -> Answer:
    """A page of reports."""
    after, most = tenants.id_after(call.query.cursor), call.query.limit
    rows = await change_reports.listed(call.conn, contract, after, most + 1)
    return answer(tenants.page(rows, most, lambda each: each.id))


async def confirm(call: Call) -> Answer:
    """The fact of a reported change is confirmed."""
    name, source = call.path["change"], call.body.source
    return answer(await change_reports.confirm(call.conn, name, source, call.person, call.now))


async def finish(call: Call) -> Answer:
    """The work is done: a confirmed change takes effect and the customer is told."""
    made: Finish = call.body
    name, person = call.path["change"], call.person
    return answer(await change_reports.finish(call.conn, name, person, made.name, made.representative, call.now))


async def learn(call: Call) -> Answer:
    """The CA knows of a change that nobody reported."""
    found: Learned = call.body
    contract = await the_contract(call)
    return created({"id": await changes.report(call.conn, contract, found.item, found.in_certificate, call.now)})


async def resolve(call: Call) -> Answer:
    """What the CA knew of is settled and blocks nothing any more."""
    await changes.resolve(call.conn, call.path["finding"], call.person, call.now)
    return done()


async def list_register(call: Call) -> Answer:
    """What the corporate-number register said last of each customer, by page."""
    rows = await register_check.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.customer))


OPERATIONS = (
    Operation("reportChange", "POST", OF + "/changes", FILLERS, report, body=NewChange, person=True, once=True),
    Operation("listContractChanges", "GET", OF + "/changes", EVERYBODY, list_of_contract, query=Paged),
    Operation("listChanges", "GET", "/changes", CA, list_open, query=Paged),
    Operation(
        "confirmChange", "POST", "/changes/{change}/confirmation", DESK, confirm, body=Confirmation, person=True,
        once=True,
    ),
    Operation("finishChange", "POST", "/changes/{change}/finish", DESK, finish, body=Finish, person=True, once=True),
    Operation(
        "learnChange", "POST", OF + "/change-findings", DESK, learn, body=Learned, person=True, once=True
    ),
    Operation(
        "resolveFinding", "POST", "/change-findings/{finding}/resolution", DESK, resolve, body=Body, person=True,
        once=True,
    ),
    Operation("listRegister", "GET", "/register-states", CA, list_register, query=Paged,
              withheld=("city", "customer", "name", "prefecture", "successor")),
)  # fmt: skip
