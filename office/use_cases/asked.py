"""What operators ask for: who and what their words mean, and why something cannot be done."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from office.storage import contracts, people
from office.storage.contracts import ContractKey
from office.storage.people import Customer, Person
from sql import Conn

OPERATOR = "process:operator"  # who acted, where no person must decide
MOST = 100_001  # of a listing that names no number; commands show all but the last, which says that there are more
HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Deciders(msgspec.Struct, frozen=True):
    """Two people who decide; `proposal`: for which both vouched with their tokens, if they did it through the API."""

    first: Person
    second: Person
    proposal: UUID | None


class Unfit(Exception):
    """It cannot be done, and nothing was. The text says in one line what is wrong and what to do."""


class NoSuch(Unfit):
    """There is nothing by that name, which is as it was asked for."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def actor(person: Person) -> str:
    """A person as evidence names them: by id (T16-3), and of which subcontractor they are (T17-1)."""
    if person.subcontractor_id is not None:
        return f"person:{person.id} of subcontractor:{person.subcontractor_id}"
    return f"person:{person.id}"


def checked_handle(handle: str) -> str:
    """A handle as rows allow it, and that reads as no id: a thing is found by either. Raises Unfit."""
    if not HANDLE.fullmatch(handle):
        raise Unfit(f"'{handle}' is no handle: 1 to 63 of a-z, 0-9, '.', '_', '-', the first a letter or digit")
    if as_uuid(handle) is not None:
        raise Unfit(f"'{handle}' reads as an id, which may be that of something else: choose a handle that does not")
    return handle


def checked_contract_handle(handle: str) -> str:
    """A contract's handle, which reads as no contract's number either. Raises Unfit."""
    if handle.isdigit():
        raise Unfit(f"'{handle}' reads as the number of a contract: choose a handle with a letter")
    return checked_handle(handle)


def checked_text(what: str, text: str, most: int = 500) -> str:
    """A text of one line and bounded length. Raises Unfit."""
    if not 0 < len(text.strip()) <= most or any(ord(c) < 32 for c in text):
        raise Unfit(f"{what} must be one line of 1 to {most} characters")
    return text.strip()


def one_of(what: str, value: str, allowed: Sequence[str]) -> str:
    """A word of a fixed list. Raises Unfit."""
    if value not in allowed:
        raise Unfit(f"{what} '{value}' is unknown: choose {', '.join(allowed)}")
    return value


def as_uuid(text: str) -> UUID | None:
    """The id a text spells, if it spells one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def id_of(what: str, text: str) -> UUID:
    """The id a text spells. Raises Unfit."""
    if (found := as_uuid(text)) is None:
        raise Unfit(f"'{text}' is the id of no {what}: its listing shows the ids")
    return found


async def contract(conn: Conn, name: str) -> ContractKey:
    """The contract of a handle or id. Raises NoSuch."""
    if found := await contracts.key_of(conn, name, as_uuid(name)):
        return found
    raise NoSuch(name, f"there is no contract '{name}': `keiyaku contract list` shows them")


async def customer(conn: Conn, handle: str) -> Customer:
    """The customer of a handle. Raises NoSuch."""
    if found := await people.customer_of(conn, handle):
        return found
    raise no_customer(handle)


def no_customer(handle: str) -> NoSuch:
    """There is none of that handle, or none that who asks may see: nobody can tell which."""
    return NoSuch(handle, f"there is no customer '{handle}': `keiyaku customer list` shows them")


async def person(conn: Conn, handle: str) -> Person:
    """The person of a handle, who has not left (C-176). Raises Unfit."""
    found = await people.person_of(conn, handle)
    if found is None:
        raise NoSuch(handle, f"there is no person '{handle}': add them with `keiyaku person add`")
    if found.left_at is not None:
        raise Unfit(f"'{handle}' left at {found.left_at.isoformat()}: somebody else does this")
    return found


async def acting(conn: Conn, handle: str | None) -> str:
    """Who acts, as evidence names them: the person of a handle; None: a program. Raises Unfit."""
    return OPERATOR if handle is None else actor(await person(conn, handle))


def deciding(by: Deciders | None) -> tuple[str, dict[str, Any]]:
    """Who acted, and the other of two people, as evidence names them; None: an operator's command alone."""
    return (actor(by.first), {"second": actor(by.second)}) if by else (OPERATOR, {})


async def two_persons(conn: Conn, first: str, second: str) -> tuple[Person, Person]:
    """Two different people, for a decision marked (2p). Raises Unfit."""
    if first == second:
        raise Unfit(f"two different people must decide this: '{first}' is named twice")
    return await person(conn, first), await person(conn, second)
