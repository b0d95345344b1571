"""What the CA knows, one function a statement. None opens a transaction."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import asyncpg
import msgspec
from cryptography import x509

from ca import issuers
from ca.certificate import Issuer, issuer_of
from ca.der import split
from ca.issuers import Issuing
from sql import Conn, evidence, statements

SQL = statements("ca/storage")
KEY_COMPROMISE = 1


class NoIssuer(Exception):
    """There is no issuing CA whose time has come; says what makes one."""


class Certificate(msgspec.Struct, frozen=True):
    """What was issued under a serial number: the certificate (`der`), its precertificate, or both (C-125).

    If it is revoked, since when and why (`reason` None: unspecified).
    """

    id: UUID
    issuer_id: int
    serial: bytes
    der: bytes | None
    precertificate: bytes | None
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    signed_at: datetime
    revoked_at: datetime | None
    reason: int | None


class Named(msgspec.Struct, frozen=True):
    """Which certificate: its id and serial number."""

    id: UUID
    serial: bytes


class Shard(msgspec.Struct, frozen=True):
    """A CRL to make anew: the caller enqueues a `crl` job with subject `issuer_id/shard` in its transaction."""

    issuer_id: int
    shard: int


class StoredCrl(msgspec.Struct, frozen=True):
    """A published CRL."""

    number: int
    this_update: datetime
    next_update: datetime
    der: bytes


async def active_issuer(conn: Conn, now: datetime) -> Issuing:
    """The issuing CA that signs new certificates; while there is none, the newest whose time has come, for what is
    refused names it. Raises NoIssuer.
    """
    found = await issuing(conn)
    come = issuers.begun(found, now)
    if not come:
        raise NoIssuer(
            "no issuing CA whose time has come: hold `keiyaku ca ceremony` (in development run `keiyaku ca init`)"
        )
    return issuers.active_issuer(found, now) or come[-1]


async def issuing(conn: Conn) -> list[Issuing]:
    """Every issuing CA, by id."""
    return [_issuing(row) for row in await conn.fetch(SQL["issuing"])]


def _issuing(row: asyncpg.Record) -> Issuing:
    *columns, issues_from, revoked_at = row
    made = issuer_of(*columns)
    ends = x509.load_der_x509_certificate(made.certificate).not_valid_after_utc
    return Issuing(made, issues_from, ends, revoked_at)


async def issuer(conn: Conn, issuer_id: int) -> Issuer | None:
    """An issuer, root or issuing."""
    row = await conn.fetchrow(SQL["issuer"], issuer_id)
    return None if row is None else _issuer(row)


async def issuing_ca(conn: Conn, issuer_id: int) -> Issuer | None:
    """An issuing CA; None of a root, whose key no process asks for by itself (C-117)."""
    row = await conn.fetchrow(SQL["issuing_ca"], issuer_id)
    return None if row is None else _issuer(row)


async def roots(conn: Conn) -> list[Issuer]:
    """Every root, by id."""
    return [_issuer(row) for row in await conn.fetch(SQL["roots"])]


async def number_for(conn: Conn, name: str) -> int:
    """The id of the issuer with this name, else the one that the next issuer will have."""
    return int(await conn.fetchval(SQL["number_for"], name))


def _issuer(row: asyncpg.Record) -> Issuer:
    return issuer_of(*row)


async def issuer_chain(conn: Conn, issuer_id: int) -> list[bytes]:
    """An issuer's certificate and those above it, the root last; empty when there is none. DER."""
    return [row["certificate"] for row in await conn.fetch(SQL["issuer_chain"], issuer_id)]


async def chains_above(conn: Conn, issuer_id: int, now: datetime) -> list[list[bytes]]:
    """What certifies a certificate of the issuer, the default chain first, each in DER without its trust anchor.

    RFC 8555 §7.4.2: each certificate certifies the one before it, and the anchor may be left out. Of cross certificates
    those that are not revoked and, as their roots, have not ended.
    """
    row = await conn.fetchrow(SQL["chains_above"], issuer_id)
    crosses = [chain for chain in map(split, row["crosses"]) if lasts(chain, now)] if row else []
    return [[row["issuer"]], *(chain[:-1] for chain in crosses)] if row else []


def lasts(chain: Sequence[bytes], now: datetime) -> bool:
    """Whether none of these certificates has ended."""
    return all(x509.load_der_x509_certificate(each).not_valid_after_utc >= now for each in chain)


async def cross_chains(conn: Conn, issuer_id: int) -> list[bytes]:
    """Each cross certificate of the issuer followed by its root, DER one after another (`der.split`)."""
    row = await conn.fetchrow(SQL["chains_above"], issuer_id)
    return list(row["crosses"]) if row else []


async def own_keys(conn: Conn) -> frozenset[bytes]:
    """SHA-256 of the SPKI of every CA's and responder's key, of the roots of alternate chains too. C-077."""
    return frozenset(row["spki_sha256"] for row in await conn.fetch(SQL["issuer_keys"]))


async def certificate_by_serial(conn: Conn, serial: bytes) -> Certificate | None:
    """The certificate, or precertificate, with this serial number (content octets of the INTEGER)."""
    row = await conn.fetchrow(SQL["certificate_by_serial"], serial)
    return None if row is None else Certificate(**row)


async def live_with_key(conn: Conn, spki_sha256: bytes, now: datetime) -> list[Named]:
    """Each certificate or precertificate with this key that has not expired, revoked ones too, oldest first. C-163."""
    return [Named(**row) for row in await conn.fetch(SQL["live_with_key"], spki_sha256, now)]


async def revoke(
    conn: Conn,
    serial: bytes,
    *,
    reason: int | None,
    ground: str,
    requested_by: str,
    requested_at: datetime,
    now: datetime,
    contract_id: UUID | None = None,
) -> Shard | None:
    """The serial is revoked for ever (C-142), with its evidence; the shard whose CRL must say so.

    None when the serial is unknown or already revoked. `reason`: 1, 3, 4, 5, 9, or None for unspecified (C-140).
    """
    row = evidence.entry(
        "certificate.revoked", requested_by, now,
        contract_id=contract_id, rule="T11-11", serial=serial.hex(), reason=reason, ground=ground,
        requested_at=requested_at,
    )  # fmt: skip
    found = await conn.fetchrow(
        SQL["revoke"], serial, reason, ground, requested_by, requested_at, now,
        row.id, row.kind, row.contract_id, row.actor, row.content, row.place,
    )  # fmt: skip
    return None if found is None else Shard(**found)


async def upgrade_reason_to_key_compromise(
    conn: Conn, serial: bytes, *, requested_by: str, now: datetime, contract_id: UUID | None = None
) -> Shard | None:
    """The revocation says keyCompromise from now on (C-143). None when it is not revoked or says so already."""
    row = evidence.entry(
        "certificate.reason_changed", requested_by, now,
        contract_id=contract_id, rule="T11-8", serial=serial.hex(), reason=KEY_COMPROMISE,
    )  # fmt: skip
    found = await conn.fetchrow(
        SQL["upgrade_reason_to_key_compromise"], serial, row.id, row.kind, row.contract_id, row.actor, now, row.content,
        row.place,
    )  # fmt: skip
    return None if found is None else Shard(**found)


async def date_compromise(
    conn: Conn, serial: bytes, since: datetime, *, decided_by: tuple[str, str], note: str, now: datetime
) -> Shard | None:
    """CRL and OCSP say of a key's compromise that it was as early as `since` (C-143).

    None when the serial is not revoked for keyCompromise, or as early as that already.
    """
    row = evidence.entry(
        "certificate.compromise_dated", decided_by[0], now,
        serial=serial.hex(), since=since, second=decided_by[1], note=note,
    )  # fmt: skip
    found = await conn.fetchrow(
        SQL["date_compromise"], serial, since, row.id, row.kind, row.contract_id, row.actor, now, row.content
    )
    return None if found is None else Shard(**found)


async def void(
    conn: Conn, to_be_signed_id: UUID, *, ground: str, actor: str, now: datetime, contract_id: UUID | None = None
) -> Shard | None:
    """The record can never be signed any more, and its serial is revoked as it may have been (design §4.5).

    None when it is no longer `admitted`. In a transaction with the order's end, call this first: the signer's store
    locks record, then order.
    """
    row = evidence.entry(
        "certificate.voided", actor, now, contract_id=contract_id, to_be_signed_id=to_be_signed_id, ground=ground
    )
    found = await conn.fetchrow(
        SQL["void"], to_be_signed_id, ground, actor, now, row.id, row.kind, row.contract_id, row.content
    )
    return None if found is None else Shard(**found)


async def block_key(conn: Conn, spki_sha256: bytes, cause: str, at: datetime, *, actor: str) -> bool:
    """The key is refused for ever, in any form (C-076). False when it was blocked before.

    In a transaction, live_with_key sees afterwards every live certificate that there will ever be.
    """
    await conn.execute(SQL["lock_key"], spki_sha256)
    row = evidence.entry("key.blocked", actor, at, spki_sha256=spki_sha256.hex(), cause=cause)
    blocked = await conn.fetchval(SQL["block_key"], spki_sha256, cause, at, row.id, row.kind, actor, row.content)
    return blocked is not None


async def newest_crl(conn: Conn, issuer_id: int, shard: int) -> StoredCrl | None:
    """The CRL that a relying party should see."""
    row = await conn.fetchrow(SQL["newest_crl"], issuer_id, shard)
    return None if row is None else StoredCrl(**row)


async def served(conn: Conn, now: datetime) -> list[int]:
    """Issuing CAs whose CRLs go on. C-145."""
    return issuers.served(await issuing(conn), now)


async def crls_due(conn: Conn, older_than: datetime, now: datetime) -> list[Shard]:
    """Shards of issuing CAs whose CRLs go on and of which the newest is from `older_than` or before, or lacks a
    recorded revocation. C-134, C-145.
    """
    return [Shard(**row) for row in await conn.fetch(SQL["crls_due"], older_than, await served(conn, now))]


async def issuer_count(conn: Conn) -> int:
    """How many issuers there are, roots included."""
    return int(await conn.fetchval(SQL["issuer_count"]))


async def insert_issuer(
    conn: Conn, issuer: Issuer, parent_id: int | None, now: datetime, actor: str = "process:ca-init",
    issues_from: datetime | None = None,
) -> None:  # fmt: skip
    """The issuer exists, with its evidence: a root, or below `parent_id` an issuing CA, which is the one that issues
    from `issues_from`, else from now on. C-168.
    """
    kind, starts = ("root", None) if parent_id is None else ("issuing", issues_from or now)
    await conn.execute(
        SQL["insert_issuer"], issuer.id, issuer.name, kind, parent_id, issuer.certificate, issuer.key_id,
        sha256(issuer.spki).digest(), issuer.shard_count, issuer.status_url, now, starts,
    )  # fmt: skip
    made = evidence.entry(
        "issuer.made", actor, now,
        issuer_id=issuer.id, sha256=sha256(issuer.certificate).hexdigest(), issues_from=starts,
    )  # fmt: skip
    await evidence.append(conn, made)


async def insert_cross_certificate(
    conn: Conn, number: int, subject_issuer_id: int, chain: bytes, now: datetime
) -> None:
    """An alternate chain of an issuing CA exists: its cross certificate and that one's root, concatenated DER."""
    await conn.execute(SQL["insert_cross_certificate"], number, subject_issuer_id, chain, now)


async def insert_crl(
    conn: Conn, issuer_id: int, shard: int, number: int, this_update: datetime, next_update: datetime, der: bytes
) -> None:
    """A CRL that carries no revocation is public from the commit on."""
    await conn.execute(SQL["insert_crl"], issuer_id, shard, number, this_update, next_update, der)
