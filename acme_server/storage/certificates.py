"""Certificates as ACME hands them out and tells when to renew. RFC 8555 §7.4.2, RFC 9773."""

from datetime import datetime
from uuid import UUID

import msgspec

from acme_server.protocol.nonce import Spendable
from acme_server.storage import nonces
from acme_server.storage.nonces import Spent
from sql import Conn, Pool, statements
from sql.rows import one

SQL = statements("acme_server/certificates")


class Owner(msgspec.Struct, frozen=True):
    """The account that ordered a certificate, if that is known, and the contract it was issued under."""

    account_id: UUID | None
    contract_id: UUID


class RenewalFacts(msgspec.Struct, frozen=True):
    """What the renewal window of a certificate follows from."""

    issuer_key_id: bytes
    serial: bytes
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    explanation_url: str | None


class Downloaded(msgspec.Struct, frozen=True):
    """A certificate of an account."""

    der: bytes
    issuer_id: int


async def owner(conn: Conn | Pool, certificate_id: UUID) -> Owner | None:
    """Whose certificate it is."""
    return one(Owner, await conn.fetchrow(SQL["owner"], certificate_id))


async def renewal_facts(pool: Pool, serial: bytes) -> RenewalFacts | None:
    """What the renewal window follows from; None for a serial that this CA has no certificate for."""
    return one(RenewalFacts, await pool.fetchrow(SQL["renewal_info"], serial))


async def spend_and_read(
    pool: Pool, nonce: Spendable, account_id: UUID | None, certificate_id: UUID
) -> tuple[Spent, Downloaded | None]:
    """The nonce is spent; the account, and its certificate if it has one of that id, are loaded. One statement.

    No certificate for a stranger's and an absent one alike (A-189).
    """
    spent, columns = await nonces.spend_and_read(pool, SQL["spend_and_read"], nonce, account_id, certificate_id)
    return spent, Downloaded(*columns) if columns[0] else None


async def set_renewal_window(
    pool: Pool, serial: bytes, starts_at: datetime, ends_at: datetime, explanation_url: str | None
) -> None:
    """The certificate's window is this from now on."""
    await pool.execute(SQL["set_renewal_window"], serial, starts_at, ends_at, explanation_url)
