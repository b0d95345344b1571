"""Contracts, their binding keys, certificates, notices and evidence; what the gate would say."""

from datetime import datetime
from typing import Annotated

import msgspec

from contract_gate.articles.article_11_revocation import KEY_COMPROMISE
from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import (
    Body,
    Call,
    Handle,
    Instant,
    Line,
    Many,
    Name,
    Operation,
    Paged,
    Query,
    answer,
    created,
    done,
)
from office.edge.api.roles import APPLICANT, AUDITORS, CA, CUSTOMERS, EVERYBODY, OFFICERS, OPERATORS
from office.use_cases import (
    application,
    cases,
    certificate_pages,
    certificates,
    contracts,
    ending,
    explain,
    forecast,
    keys,
    tenants,
)
from office.use_cases.asked import Unfit
from office.use_cases.certificate_pages import State, Wanted
from office.use_cases.idempotency import Answer


class NewKey(Body, frozen=True, forbid_unknown_fields=True):
    """T4-2. `person`: the requester it is handed to; one who calls themselves takes it themselves."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    names: Annotated[tuple[Name, ...], msgspec.Meta(max_length=Many)] = ()
    uses: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)] | None = None
    expires_at: Instant | None = None
    person: Handle | None = None


class Asked(Query, frozen=True, forbid_unknown_fields=True):
    """When; now, unless given."""

    at: Instant | None = None


class Ahead(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When."""

    at: Instant


class Chosen(Paged, frozen=True, forbid_unknown_fields=True):
    """Of whom, with which key (SHA-256 of its SubjectPublicKeyInfo), in which state; all, unless given."""

    customer: Handle | None = None
    contract: Handle | None = None
    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    state: State | None = None


class NewRequest(Body, frozen=True, forbid_unknown_fields=True):
    """T11-5, T11-8."""

    note: Line
    reason: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0


async def list_contracts(call: Call) -> Answer:
    """A page of contracts, by number."""
    return answer(await tenants.contracts(call.conn, call.customer, call.query.cursor, call.query.limit))


async def show(call: Call) -> Answer:
    """A contract and its state."""
    return answer(await contracts.shown(call.conn, await the_contract(call)))


async def names(call: Call) -> Answer:
    """Live names of the application."""
    return answer(tenants.Page(await application.names_of(call.conn, await the_contract(call)), None))


async def requesters(call: Call) -> Answer:
    """Who may be handed binding keys."""
    return answer(tenants.Page(await application.requesters(call.conn, await the_contract(call)), None))


async def cancel(call: Call) -> Answer:
    """The customer cancels: the designated act, which nothing else is (T11-4)."""
    return answer(await ending.cancel(call.conn, await the_contract(call), call.person, call.now))


async def list_keys(call: Call) -> Answer:
    """Binding keys without their secrets."""
    return answer(tenants.Page(await keys.listed(call.conn, await the_contract(call)), None))


async def new_key(call: Call) -> Answer:
    """A binding key; its secret is in this answer alone."""
    new: NewKey = call.body
    to = call.person if call.caller.role == "requester" else new.person
    if call.caller.role == "requester" and new.person not in (None, call.person):
        raise Unfit("a requester takes a key themselves: leave out person")
    made = await keys.new_key(
        call.conn, await the_contract(call), new.label, new.names, new.uses, new.expires_at, call.now, to
    )
    return created(made)


async def withdraw_key(call: Call) -> Answer:
    """No new account, and no order of an account made with it."""
    await tenants.key(call.conn, call.customer, call.path["kid"])
    await keys.withdraw(call.conn, call.path["kid"], call.now)
    return done()


async def list_certificates(call: Call) -> Answer:
    """A page of certificates of a contract, newest first."""
    wanted, query = Wanted(contract=call.path["contract"]), call.query
    return answer(
        await certificate_pages.page(call.conn, call.customer, wanted, query.cursor, query.limit, call.now)
    )  # fmt: skip


async def list_all_certificates(call: Call) -> Answer:
    """A page of certificates, newest first: a customer's own alone."""
    query: Chosen = call.query
    key = bytes.fromhex(query.key) if query.key is not None else None
    wanted = Wanted(query.customer, query.contract, key, query.state)
    return answer(
        await certificate_pages.page(call.conn, call.customer, wanted, query.cursor, query.limit, call.now)
    )  # fmt: skip


async def show_certificate(call: Call) -> Answer:
    """A certificate with the instants of request, revocation, publication and reissue (T11-11)."""
    await tenants.certificate(call.conn, call.customer, call.path["serial"])
    return answer(await certificates.shown(call.conn, call.path["serial"]))


async def ask_revocation(call: Call) -> Answer:
    """The customer asks for a revocation: a case whose clock runs from now (T11-5).

    With reason 1 it asks under A11.1.2, as through ACME: its key is compromised (T11-3).
    """
    serial = await tenants.certificate(call.conn, call.customer, call.path["serial"])
    asked: NewRequest = call.body
    key = bytes.fromhex((await certificates.shown(call.conn, serial.hex())).key_sha256)
    compromised = asked.reason == KEY_COMPROMISE
    scope = await cases.scope_of(call.conn, None, None, key if compromised else None, [] if compromised else [serial])
    opening = cases.Opening(
        "compromise_asked" if compromised else "request", scope, call.person, asked.note, call.now, "request",
        asked_code=asked.reason,
    )  # fmt: skip
    standing = await cases.open_case(call.conn, opening, call.now)
    return created({"case": standing.case.id, "state": standing.case.state, "deadline_at": standing.deadline_at})


async def list_notices(call: Call) -> Answer:
    """A page of notices of a contract, newest first; a customer sees those that went to it."""
    name, query = call.path["contract"], call.query
    return answer(await tenants.notices(call.conn, call.customer, name, query.cursor, query.limit))


async def list_evidence(call: Call) -> Answer:
    """A page of what was decided about a contract, newest first."""
    return answer(await tenants.evidence(call.conn, call.path["contract"], call.query.cursor, call.query.limit))


async def explain_gate(call: Call) -> Answer:
    """What the gate would say, and every rule; of G7 neither clause nor reason (T13-3)."""
    at: datetime = call.query.at or call.now
    contract = await the_contract(call)
    return answer(await explain.explain(call.conn, contract, None, [], at, call.house.profile, ahead=at > call.now))


async def foretell(call: Call) -> Answer:
    """Who will be blocked at an instant if nothing changes; a page looks at so many contracts."""
    query: Ahead = call.query
    after = tenants.number_after(query.cursor)
    found, last = await forecast.some(call.conn, query.at, call.now, call.house.profile, after, query.limit)
    return answer(tenants.Page(found, str(last) if last is not None else None))


OPERATIONS = (
    Operation("listContracts", "GET", "/contracts", EVERYBODY, list_contracts, query=Paged,
              withheld=("customer", "customer_name")),
    Operation("showContract", "GET", OF, EVERYBODY, show, withheld=("customer", "customer_name")),
    Operation("listNames", "GET", OF + "/names", EVERYBODY, names),
    Operation("listRequesters", "GET", OF + "/requesters", EVERYBODY, requesters, withheld=("name",)),
    Operation("cancel", "POST", OF + "/cancellation", APPLICANT, cancel, body=Body, person=True, once=True),
    Operation("listKeys", "GET", OF + "/binding-keys", EVERYBODY, list_keys),
    Operation(
        "newKey", "POST", OF + "/binding-keys", CUSTOMERS | OFFICERS | OPERATORS, new_key, body=NewKey, person=True,
        once=True,
    ),
    Operation("withdrawKey", "DELETE", "/binding-keys/{kid}", CUSTOMERS | OFFICERS | OPERATORS, withdraw_key),
    Operation("listCertificates", "GET", OF + "/certificates", EVERYBODY, list_certificates, query=Paged),
    Operation("listAllCertificates", "GET", "/certificates", EVERYBODY, list_all_certificates, query=Chosen),
    Operation("showCertificate", "GET", "/certificates/{serial}", EVERYBODY, show_certificate),
    Operation(
        "askRevocation", "POST", "/certificates/{serial}/revocation", CUSTOMERS, ask_revocation, body=NewRequest,
        person=True, once=True,
    ),
    Operation("listNotices", "GET", OF + "/notices", EVERYBODY, list_notices, query=Paged,
              withheld=("body", "subject")),
    Operation("listEvidence", "GET", OF + "/evidence", AUDITORS, list_evidence, query=Paged),
    Operation("explainGate", "GET", OF + "/gate", CA, explain_gate, query=Asked),
    Operation("forecast", "GET", "/forecast", CA, foretell, query=Ahead),
)  # fmt: skip
