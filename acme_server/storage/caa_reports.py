"""Refusals by CAA that the owner of a domain asks to be told of (RFC 8659 §4.4); the office sends the reports."""

from datetime import datetime
from uuid import UUID

from sql import Conn, statements
from sql.ids import uuid7

SQL = statements("acme_server/caa_reports")


async def insert(conn: Conn, account_id: UUID, domain: str, address: str, now: datetime) -> None:
    """The report is due, unless one of that domain and contract, or to that address, is of the same day (UTC)."""
    await conn.execute(SQL["insert"], uuid7(now), account_id, domain, address, now, now.date())
