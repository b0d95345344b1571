"""Revoked certificates of issuing CAs, one function a statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ca.crl import Revocation
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/authority_revocations")


class AuthorityRow(msgspec.Struct, frozen=True):
    """A certificate of an issuing CA: its own, or a cross certificate, which stands before its root in `chain`.

    If it is revoked, for which `reason`, by when the root's CRL must say so and since when it does.
    """

    issuer_id: int
    cross_id: int | None
    root_id: int
    name: str
    root: str
    chain: bytes
    reason: int | None
    deadline_at: datetime | None
    published_at: datetime | None


class RevokedAuthority(msgspec.Struct, frozen=True):
    """One that is revoked, and whether the root's CRL says so; of a compromise learnt later when that was decided."""

    name: str
    serial: bytes
    cross_id: int | None
    root: str
    root_id: int
    ground: str
    reason: int
    requested_at: datetime
    decided_at: datetime
    compromise_decided_at: datetime | None
    deadline_at: datetime
    published_at: datetime | None


async def certificates(conn: Conn) -> list[AuthorityRow]:
    """Every one that a root of ours signed."""
    return many(AuthorityRow, await conn.fetch(SQL["certificates"]))


async def insert(
    conn: Conn, row: AuthorityRow, serial: bytes, ground: str, reason: int, note: str, people: tuple[UUID, UUID],
    requested_at: datetime, now: datetime, deadline_at: datetime, not_after: datetime,
) -> None:  # fmt: skip
    """It is revoked for ever."""
    await conn.execute(
        SQL["insert"], serial, row.root_id, row.issuer_id, row.cross_id, ground, reason, note, *people, requested_at,
        now, deadline_at, not_after,
    )  # fmt: skip


async def insert_compromise(
    conn: Conn, row: AuthorityRow, serial: bytes, note: str, people: tuple[UUID, UUID], known_at: datetime,
    now: datetime, deadline_at: datetime,
) -> None:  # fmt: skip
    """The revocation says keyCompromise from the root's next CRL on. C-143."""
    await conn.execute(SQL["insert_compromise"], row.root_id, serial, note, *people, known_at, now, deadline_at)


async def listing(conn: Conn) -> list[RevokedAuthority]:
    """Those revoked last first."""
    return many(RevokedAuthority, await conn.fetch(SQL["listing"]))


async def to_carry(conn: Conn, root_id: int) -> tuple[Revocation, ...]:
    """The entries of the root's next CRL. C-141."""
    return tuple(
        Revocation(row["serial"], row["reason"], row["decided_at"])
        for row in await conn.fetch(SQL["to_carry"], root_id)
    )


async def published(conn: Conn, root_id: int, serials: Sequence[bytes], now: datetime) -> None:
    """A CRL that shows them is public."""
    await conn.execute(SQL["published"], root_id, list(serials), now)
