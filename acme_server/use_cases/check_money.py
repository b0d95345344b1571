"""What `keiyaku check` finds wrong with invoices to come (T8-3)."""

from datetime import datetime

from acme_server.config import Settings
from acme_server.storage import check_money
from acme_server.use_cases.fault import Fault
from sql import Conn

DO = "two people set it: `keiyaku invoice seller … --pay-into ACCOUNT … --by ONE --and OTHER`"


async def invoices(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Two people said who issues the invoices to come, and where they are paid (T8-3)."""
    found = await check_money.issuer(conn, now)
    if not found.billing or found.paid_into:
        return []
    if found.set:
        return [Fault("invoices", "those to come name no account to pay into (A8.1)", DO)]
    return [
        Fault(
            "invoices", "those to come name no issuer, so that they are not qualified, and no account to pay into", DO
        )
    ]
