"""What a restored backup does not know and takes in again, one function a statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ca.certificate import Subject
from ca.der import split
from ca.imported import Entry, Found, FoundCrl
from sql import Conn, statements
from sql.ids import uuid7, uuid7s
from sql.rows import many

SQL = statements("office/certificate_imports")


class Known(msgspec.Struct, frozen=True):
    """What is known of a serial number. `tbs` None: not its certificate; `imported`: that came back before.

    `since` and `reason`: as the CRL shows them, if it is revoked.
    """

    serial: bytes
    issuer_id: int
    tbs: bytes | None
    spki_sha256: bytes | None
    imported: bool
    certificate: bytes | None
    precertificate: bytes | None
    contract_id: UUID | None
    revoked: bool
    since: datetime | None
    reason: int | None


class Candidate(msgspec.Struct, frozen=True):
    """A contract that a certificate may belong to, and the names that it ever listed."""

    id: UUID
    handle: str
    entries: list[str]


async def hold(conn: Conn) -> None:
    """Nobody else imports until the transaction ends."""
    await conn.execute(SQL["hold"])


async def insert(conn: Conn, file_sha256: bytes, first: UUID, second: UUID, now: datetime) -> UUID:
    """Two people have a file taken in."""
    made = uuid7(now)
    await conn.execute(SQL["insert"], made, file_sha256, first, second, now)
    return made


async def own(conn: Conn) -> frozenset[bytes]:
    """The certificates of all CAs."""
    return frozenset(der for row in await conn.fetch(SQL["own"]) for der in split(row["der"]))


async def known(conn: Conn, serials: Sequence[bytes]) -> dict[bytes, Known]:
    """What is known of these serial numbers, where anything is."""
    return {each.serial: each for each in many(Known, await conn.fetch(SQL["known"], list(serials)))}


async def contracts_of_subject(conn: Conn, of: Subject) -> list[Candidate]:
    """Contracts that were accepted and reviewed, ever, as this organisation."""
    rows = await conn.fetch(
        SQL["contracts_of_subject"], of.organization, of.country, of.state_or_province, of.locality
    )  # fmt: skip
    return many(Candidate, rows)


async def handle(conn: Conn, contract_id: UUID) -> str:
    """How the contract is called."""
    return str(await conn.fetchval(SQL["handle"], contract_id))


async def import_certificate(
    conn: Conn, import_id: UUID, found: Found, contract_id: UUID | None, now: datetime
) -> None:  # fmt: skip
    """The certificate or precertificate is this CA's from now on. Its id is as old as it is, as those of others are."""
    signed_at = min(found.not_before, now)
    ders = (None, found.der) if found.is_precertificate else (found.der, None)
    await conn.execute(
        SQL["import_certificate"], import_id, uuid7(signed_at), found.issuer_id, found.serial, found.profile, found.tbs,
        found.names, found.spki_sha256, found.not_before, found.not_after, found.shard, *ders, contract_id, signed_at,
        now,
    )  # fmt: skip


async def import_serials(conn: Conn, crl: FoundCrl, serials: Sequence[bytes], now: datetime) -> None:
    """These serial numbers are this CA's, though nothing is known of their certificates."""
    await conn.execute(
        SQL["import_serials"], crl.issuer_id, list(serials), uuid7s(now, len(serials)), crl.until, now
    )  # fmt: skip


async def take_up(conn: Conn, crl: FoundCrl, entries: Sequence[Entry], ground: str, requested_by: str) -> None:
    """These are revoked, since then and for that reason; the next CRL of the shard says so."""
    columns = (
        [each.serial for each in entries],
        [each.revoked_at for each in entries],
        [each.reason for each in entries],
    )
    await conn.execute(SQL["take_up"], *columns, crl.issuer_id, crl.shard, crl.until, ground, requested_by)


async def raise_floor(conn: Conn, number: int) -> None:
    """CRL numbers go on above this one. C-136."""
    await conn.execute(SQL["raise_floor"], number)


async def blocked(conn: Conn, keys: Sequence[bytes]) -> list[bytes]:
    """Those of the keys that are blocked."""
    return [row["spki_sha256"] for row in await conn.fetch(SQL["blocked"], list(keys))]
