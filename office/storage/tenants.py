"""What a customer may see: every statement takes the customer; None are the CA's people, who see all."""

from datetime import datetime
from uuid import UUID

import msgspec

from office.storage.bank_lines import Waiting
from office.storage.contracts import Contract, ContractKey
from office.storage.evidence import Record
from office.storage.money import Invoice, Receipt
from office.storage.people import Customer, Person
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/tenants")
NEWEST = UUID(int=2**128 - 1)


class Delivery(msgspec.Struct, frozen=True):
    """A notice as it went to somebody by a channel."""

    id: UUID
    kind: str
    clause: str
    recipient: str
    channel: str
    state: str
    subject: str
    body: str
    queued_at: datetime
    handed_at: datetime | None
    delivered_at: datetime | None


async def contract(conn: Conn, customer: UUID | None, handle: str, contract_id: UUID | None) -> ContractKey | None:
    """The contract of that handle or id, if the customer may see it."""
    return one(ContractKey, await conn.fetchrow(SQL["contract"], customer, handle, contract_id))


async def key(conn: Conn, customer: UUID | None, kid: str) -> bool:
    """Whether there is such a binding key for the customer."""
    return await conn.fetchval(SQL["key"], customer, kid) is not None


async def invoice(conn: Conn, customer: UUID | None, number: str) -> bool:
    """Whether there is such an invoice for the customer."""
    return await conn.fetchval(SQL["invoice"], customer, number) is not None


async def credit(conn: Conn, customer: UUID | None, number: str) -> bool:
    """Whether there is such a credit invoice for the customer."""
    return await conn.fetchval(SQL["credit"], customer, number) is not None


async def certificate(conn: Conn, customer: UUID | None, serial: bytes) -> bool:
    """Whether there is such a certificate for the customer."""
    return await conn.fetchval(SQL["certificate"], customer, serial) is not None


async def contracts(conn: Conn, customer: UUID | None, after: int, most: int) -> list[Contract]:
    """Contracts by number."""
    if customer is None:
        return many(Contract, await conn.fetch(SQL["contracts"], after, most))
    return many(Contract, await conn.fetch(SQL["contracts_of"], customer, after, most))


async def invoices(conn: Conn, customer: UUID | None, before: UUID | None, most: int) -> list[Invoice]:
    """Invoices, newest first."""
    if customer is None:
        return many(Invoice, await conn.fetch(SQL["invoices"], before or NEWEST, most))
    return many(Invoice, await conn.fetch(SQL["invoices_of"], customer, before or NEWEST, most))


async def deliveries(
    conn: Conn, customer: UUID | None, contract_id: UUID, before: UUID | None, most: int
) -> list[Delivery]:
    """Notices of a contract, newest first; for a customer those that went to it."""
    return many(Delivery, await conn.fetch(SQL["deliveries"], customer, contract_id, before or NEWEST, most))


async def persons(conn: Conn, after: str, most: int) -> list[Person]:
    """Persons by handle."""
    return many(Person, await conn.fetch(SQL["persons"], after, most))


async def customers(conn: Conn, after: str, most: int) -> list[Customer]:
    """Customers by handle."""
    return many(Customer, await conn.fetch(SQL["customers"], after, most))


async def evidence(conn: Conn, contract_id: UUID, before: UUID | None, most: int) -> list[Record]:
    """Evidence of a contract, newest first."""
    return many(Record, await conn.fetch(SQL["evidence"], contract_id, before or NEWEST, most))


async def receipts(conn: Conn, before: UUID | None, most: int) -> list[Receipt]:
    """Receipts, newest first."""
    return many(Receipt, await conn.fetch(SQL["receipts"], before or NEWEST, most))


async def waiting(conn: Conn, after: int, most: int) -> list[Waiting]:
    """Bank lines that wait for a person, oldest first."""
    return many(Waiting, await conn.fetch(SQL["waiting"], after, most))
