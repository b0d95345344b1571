"""What `keiyaku check` asks of invoices to come."""

from datetime import datetime

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("acme_server/check_money")


class Issuer(msgspec.Struct, frozen=True):
    """Whether a contract runs that is billed, and whether two people said who bills and where that is paid."""

    billing: bool
    set: bool
    paid_into: bool


async def issuer(conn: Conn, now: datetime) -> Issuer:
    """Of invoices made from that instant on."""
    [found] = many(Issuer, await conn.fetch(SQL["issuer"], now))
    return found
