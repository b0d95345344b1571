"""What `keiyaku check` asks of the bank data."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("acme_server/check_bank")


class Covered(msgspec.Struct, frozen=True):
    """An account, and the last day that its bank data covers without a gap."""

    handle: str
    covered_through: date


async def accounts(conn: Conn) -> list[Covered]:
    """Every account by handle."""
    return many(Covered, await conn.fetch(SQL["accounts"]))


async def holidays(conn: Conn, first: date) -> frozenset[date]:
    """Holidays from that day on."""
    return frozenset(row["day"] for row in await conn.fetch(SQL["holidays"], first))


async def unfinished(conn: Conn, before: datetime) -> Sequence[str]:
    """Files whose import began before that instant and never ended."""
    return [row["name"] for row in await conn.fetch(SQL["unfinished"], before)]


async def oldest_waiting(conn: Conn) -> datetime | None:
    """Since when the oldest line waits for a person, if any does."""
    since: datetime | None = await conn.fetchval(SQL["oldest_waiting"])
    return since
