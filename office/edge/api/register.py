"""Persons, customers, plans and texts; who the caller is."""

from typing import Literal

from office.edge.api.calls import Body, Call, Handle, Name, Operation, Paged, answer, created
from office.edge.api.roles import CA, EVERYBODY, OFFICERS, OPERATORS
from office.use_cases import plans, register, tenants
from office.use_cases.idempotency import Answer


class NewPerson(Body, frozen=True, forbid_unknown_fields=True):
    """T17-1."""

    handle: Handle
    name: Name
    organisation: Name


class NewCustomer(Body, frozen=True, forbid_unknown_fields=True):
    """T3-1."""

    handle: Handle
    name: Name
    kind: Literal["juridical_person", "other_organisation", "sole_proprietor"] = "juridical_person"
    corporate_number: Name | None = None
    based_in_japan: bool = True
    contact_email: Name | None = None


async def who_am_i(call: Call) -> Answer:
    """The token that calls."""
    return answer(call.caller)


async def persons(call: Call) -> Answer:
    """A page of persons."""
    return answer(await tenants.persons(call.conn, call.query.cursor, call.query.limit))


async def show_person(call: Call) -> Answer:
    """A person, who may have left."""
    return answer(await tenants.person(call.conn, call.path["person"]))


async def add_person(call: Call) -> Answer:
    """A person is added."""
    new: NewPerson = call.body
    return created(await register.add_person(call.conn, new.handle, new.name, new.organisation, call.now))


async def customers(call: Call) -> Answer:
    """A page of customers."""
    return answer(await tenants.customers(call.conn, call.query.cursor, call.query.limit))


async def add_customer(call: Call) -> Answer:
    """A customer is added."""
    new: NewCustomer = call.body
    wanted = register.customer(
        new.handle, new.name, new.kind, new.corporate_number, new.based_in_japan, new.contact_email, call.now
    )
    return created(await register.add_customer(call.conn, wanted, call.now))


async def offered(call: Call) -> Answer:
    """A page of plans, by handle."""
    rows = await plans.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.handle))


async def texts(call: Call) -> Answer:
    """A page of the versions of the Terms and the CP/CPS, by kind and date."""
    rows = await register.texts(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, register.cursor_of))


OPERATIONS = (
    Operation("showToken", "GET", "/token", EVERYBODY, who_am_i),
    Operation("listPersons", "GET", "/persons", CA, persons, query=Paged, withheld=("name",)),
    Operation("showPerson", "GET", "/persons/{person}", CA, show_person, withheld=("name",)),
    Operation("addPerson", "POST", "/persons", OFFICERS | OPERATORS, add_person, body=NewPerson, once=True),
    Operation(
        "listCustomers",
        "GET",
        "/customers",
        CA,
        customers,
        query=Paged,
        withheld=("contact_email", "corporate_number", "handle", "name"),
    ),
    Operation("addCustomer", "POST", "/customers", OFFICERS | OPERATORS, add_customer, body=NewCustomer, once=True),
    Operation("listPlans", "GET", "/plans", EVERYBODY, offered, query=Paged),
    Operation("listTexts", "GET", "/texts", EVERYBODY, texts, query=Paged),
)
