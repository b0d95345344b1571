"""Applications: made, filled, handed in, withdrawn; and their review. Articles 1 to 4."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from office.edge.api import reading
from office.edge.api.calls import (
    Body,
    Call,
    Handle,
    Instant,
    Line,
    Many,
    Name,
    Operation,
    Query,
    answer,
    created,
    done,
)
from office.edge.api.roles import APPLICANT, CA, CUSTOMERS, DESK, OFFICERS
from office.use_cases import acceptance, application, contracts, documents, review, tenants
from office.use_cases.application import Subject
from office.use_cases.asked import Unfit
from office.use_cases.idempotency import Answer

NameKind = Literal["host", "wildcard", "domain", "network"]


class NewApplication(Body, frozen=True, forbid_unknown_fields=True):
    """T4-1. `customer`: for officers; an applicant's is their own."""

    handle: Handle
    plan: Handle
    customer: Handle | None = None


class NewName(Body, frozen=True, forbid_unknown_fields=True):
    """T4-8."""

    name: Name
    kind: NameKind | None = None


class OldName(Query, frozen=True, forbid_unknown_fields=True):
    """T8-13."""

    name: Name
    kind: NameKind | None = None


class NewConsent(Body, frozen=True, forbid_unknown_fields=True):
    """T2-1. Whoever calls consents; an officer records a paper."""

    terms: Name
    cps: Name
    consented_at: Instant
    person: Handle | None = None


class NewStatement(Body, frozen=True, forbid_unknown_fields=True):
    """T1-4."""

    representative: Name
    servers: Annotated[tuple[Name, ...], msgspec.Meta(max_length=Many)] = ()
    dealer: Name | None = None
    payer: Name | None = None


class NewRequester(Body, frozen=True, forbid_unknown_fields=True):
    """T4-2."""

    person: Handle


class Wanted(Body, frozen=True, forbid_unknown_fields=True):
    """T4-3. What the customer is asked for."""

    wanted: Line


class NewItem(Body, frozen=True, forbid_unknown_fields=True):
    """T4-3."""

    kind: Literal["legal_existence", "address", "domain_right", "applicant_authority", "screening"]
    criteria: Name
    source: Line
    obtained_on: date
    verdict: Literal["positive", "negative", "pending"]


class NewCall(Body, frozen=True, forbid_unknown_fields=True):
    """T4-3."""

    number_source: Line
    confirmed: bool


class NewSubject(Body, frozen=True, forbid_unknown_fields=True):
    """BR 7.1.4.2."""

    organization: Name
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    state_or_province: Name | None = None
    locality: Name | None = None


class OfDocument(Query, frozen=True, forbid_unknown_fields=True):
    """T4-3."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    issued_on: date


async def the_contract(call: Call) -> str:
    """The id of the contract in the path, if the caller may see it. Raises NotThere."""
    return str(await tenants.contract(call.conn, call.customer, call.path["contract"]))


async def create(call: Call) -> Answer:
    """An application is made; price and number of names are frozen (T8-1)."""
    new: NewApplication = call.body
    customer = call.caller.customer or new.customer
    if customer is None or (call.caller.customer and new.customer not in (None, call.caller.customer)):
        raise Unfit("name the customer; an applicant's is their own")
    return created(await contracts.create(call.conn, new.handle, customer, new.plan, call.now))


async def add_name(call: Call) -> Answer:
    """The application lists the name."""
    contract = await the_contract(call)
    return created(await application.add_name(call.conn, contract, call.body.name, call.body.kind, call.now))


async def remove_name(call: Call) -> Answer:
    """The name is in no later certificate."""
    await application.remove_name(
        call.conn, await the_contract(call), call.query.name, call.query.kind, call.now
    )  # fmt: skip
    return done()


async def consent(call: Call) -> Answer:
    """Consent is recorded: the caller's own, or on paper by an officer."""
    given: NewConsent = call.body
    own = call.caller.customer_id is not None
    if own == (given.person is not None):
        raise Unfit("an applicant consents for themselves; an officer names the person who signed the paper")
    await application.consent(
        call.conn, await the_contract(call), given.terms, given.cps, given.person or call.person,
        "web" if own else "paper", given.consented_at, call.now,
    )  # fmt: skip
    return done()


async def submit(call: Call) -> Answer:
    """The applicant's statement hands the application in."""
    given: NewStatement = call.body
    stated = application.Stated(given.representative, call.person, given.servers, given.dealer, given.payer)
    await application.state(call.conn, await the_contract(call), stated, call.now)
    return done()


async def add_requester(call: Call) -> Answer:
    """Somebody may be handed binding keys."""
    contract = await the_contract(call)
    await application.name_requester(call.conn, contract, call.body.person, call.person, call.now)
    return done()


async def remove_requester(call: Call) -> Answer:
    """No new key is handed to them."""
    contract = await the_contract(call)
    await application.withdraw_requester(call.conn, contract, call.path["person"], call.person, call.now)
    return done()


async def ask(call: Call) -> Answer:
    """The review waits for the customer, who is told what is wanted."""
    await review.ask_customer(call.conn, await the_contract(call), call.body.wanted, call.person, call.now)
    return done()


async def resume(call: Call) -> Answer:
    """The customer answered, the review goes on."""
    await review.resume(call.conn, await the_contract(call), call.person, call.now)
    return done()


async def withdraw(call: Call) -> Answer:
    """The application is taken back."""
    return answer(await acceptance.withdraw(call.conn, await the_contract(call), call.person, call.now))


async def add_document(call: Call) -> Answer:
    """A document is received and kept encrypted."""
    made = await documents.keep(
        call.conn, await the_contract(call), call.query.kind, call.query.issued_on, call.body, call.person,
        call.house.documents_key(), call.now,
    )  # fmt: skip
    return created({"id": made})


async def list_documents(call: Call) -> Answer:
    """Kinds, days and hashes of documents, destroyed ones too."""
    return answer(tenants.Page(await documents.listed(call.conn, await the_contract(call)), None))


async def read_document(call: Call) -> Answer:
    """The document as it was handed in; that this person read it is evidence (T16-1)."""
    document, key = call.path["document"], call.house.documents_key()
    return Answer(200, await documents.opened(call.conn, document, call.person, key, call.now), reading.FILE)


async def add_item(call: Call) -> Answer:
    """A review item counts as the newest of its kind."""
    new: NewItem = call.body
    item = application.Review(new.kind, new.criteria, new.source, new.obtained_on, new.verdict)
    await application.review(call.conn, await the_contract(call), item, call.person, call.now)
    return done()


async def call_back(call: Call) -> Answer:
    """The applicant was called back."""
    given: NewCall = call.body
    contract = await the_contract(call)
    await review.call_back(call.conn, contract, given.number_source, given.confirmed, call.person, call.now)
    return done()


async def set_subject(call: Call) -> Answer:
    """What later certificates say of the organisation."""
    new: NewSubject = call.body
    subject = Subject(new.organization, new.country, new.state_or_province, new.locality)
    await application.subject(call.conn, await the_contract(call), subject, call.person, call.now)
    return done()


OF = "/contracts/{contract}"
FILLERS = APPLICANT | OFFICERS
OPERATIONS = (
    Operation("apply", "POST", "/applications", FILLERS, create, body=NewApplication, once=True),
    Operation("addName", "POST", OF + "/names", FILLERS, add_name, body=NewName, once=True),
    Operation("removeName", "DELETE", OF + "/names", FILLERS, remove_name, query=OldName),
    Operation("consent", "POST", OF + "/consents", FILLERS, consent, body=NewConsent, person=True, once=True),
    Operation("submit", "POST", OF + "/statement", APPLICANT, submit, body=NewStatement, person=True, once=True),
    Operation(
        "addRequester", "POST", OF + "/requesters", APPLICANT, add_requester, body=NewRequester, person=True, once=True
    ),
    Operation(
        "removeRequester", "DELETE", OF + "/requesters/{person}", APPLICANT, remove_requester, person=True
    ),
    Operation("askCustomer", "POST", OF + "/review-questions", DESK, ask, body=Wanted, person=True, once=True),
    Operation("resumeReview", "POST", OF + "/review-answers", DESK, resume, body=Body, person=True, once=True),
    Operation("withdraw", "POST", OF + "/withdrawal", APPLICANT, withdraw, body=Body, person=True, once=True),
    Operation(
        "addDocument", "POST", OF + "/documents", FILLERS, add_document, query=OfDocument, body=bytes, person=True,
        once=True, largest=documents.LARGEST,
    ),
    Operation("listDocuments", "GET", OF + "/documents", CUSTOMERS | CA, list_documents),
    Operation("readDocument", "GET", "/documents/{document}", DESK, read_document, person=True),
    Operation("addReviewItem", "POST", OF + "/review-items", DESK, add_item, body=NewItem, person=True, once=True),
    Operation("callBack", "POST", OF + "/call-backs", DESK, call_back, body=NewCall, person=True, once=True),
    Operation("setSubject", "POST", OF + "/subject", DESK, set_subject, body=NewSubject, person=True, once=True),
)  # fmt: skip
