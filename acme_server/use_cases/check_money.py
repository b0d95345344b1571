"""What `keiyaku check` finds wrong with invoices to come (T8-3)."""

from datetime import datetime

from acme_server.storage import check_money
from sql import Conn

DO = "two people set it: `keiyaku invoice seller … --pay-into ACCOUNT … --by ONE --and OTHER`"


async def wrong(conn: Conn, now: datetime) -> list[tuple[str, str, str]]:
    """About what, what is wrong, and what to do: contracts run that will be billed, by nobody or to no account."""
    found = await check_money.issuer(conn, now)
    if not found.billing or found.paid_into:
        return []
    if found.set:
        return [("invoices", "those to come name no account to pay into (A8.1)", DO)]
    return [
        ("invoices", "those to come name no issuer, so that they are not qualified, and no account to pay into", DO)
    ]
