"""Persons, customers, plans, and the texts a customer agrees to."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, Pool, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/people")


class Person(msgspec.Struct, frozen=True):
    """A natural person who decides, reviews or consents; once they left they do not (C-176)."""

    id: UUID
    handle: str
    name: str
    organisation: str
    left_at: datetime | None = None
    subcontractor_id: UUID | None = None  # whose staff they are (T17-1)


class Customer(msgspec.Struct, frozen=True):
    """Who has contracts (T3-1)."""

    id: UUID
    handle: str
    name: str
    kind: str
    corporate_number: str | None
    based_in_japan: bool
    contact_email: str | None


class Plan(msgspec.Struct, frozen=True):
    """What a contract may cost and hold; frozen into the contract (T8-1)."""

    id: UUID
    handle: str
    name: str
    fee_yen: int
    term_months: int
    names_max: int


class OfferedPlan(msgspec.Struct, frozen=True):
    """A plan, and when applications may name it; None: always, or for ever."""

    handle: str
    name: str
    fee_yen: int
    term_months: int
    names_max: int
    offered_from: datetime | None
    offered_until: datetime | None


class Text(msgspec.Struct, frozen=True):
    """A version of the Terms or the CP/CPS (T2-1)."""

    kind: str
    version: str
    sha256: bytes
    url: str
    effective_at: datetime


async def insert_person(conn: Conn, handle: str, name: str, organisation: str, now: datetime) -> Person | None:
    """The new person; None when the handle is taken."""
    return one(Person, await conn.fetchrow(SQL["insert_person"], uuid7(now), handle, name, organisation, now))


async def person_of(conn: Conn, handle: str) -> Person | None:
    """The person of that handle; nobody once only the pseudonym is left (T16-2)."""
    return one(Person, await conn.fetchrow(SQL["person"], handle))


async def another(conn: Conn, person: UUID) -> str | None:
    """The handle of somebody else who has not left."""
    found: str | None = await conn.fetchval(SQL["another"], person)
    return found


async def persons(conn: Conn, most: int) -> list[Person]:
    """Persons by handle, at most so many."""
    return many(Person, await conn.fetch(SQL["persons"], most))


async def insert_customer(conn: Conn, customer: Customer, now: datetime) -> Customer | None:
    """The new customer; None when the handle is taken."""
    return one(Customer, await conn.fetchrow(SQL["insert_customer"], *msgspec.structs.astuple(customer), now))


async def customer_of(conn: Conn, handle: str) -> Customer | None:
    """The customer of that handle; none once only the pseudonym is left (T16-2)."""
    return one(Customer, await conn.fetchrow(SQL["customer"], handle))


async def customers(conn: Conn, most: int) -> list[Customer]:
    """Customers by handle, at most so many."""
    return many(Customer, await conn.fetch(SQL["customers"], most))


async def insert_plan(conn: Conn, plan: Plan) -> Plan | None:
    """The new plan; None when the handle is taken."""
    return one(Plan, await conn.fetchrow(SQL["insert_plan"], *msgspec.structs.astuple(plan)))


async def plan_of(conn: Conn, handle: str) -> Plan | None:
    """The plan of that handle."""
    return one(Plan, await conn.fetchrow(SQL["plan"], handle))


async def offer(conn: Conn, plan_id: UUID, since: datetime | None, until: datetime | None) -> None:
    """The plan is on offer between these instants; None leaves one as it is."""
    await conn.execute(SQL["offer"], plan_id, since, until)


async def offered_plans(conn: Conn, most: int, after: str | None = None) -> list[OfferedPlan]:
    """Plans by handle, at most so many."""
    return many(OfferedPlan, await conn.fetch(SQL["plans"], most, after))


async def hold_terms(conn: Conn) -> None:
    """Nobody else adds Terms until the transaction ends."""
    await conn.execute(SQL["hold_terms"])


async def insert_text(conn: Conn, text: Text) -> Text | None:
    """The new text; None when that version is there already."""
    return one(Text, await conn.fetchrow(SQL["insert_text"], *msgspec.structs.astuple(text)))


async def other_terms(conn: Conn, version: str) -> bool:
    """Whether there is another version of the Terms."""
    return bool(await conn.fetchval(SQL["other_terms"], version))


async def text_of(conn: Conn | Pool, kind: str, version: str) -> Text | None:
    """That version of `terms` or `cps`."""
    return one(Text, await conn.fetchrow(SQL["text"], kind, version))


async def texts(conn: Conn, most: int, after: tuple[str, str] | None = None) -> list[Text]:
    """Texts by kind and date, at most so many; after that of a kind and version."""
    return many(Text, await conn.fetch(SQL["texts"], most, *(after or (None, None))))
