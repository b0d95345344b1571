"""All that one certificate was issued on: what a bundle for auditors is made of (design §6)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.evidence import Record
from contract_gate.record import DecisionRow
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/bundles")
MOST = 5000  # rows of evidence, as the statements say
FOUNDATIONS = (
    "consent.recorded", "contract.accepted", "invoice.issued", "name.added", "payment.matched", "review.recorded",
    "screening.recorded", "subject.reviewed",
)  # fmt: skip


class Issued(msgspec.Struct, frozen=True):
    """What was, or may have been, signed under a serial number; the order is None for what no order asked for."""

    id: UUID
    issuer_id: int
    serial: bytes
    profile: str
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    admission_id: UUID | None
    created_at: datetime
    state: str
    order_id: UUID | None
    account_id: UUID | None
    contract_id: UUID | None
    precertificate: bytes | None
    precertified_at: datetime | None
    certificate: bytes | None
    signed_at: datetime | None


class Request(msgspec.Struct, frozen=True):
    """An order, its account's key by thumbprint, and the contract that the account is bound to."""

    id: UUID
    account_id: UUID
    names: list[str]
    profile: str
    not_before: datetime | None
    not_after: datetime | None
    replaces: str | None
    created_at: datetime
    admission_id: UUID
    authorization_ids: list[UUID]
    csr: bytes | None
    thumbprint: bytes
    binding_key_id: UUID
    bound_contract_id: UUID


class Contract(msgspec.Struct, frozen=True):
    """The contract by its number, with the numbers that its acceptance froze. No customer (T16-3)."""

    number: int
    plan: str
    term_months: int
    names_max: int
    fee_yen: int
    applied_at: datetime
    accepted_at: datetime | None
    started_at: datetime | None


class Consent(msgspec.Struct, frozen=True):
    """The texts that were agreed to, by version and SHA-256, and when."""

    id: UUID
    terms_version: str
    terms_sha256: str
    cps_version: str
    cps_sha256: str
    channel: str
    consented_at: datetime


class ReviewItem(msgspec.Struct, frozen=True):
    """An item of the review, its source, and the day on which the data was obtained."""

    id: UUID
    kind: str
    criteria_version: str
    source: str
    obtained_on: date
    verdict: str
    recorded_at: datetime


class Invoice(msgspec.Struct, frozen=True):
    """An invoice, and what of it was paid at the instant asked for."""

    number: str
    kind: str
    issued_on: date
    due_on: date
    total_yen: int
    paid_yen: int


class Authorization(msgspec.Struct, frozen=True):
    """A proof of control, as the order used it."""

    id: UUID
    domain: str
    wildcard: bool
    subdomains: bool
    method: str | None
    validated_at: datetime | None
    caa_checked_at: datetime | None
    expires_at: datetime
    created_at: datetime


class Revocation(msgspec.Struct, frozen=True):
    """A revocation, from request to publication."""

    reason: int | None
    ground: str
    requested_at: datetime
    revoked_at: datetime
    published_at: datetime | None
    compromised_at: datetime | None


async def issued(conn: Conn, serial: bytes) -> Issued | None:
    """What has that serial number."""
    return one(Issued, await conn.fetchrow(SQL["issued"], serial))


async def request(conn: Conn, order_id: UUID) -> Request | None:
    """The order of that id."""
    return one(Request, await conn.fetchrow(SQL["request"], order_id))


async def decisions(conn: Conn, asked: Request, last: UUID | None) -> list[DecisionRow]:
    """The gate's decisions about the order, the last of which is `last`, if it came so far."""
    rows = await conn.fetch(SQL["decisions"], asked.admission_id, last, asked.binding_key_id, asked.names)
    return [DecisionRow(**{**row, "names": tuple(row["names"])}) for row in rows]


async def contract(conn: Conn, contract_id: UUID) -> Contract | None:
    """The contract of that id."""
    return one(Contract, await conn.fetchrow(SQL["contract"], contract_id))


async def consent(conn: Conn, contract_id: UUID, at: datetime) -> Consent | None:
    """The contract's newest consent at that instant."""
    return one(Consent, await conn.fetchrow(SQL["consent"], contract_id, at))


async def review(conn: Conn, contract_id: UUID, at: datetime) -> list[ReviewItem]:
    """The contract's newest review items at that instant."""
    return many(ReviewItem, await conn.fetch(SQL["review"], contract_id, at))


async def invoices(conn: Conn, contract_id: UUID, at: datetime) -> list[Invoice]:
    """The contract's invoices at that instant."""
    return many(Invoice, await conn.fetch(SQL["invoices"], contract_id, at))


async def authorizations(conn: Conn, ids: Sequence[UUID]) -> list[Authorization]:
    """The authorizations of those ids."""
    return many(Authorization, await conn.fetch(SQL["authorizations"], list(ids)))


async def revocation(conn: Conn, serial: bytes) -> Revocation | None:
    """The serial number's revocation."""
    return one(Revocation, await conn.fetchrow(SQL["revocation"], serial))


async def records_of_contract(conn: Conn, contracts: Sequence[UUID], account_id: UUID, until: datetime) -> list[Record]:
    """Evidence of what the contract stood on."""
    rows = await conn.fetch(SQL["records_of_contract"], list(contracts), FOUNDATIONS, account_id, until)
    return [Record(*row) for row in rows]


async def records_of_order(
    conn: Conn, found: Issued, contracts: Sequence[UUID], since: datetime, decisions: Sequence[UUID],
    authorizations: Sequence[UUID],
) -> list[Record]:  # fmt: skip
    """Evidence of what became of the order."""
    asked: list[Any] = [[str(id) for id in decisions], [str(id) for id in authorizations], str(found.order_id)]
    rows = await conn.fetch(
        SQL["records_of_order"], list(contracts), since, *asked, found.serial.hex(), str(found.id)
    )  # fmt: skip
    return [Record(*row) for row in rows]


async def record(conn: Conn, id: UUID) -> Record:
    """A row of evidence that is there."""
    row = await conn.fetchrow(SQL["record"], id)
    assert row is not None
    return Record(*row)
