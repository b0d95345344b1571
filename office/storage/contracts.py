"""Contracts, their names, and what was consented to and reviewed for them."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/contracts")


class ContractKey(msgspec.Struct, frozen=True):
    """What never changes of a contract; `number` is the key of its lock."""

    id: UUID
    number: int


class Contract(msgspec.Struct, frozen=True):
    """A contract as people see it; money and number of names as frozen (T8-1)."""

    id: UUID
    number: int
    handle: str
    customer: str
    customer_name: str
    plan: str
    fee_yen: int
    term_months: int
    names_max: int
    state: str
    applied_at: datetime
    accepted_at: datetime | None
    first_certificate_at: datetime | None
    ended_at: datetime | None
    end_cause: str | None


class Name(msgspec.Struct, frozen=True):
    """A live name of the application (T4-8)."""

    kind: str
    value: str
    added_at: datetime


class ReviewItem(msgspec.Struct, frozen=True):
    """The newest item of its kind (T4-3)."""

    kind: str
    verdict: str
    obtained_on: date
    criteria_version: str
    source: str
    checked_by: str


class Subject(msgspec.Struct, frozen=True):
    """What certificates say of the organisation: from the review alone (BR 7.1.4.2)."""

    organization: str
    country: str
    state_or_province: str | None
    locality: str | None


async def insert_contract(
    conn: Conn, handle: str, customer_id: UUID, plan_id: UUID, now: datetime
) -> ContractKey | None:
    """The new application; None when the handle is taken."""
    row = await conn.fetchrow(SQL["insert_contract"], uuid7(now), handle, customer_id, plan_id, now)
    return one(ContractKey, row)


async def key_of(conn: Conn, handle: str, contract_id: UUID | None) -> ContractKey | None:
    """The contract of that handle or id."""
    return one(ContractKey, await conn.fetchrow(SQL["key"], handle, contract_id))


async def contract_of(conn: Conn, contract_id: UUID) -> Contract | None:
    """The contract of that id."""
    return one(Contract, await conn.fetchrow(SQL["contract"], contract_id))


async def contracts(conn: Conn, most: int) -> list[Contract]:
    """Contracts by number, at most so many."""
    return many(Contract, await conn.fetch(SQL["contracts"], most))


async def shown(conn: Conn, contract_id: UUID) -> Contract:
    """The contract of an id that is known: contracts are never deleted."""
    found = await contract_of(conn, contract_id)
    assert found is not None
    return found


async def accept(
    conn: Conn, contract_id: UUID, first: UUID, second: UUID, before: Iterable[str], now: datetime
) -> bool:
    """Whether the application, in one of the states `before`, became a contract."""
    return await conn.fetchval(SQL["accept"], contract_id, now, first, second, list(before)) is not None


async def tell(conn: Conn, contract_id: UUID, notice_id: UUID) -> None:
    """The contract gives certificates once this notice of its formation has left (T4-5)."""
    await conn.execute(SQL["tell"], contract_id, notice_id)


async def live_names(conn: Conn, contract_id: UUID) -> list[Name]:
    """Names not removed; at most the contract's `names_max`."""
    return many(Name, await conn.fetch(SQL["live_names"], contract_id))


async def insert_name(
    conn: Conn, contract_id: UUID, kind: str, value: str, network: str | None, now: datetime
) -> Name | None:
    """The new name; None when it is there already."""
    row = await conn.fetchrow(SQL["insert_name"], uuid7(now), contract_id, kind, value, network, now)
    return one(Name, row)


async def remove_name(conn: Conn, contract_id: UUID, kind: str, value: str, now: datetime) -> Name | None:
    """The name removed; None when it was not there."""
    return one(Name, await conn.fetchrow(SQL["remove_name"], contract_id, kind, value, now))


async def insert_consent(
    conn: Conn, contract_id: UUID, terms: str, cps: str, person: UUID, channel: str, consented_at: datetime
) -> UUID:
    """The id of the recorded consent."""
    consent_id = uuid7(consented_at)
    await conn.execute(SQL["insert_consent"], consent_id, contract_id, terms, cps, person, channel, consented_at)
    return consent_id


async def insert_review_item(
    conn: Conn,
    contract_id: UUID,
    kind: str,
    criteria: str,
    source: str,
    obtained_on: date,
    checked_by: UUID,
    verdict: str,
    now: datetime,
) -> UUID:
    """The id of the recorded item; the newest of its kind counts."""
    item_id = uuid7(now)
    values = (item_id, contract_id, kind, criteria, source, obtained_on, checked_by, verdict, now)
    await conn.execute(SQL["insert_review_item"], *values)
    return item_id


async def review_items(conn: Conn, contract_id: UUID) -> list[ReviewItem]:
    """The newest item of each kind."""
    return many(ReviewItem, await conn.fetch(SQL["review_items"], contract_id))


async def insert_subject(conn: Conn, contract_id: UUID, subject: Subject, checked_by: UUID, now: datetime) -> UUID:
    """The id of the reviewed subject; the newest counts."""
    subject_id = uuid7(now)
    values = (*msgspec.structs.astuple(subject), checked_by, now)
    await conn.execute(SQL["insert_subject"], subject_id, contract_id, *values)
    return subject_id
