"""Persons, customers, plans and texts: what a contract refers to."""

from datetime import datetime

from contract_gate.corporate_number import is_corporate_number
from office.storage import people, vouched
from office.storage.people import Customer, Person, Plan, Text
from office.use_cases.asked import (
    MOST,
    OPERATOR,
    Deciders,
    Unfit,
    checked_handle,
    checked_text,
    deciding,
    one_of,
)
from sql import Conn
from sql.evidence import append, entry
from sql.ids import uuid7

CUSTOMER_KINDS = ("juridical_person", "other_organisation", "sole_proprietor")
TEXT_KINDS = ("terms", "cps")
GREATEST = 2_147_483_647


async def add_person(conn: Conn, handle: str, name: str, organisation: str, now: datetime) -> Person:
    """A natural person who may decide, review or consent; the organisation they act for (T17-1). Raises Unfit."""
    async with conn.transaction():
        made = await people.insert_person(
            conn,
            checked_handle(handle),
            checked_text("the name", name),
            checked_text("organisation", organisation),
            now,
        )
        if made is None:
            raise Unfit(f"person '{handle}' exists already: choose another handle")
        await append(conn, entry("person.added", OPERATOR, now, rule="T17-1", person=made.id))
    return made


async def add_customer(conn: Conn, customer: Customer, now: datetime) -> Customer:
    """A customer. T3-1: the base in Japan is recorded here and asked for at acceptance. Raises Unfit."""
    checked_handle(customer.handle)
    checked_text("the name", customer.name)
    one_of("kind", customer.kind, CUSTOMER_KINDS)
    if customer.corporate_number is not None and not is_corporate_number(customer.corporate_number):
        raise Unfit(f"'{customer.corporate_number}' is no corporate number: 13 digits, the first checks the others")
    async with conn.transaction():
        made = await people.insert_customer(conn, customer, now)
        if made is None:
            raise Unfit(f"customer '{customer.handle}' exists already: choose another handle")
        await append(conn, entry("customer.added", OPERATOR, now, rule="T3-1", clause="A3.1", customer=made.id))
    return made


def plan_fits(plan: Plan) -> Plan:
    """The plan. Raises Unfit."""
    checked_handle(plan.handle)
    checked_text("the name", plan.name)
    if not (0 <= plan.fee_yen <= GREATEST and 0 < plan.term_months <= 120 and 0 < plan.names_max <= GREATEST):
        raise Unfit("a plan needs a fee of 0 yen or more, 1 to 120 months and at least 1 name")
    return plan


async def add_plan(conn: Conn, plan: Plan, now: datetime, by: Deciders | None = None) -> Plan:
    """A plan: fee without tax, months, number of names (T8-1). Raises Unfit."""
    plan_fits(plan)
    actor, second = deciding(by)
    async with conn.transaction():
        proposal = by.proposal if by else None
        writing = vouched.add_plan(conn, proposal, plan.id) if proposal else people.insert_plan(conn, plan)
        if (made := await writing) is None:
            raise Unfit(f"plan '{plan.handle}' exists already: a plan never changes, add another")
        proof = entry(
            "plan.added", actor, now, rule="T8-1", clause="A8.1", plan=made.id, fee_yen=made.fee_yen, **second
        )
        await append(conn, proof)
    return made


async def add_text(conn: Conn, text: Text, now: datetime) -> Text:
    """A version of the Terms or the CP/CPS, by hash (T2-1); of the Terms only the first of all. Raises Unfit.

    Later Terms count only after an announcement that was delivered in time (T20-1): `terms.announce`.
    """
    one_of("kind", text.kind, TEXT_KINDS)
    checked_text("version", text.version, 64)
    if not text.url.startswith("https://"):
        raise Unfit(f"the address '{text.url}' must begin with https://")
    async with conn.transaction():
        await people.hold_terms(conn)
        if text.kind == "terms" and await people.other_terms(conn, text.version):
            raise Unfit("there are Terms already: later ones are announced first, `keiyaku terms announce` (A20.1)")
        made = await people.insert_text(conn, text)
        if made is None:
            raise Unfit(
                f"{text.kind} {text.version} is there already, or another version counts from that very instant: a "
                "text never changes, add another version"
            )
        sha256 = made.sha256.hex()
        await append(
            conn,
            entry(
                "text.added", OPERATOR, now, rule="T2-1", clause="A2.1", text=[text.kind, text.version], sha256=sha256
            ),
        )
    return made


def customer(
    handle: str, name: str, kind: str, corporate_number: str | None, in_japan: bool, email: str | None, now: datetime
) -> Customer:
    """A customer with a new id."""
    return Customer(uuid7(now), handle, name, kind, corporate_number, in_japan, email)


def plan(handle: str, name: str, fee_yen: int, term_months: int, names_max: int, now: datetime) -> Plan:
    """A plan with a new id."""
    return Plan(uuid7(now), handle, name, fee_yen, term_months, names_max)


def text(kind: str, version: str, sha256: bytes, url: str, effective_at: datetime) -> Text:
    """A version of the Terms or the CP/CPS."""
    return Text(kind, version, sha256, url, effective_at)


async def persons(conn: Conn) -> list[Person]:
    """Persons by handle."""
    return await people.persons(conn, MOST)


async def customers(conn: Conn) -> list[Customer]:
    """Customers by handle."""
    return await people.customers(conn, MOST)


async def texts(conn: Conn, cursor: str | None = None, most: int = MOST) -> list[Text]:
    """Texts by kind and date."""
    kind, _, version = (cursor or "").partition(".")
    return await people.texts(conn, most, (kind, version) if cursor else None)


def cursor_of(text: Text) -> str:
    """Its place in the listing: a text never changes."""
    return f"{text.kind}.{text.version}"
