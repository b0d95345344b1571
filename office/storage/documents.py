"""Documents of an application: sealed content, and what stays of it when it is destroyed (T4-3, T4-7)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/documents")


class Document(msgspec.Struct, frozen=True):
    """What is known of a document without opening it."""

    id: UUID
    kind: str
    issued_on: date
    received_on: date
    sha256: bytes
    recorded_by: str
    destroy_at: datetime | None
    destroyed_at: datetime | None


class Sealed(msgspec.Struct, frozen=True):
    """A document's content under its own key, and that key under the office's."""

    contract_id: UUID
    sealed_key: bytes
    sealed_content: bytes


class Destroyed(msgspec.Struct, frozen=True):
    """A document that nobody can read any more."""

    id: UUID
    contract_id: UUID


async def insert(
    conn: Conn, document_id: UUID, contract_id: UUID, kind: str, issued_on: date, received_on: date, sha256: bytes,
    sealed: Sealed, by: UUID, now: datetime,
) -> None:  # fmt: skip
    """The document is kept."""
    values = (kind, issued_on, received_on, sha256, sealed.sealed_key, sealed.sealed_content, by, now)
    await conn.execute(SQL["insert"], document_id, contract_id, *values)


async def documents(conn: Conn, contract_id: UUID) -> list[Document]:
    """Every document of the contract, destroyed ones too, oldest first."""
    return many(Document, await conn.fetch(SQL["documents"], contract_id))


async def sealed_of(conn: Conn, document_id: UUID) -> Sealed | None:
    """The sealed content; None when it is destroyed or never was."""
    return one(Sealed, await conn.fetchrow(SQL["sealed"], document_id))


async def destroy_later(conn: Conn, contract_id: UUID, at: datetime, now: datetime) -> None:
    """The application ended now; its documents and what it stated are destroyed at that instant (R-5, T16-2)."""
    await conn.execute(SQL["destroy_later"], contract_id, at, now)


async def destroy_due(conn: Conn, now: datetime, contract_id: UUID | None, most: int) -> list[Destroyed]:
    """What was destroyed: documents whose time has come, of a contract or of all."""
    return many(Destroyed, await conn.fetch(SQL["destroy_due"], now, contract_id, most))


def new_id(now: datetime) -> UUID:
    """The id of a document to come: its seal is bound to it."""
    return uuid7(now)
