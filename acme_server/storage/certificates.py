"""Certificates as ACME hands them out and tells when to renew. RFC 8555 §7.4.2, RFC 9773."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, Pool, statements
from sql.rows import one

SQL = statements("acme_server/certificates")


class Owner(msgspec.Struct, frozen=True):
    """The account that ordered a certificate, and the contract it was issued under."""

    account_id: UUID
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


async def certificate_of_account(pool: Pool, certificate_id: UUID, account_id: UUID) -> Downloaded | None:
    """The account's certificate; None for a stranger's and an absent one alike (A-189)."""
    return one(Downloaded, await pool.fetchrow(SQL["certificate_of_account"], certificate_id, account_id))


async def set_renewal_window(
    pool: Pool, serial: bytes, starts_at: datetime, ends_at: datetime, explanation_url: str | None
) -> None:
    """The certificate's window is this from now on."""
    await pool.execute(SQL["set_renewal_window"], serial, starts_at, ends_at, explanation_url)
