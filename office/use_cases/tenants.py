"""Who may see what: things of another customer are not there, and listings come a page at a time.

`customer`: whose things are seen; None are the CA's people, who see all. Cursors are the last thing of a page.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from office.storage import people, tenants
from office.storage.bank_lines import Waiting
from office.storage.contracts import Contract
from office.storage.evidence import Record
from office.storage.money import Invoice, Receipt
from office.storage.people import Customer, Person
from office.storage.tenants import Delivery
from office.use_cases.asked import Unfit, as_uuid
from office.use_cases.certificates import SERIAL
from sql import Conn

T = TypeVar("T")
LONGEST_HANDLE = 64
DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


class NotThere(Exception):
    """There is no such thing, or it is another customer's: nobody can tell which."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of a listing, and where the next page begins; None: this was the last."""

    items: list[T]
    next: str | None


def page(rows: Sequence[T], most: int, cursor: Callable[[T], object]) -> Page[T]:
    """A page of rows of which one more was asked for."""
    return Page(list(rows[:most]), str(cursor(rows[most - 1])) if len(rows) > most else None)


def id_after(cursor: str | None) -> UUID | None:
    """The id of a cursor; None: from the beginning. Raises Unfit."""
    if cursor is not None and as_uuid(cursor) is None:
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return as_uuid(cursor) if cursor is not None else None


def number_after(cursor: str | None) -> int:
    """The number of a cursor; 0: from the beginning. Raises Unfit."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return int(cursor or 0)


def day_after(cursor: str | None) -> date | None:
    """The day of a cursor; None: from the beginning. Raises Unfit."""
    try:
        return date.fromisoformat(cursor) if cursor is not None else None
    except ValueError:
        raise Unfit("the cursor is none of ours: give `next` of the page before") from None


def instant(at: datetime) -> str:
    """An instant as a cursor."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_after(cursor: str | None) -> datetime | None:
    """The instant of a cursor; None: from the beginning. Raises Unfit."""
    if cursor is None:
        return None
    try:
        found = datetime.fromisoformat(cursor)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not UTC or instant(found) != cursor:
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return found


def line(text: str) -> int:
    """The number of a bank line. Raises NotThere."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotThere
    return int(text)


def day(text: str) -> date:
    """The day of this century that a path names. Raises NotThere."""
    if not DAY.fullmatch(text):
        raise NotThere
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotThere from None


async def contract(conn: Conn, customer: UUID | None, name: str) -> UUID:
    """The contract of a handle or id. Raises NotThere."""
    found = await tenants.contract(conn, customer, name, as_uuid(name)) if len(name) <= LONGEST_HANDLE else None
    if found is None:
        raise NotThere
    return found.id


async def key(conn: Conn, customer: UUID | None, kid: str) -> None:
    """Nothing, for a binding key that is there. Raises NotThere."""
    if len(kid) > LONGEST_HANDLE or not await tenants.key(conn, customer, kid):
        raise NotThere


async def invoice(conn: Conn, customer: UUID | None, number: str) -> None:
    """Nothing, for an invoice that is there. Raises NotThere."""
    if len(number) > LONGEST_HANDLE or not await tenants.invoice(conn, customer, number):
        raise NotThere


async def credit(conn: Conn, customer: UUID | None, number: str) -> None:
    """Nothing, for a credit invoice that is there. Raises NotThere."""
    if len(number) > LONGEST_HANDLE or not await tenants.credit(conn, customer, number):
        raise NotThere


async def certificate(conn: Conn, customer: UUID | None, serial: str) -> bytes:
    """The serial number of a certificate that is there. Raises NotThere."""
    if not SERIAL.fullmatch(serial) or not await tenants.certificate(conn, customer, bytes.fromhex(serial)):
        raise NotThere
    return bytes.fromhex(serial)


async def contracts(conn: Conn, customer: UUID | None, cursor: str | None, most: int) -> Page[Contract]:
    """Contracts by number. Raises Unfit."""
    rows = await tenants.contracts(conn, customer, number_after(cursor), most + 1)
    return page(rows, most, lambda each: each.number)


async def invoices(conn: Conn, customer: UUID | None, cursor: str | None, most: int) -> Page[Invoice]:
    """Invoices, newest first. Raises Unfit."""
    rows = await tenants.invoices(conn, customer, id_after(cursor), most + 1)
    return page(rows, most, lambda each: each.id)


async def notices(conn: Conn, customer: UUID | None, name: str, cursor: str | None, most: int) -> Page[Delivery]:
    """Notices of a contract, newest first; for a customer those that went to it. Raises NotThere and Unfit."""
    contract_id = await contract(conn, customer, name)
    rows = await tenants.deliveries(conn, customer, contract_id, id_after(cursor), most + 1)
    return page(rows, most, lambda each: each.id)


async def persons(conn: Conn, cursor: str | None, most: int) -> Page[Person]:
    """Persons by handle."""
    return page(await tenants.persons(conn, cursor or "", most + 1), most, lambda each: each.handle)


async def person(conn: Conn, handle: str) -> Person:
    """The person of that handle, who may have left. Raises NotThere."""
    found = await people.person_of(conn, handle)
    if found is None:
        raise NotThere
    return found


async def customers(conn: Conn, cursor: str | None, most: int) -> Page[Customer]:
    """Customers by handle."""
    return page(await tenants.customers(conn, cursor or "", most + 1), most, lambda each: each.handle)


async def evidence(conn: Conn, name: str, cursor: str | None, most: int) -> Page[Record]:
    """Evidence of a contract, newest first. Raises NotThere and Unfit."""
    contract_id = await contract(conn, None, name)
    return page(await tenants.evidence(conn, contract_id, id_after(cursor), most + 1), most, lambda each: each.id)


async def receipts(conn: Conn, cursor: str | None, most: int) -> Page[Receipt]:
    """Receipts, newest first. Raises Unfit."""
    return page(await tenants.receipts(conn, id_after(cursor), most + 1), most, lambda each: each.id)


async def waiting(conn: Conn, cursor: str | None, most: int) -> Page[Waiting]:
    """Bank lines that wait for a person, oldest first. Raises Unfit."""
    return page(await tenants.waiting(conn, number_after(cursor), most + 1), most, lambda each: each.id)
