"""What relying parties are shown beside CRLs, and where it was published: one function a statement."""

from datetime import datetime

import msgspec

from sql import Conn, statements
from sql.rows import many, one

SQL = statements("ca/status_storage")


class OcspAnswer(msgspec.Struct, frozen=True):
    """The answer about a serial number, by either digest; without `this_update` it has yet to be signed."""

    not_after: datetime
    this_update: datetime | None
    next_update: datetime | None
    by_sha1: bytes | None
    by_sha256: bytes | None


class ResponderRow(msgspec.Struct, frozen=True):
    """A responder, and the process that has its key."""

    issuer_id: int
    serial: bytes
    held_by: str
    not_before: datetime
    not_after: datetime


class Unpublished(msgspec.Struct, frozen=True):
    """What a shelf lacks: a CRL, or with `shard` None a certificate or chain. Lacking since then."""

    path: str
    issuer_id: int
    shard: int | None
    since: datetime


async def ocsp_answer(conn: Conn, issuer_id: int, serial: bytes) -> OcspAnswer | None:
    """The answer about a serial number that was issued with an OCSP address; None when there is none such."""
    return one(OcspAnswer, await conn.fetchrow(SQL["ocsp_answer"], issuer_id, serial))


async def ocsp_due(conn: Conn, now: datetime) -> list[int]:
    """Issuers that have answers to sign."""
    return [row["issuer_id"] for row in await conn.fetch(SQL["ocsp_due"], now)]


async def ocsp_late(conn: Conn, since: datetime, now: datetime) -> int:
    """How many answers have been due since before `since`."""
    return int(await conn.fetchval(SQL["ocsp_late"], since, now))


async def responders(conn: Conn, most: int) -> list[ResponderRow]:
    """The newest first."""
    return many(ResponderRow, await conn.fetch(SQL["responders"], most))


class RootCrl(msgspec.Struct, frozen=True):
    """A root and when its newest CRL ends."""

    name: str
    issuer_id: int
    next_update: datetime


async def root_crls_ending(conn: Conn, before: datetime) -> list[RootCrl]:
    """Roots whose newest CRL ends before that instant."""
    return many(RootCrl, await conn.fetch(SQL["root_crls_ending"], before))


async def hold_shelf(conn: Conn, shelf: str) -> bool:
    """Whether no other session publishes to the shelf; none can until this one leaves it, or ends."""
    return bool(await conn.fetchval(SQL["hold_shelf"], shelf))


async def leave_shelf(conn: Conn, shelf: str) -> None:
    """Another session may publish to the shelf."""
    await conn.execute(SQL["leave_shelf"], shelf)


async def unpublished(conn: Conn, shelf: str) -> list[Unpublished]:
    """What the shelf lacks: newest CRLs first, then certificates and chains."""
    return many(Unpublished, await conn.fetch(SQL["unpublished"], shelf))


async def published(conn: Conn, shelf: str, path: str, number: int, sha256: bytes, now: datetime) -> None:
    """The shelf has this, since now. A higher number stays."""
    await conn.execute(SQL["published"], shelf, path, number, sha256, now)


async def shelves(conn: Conn) -> list[str]:
    """Shelves that something was ever put on."""
    return [row["target"] for row in await conn.fetch(SQL["shelves"])]


async def forget_crls(conn: Conn, kept: int) -> None:
    """Of each shard the newest CRLs stay, so many of them. That the others were made stays evidence (C-168)."""
    await conn.execute(SQL["forget_crls"], kept)
