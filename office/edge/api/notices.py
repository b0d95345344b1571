"""Notices and their delivery: letters that people post, mail that came back, who is written to. Article 5."""

from datetime import date
from typing import Literal

from msgspec import UNSET, UnsetType

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import WHOLE, Body, Call, Line, Name, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, OFFICERS, OPERATORS
from office.use_cases import letters, notices, service_end, tenants
from office.use_cases.idempotency import Answer

LARGEST_REPORT = 2**20


class Deliveries(Paged, frozen=True, forbid_unknown_fields=True):
    """Of one contract, or of all; `person`: those that somebody must act on."""

    contract: Name | None = None
    state: Literal["waiting", "person", "handed", "delivered", "dropped"] | None = None


class Posted(Body, frozen=True, forbid_unknown_fields=True):
    """T5-2. The day on which the letter was posted."""

    posted_on: date


class Contact(Body, frozen=True, forbid_unknown_fields=True):
    """T5-2. What is not given stays as it is. `postal_address`: in one line; null: none from now on."""

    language: Literal["ja", "en"] | None = None
    postal_address: Line | UnsetType | None = UNSET
    email: Name | None = None


class Recipient(Body, frozen=True, forbid_unknown_fields=True):
    """T8-14, T8-16. Who is told of a contract's money too."""

    name: Name
    email: Name
    language: Literal["ja", "en"] = "ja"


async def list_deliveries(call: Call) -> Answer:
    """A page of deliveries, newest first."""
    query: Deliveries = call.query
    after = tenants.id_after(query.cursor)
    rows = await notices.listed(call.conn, query.contract, query.state, after, query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def show(call: Call) -> Answer:
    """One delivery and what it says."""
    return answer(await notices.there(call.conn, call.path["delivery"]))


async def show_page(call: Call) -> Answer:
    """A letter on paper, as a page to print."""
    letter = await notices.there(call.conn, call.path["delivery"])
    return Answer(200, (await letters.page(call.conn, str(letter.id))).encode(), "text/html")


async def post(call: Call) -> Answer:
    """A letter was posted: it counts as delivered some bank days later."""
    letter = await notices.there(call.conn, call.path["delivery"])
    at = await notices.posted(call.conn, str(letter.id), call.body.posted_on, call.person, call.now)
    return created({"delivered_at": at})


async def retry(call: Call) -> Answer:
    """An e-mail or a posting that waits for a person is tried again."""
    letter = await notices.there(call.conn, call.path["delivery"])
    await notices.retry(call.conn, str(letter.id), call.now)
    return done()


async def take_report(call: Call) -> Answer:
    """What a mail server reported of a letter (RFC 3464), taken once however often it comes."""
    return answer(await notices.take_report(call.conn, call.body, call.now))


async def set_contact(call: Call) -> Answer:
    """How a customer wants to be written to; the contact counts as good again."""
    new: Contact = call.body
    address = None if new.postal_address is UNSET else new.postal_address or ""
    await notices.set_contact(
        call.conn, call.path["customer"], new.language, address, call.now, email=new.email, person=call.person
    )
    return done()


async def set_recipient(call: Call) -> Answer:
    """The payer or dealer who is told of a contract's money too."""
    new: Recipient = call.body
    contract, role = await the_contract(call), call.path["role"]
    await notices.set_recipient(call.conn, contract, role, new.name, new.email, new.language, call.now, call.person)
    return done()


async def check_end(call: Call) -> Answer:
    """The day on which the service ends, if everybody was told in time for it."""
    return answer({"ends_on": await service_end.check_end(call.conn)})


async def list_told(call: Call) -> Answer:
    """A page of customers of live contracts, and when the notice of the service's end reached each."""
    rows = await service_end.told(call.conn, call.query.cursor or "", call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.customer))


DELIVERY, MAILERS = "/notices/{delivery}", OFFICERS | OPERATORS
OPERATIONS = (
    Operation("listDeliveries", "GET", "/notices", CA, list_deliveries, query=Deliveries,
              withheld=("address", "last_error", "subject")),
    Operation("showDelivery", "GET", DELIVERY, CA, show, withheld=("address", "body", "last_error", "subject")),
    Operation("showLetter", "GET", DELIVERY + "/page", CA, show_page, withheld=WHOLE),
    Operation("postDelivery", "POST", DELIVERY + "/posting", OFFICERS, post, body=Posted, person=True, once=True),
    Operation("retryDelivery", "POST", DELIVERY + "/retry", MAILERS, retry, body=Body, once=True),
    Operation("reportDelivery", "POST", "/delivery-reports", MAILERS, take_report, body=bytes, once=True,
              largest=LARGEST_REPORT),
    Operation("setContact", "PUT", "/customers/{customer}/contact", OFFICERS, set_contact, body=Contact, person=True),
    Operation("setRecipient", "PUT", OF + "/recipients/{role}", OFFICERS, set_recipient, body=Recipient, person=True),
    Operation("checkServiceEnd", "GET", "/service-end", CA, check_end),
    Operation("listTold", "GET", "/service-end/told", CA, list_told, query=Paged, withheld=("customer",)),
)  # fmt: skip
