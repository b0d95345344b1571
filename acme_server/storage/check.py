"""What `keiyaku check` asks the database, and what it writes after a restore."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from sql import Conn, Pool, statements
from sql.rows import many

SQL = statements("acme_server/check")


class RevokedIssuer(msgspec.Struct, frozen=True):
    """A revoked certificate of an issuing CA, `own` or a cross certificate, and by when the root's CRL must say so."""

    name: str
    root: str
    root_id: int
    own: bool
    decided_at: datetime
    deadline_at: datetime
    published_at: datetime | None


async def clock(conn: Conn) -> datetime:
    """The database's clock."""
    at: datetime = await conn.fetchval(SQL["clock"])
    return at


async def unfit_roles(conn: Conn) -> Sequence[str]:
    """Roles that may not log in, or lack what their processes cannot do without."""
    return [row["name"] for row in await conn.fetch(SQL["roles"])]


async def overdue_orders(conn: Conn, now: datetime) -> int:
    """How many orders in processing are past their deadline."""
    return int(await conn.fetchval(SQL["overdue_orders"], now))


async def unpublished(conn: Conn, before: datetime) -> int:
    """How many revocations of before that instant no CRL shows."""
    return int(await conn.fetchval(SQL["unpublished"], before))


async def late_tasks(conn: Conn, now: datetime) -> dict[str, int]:
    """How many tasks of each kind wait past a deadline that binds the CA."""
    return {row["kind"]: row["number"] for row in await conn.fetch(SQL["late_tasks"], now)}


async def deadlines(conn: Conn | Pool, now: datetime) -> tuple[datetime | None, int]:
    """The nearest deadline of a revocation, its result or a problem report, if any runs, and how many are overdue.

    T11-6, T11-9, C-162.
    """
    row = await conn.fetchrow(SQL["deadlines"], now)
    assert row is not None  # an aggregate
    return row["nearest"], row["overdue"]


async def late_lookups(conn: Conn, since: datetime) -> int:
    """How many customers nobody looked up in the corporate-number register since then (T6-5)."""
    return int(await conn.fetchval(SQL["late_lookups"], since))


async def drilled_since(conn: Conn) -> datetime | None:
    """When a drill of bulk revocation ended last, else since when there is a CA; None: there is none."""
    at: datetime | None = await conn.fetchval(SQL["drilled_since"])
    return at


async def service_end_open(conn: Conn) -> date | None:
    """The day on which the service shall end, while not everybody was told of it in time."""
    day: date | None = await conn.fetchval(SQL["service_end_open"])
    return day


async def sampled(conn: Conn) -> tuple[datetime | None, int]:
    """When the last sample was drawn, else the first certificate issued; and how many of samples nobody examined."""
    row = await conn.fetchrow(SQL["sampled"])
    assert row is not None
    return row["since"], row["waiting"]


async def stale_crls(conn: Conn, before: datetime, issuers: Sequence[int]) -> Sequence[str]:
    """Shards of these issuing CAs, as issuer/shard, whose newest CRL is older than that instant."""
    return [f"{row['issuer_id']}/{row['shard']}" for row in await conn.fetch(SQL["stale_crls"], before, issuers)]


async def revoked_issuers(conn: Conn, now: datetime) -> list[RevokedIssuer]:
    """Those on no CRL yet, and issuing CAs that issue nothing any more."""
    return many(RevokedIssuer, await conn.fetch(SQL["revoked_issuers"], now))


async def being_signed(conn: Conn) -> list[bytes]:
    """Serial numbers of orders that are being signed, or may be."""
    return [row["serial"] for row in await conn.fetch(SQL["being_signed"])]


async def begin_era(conn: Conn) -> int:
    """A new era of evidence has begun; its number."""
    return int(await conn.fetchval(SQL["begin_era"]))


async def know_cluster(conn: Conn, crl_floor: int) -> tuple[str, str]:
    """This cluster is the one that the operators know of. Its identity: before, now."""
    row = await conn.fetchrow(SQL["know_cluster"], crl_floor)
    assert row is not None  # the migration made the one row
    return row["before"], row["after"]
