"""Owners of domains are told when their CAA records forbade a certificate (RFC 8659 §4.4, BR §3.2.2.8, C-050)."""

from datetime import datetime, timedelta

from contract_gate.calendar import JST
from office.storage import caa_reports
from office.use_cases.notify import notify
from sql import Pool

AT_ONCE = 50
KEPT = timedelta(days=2)  # a bound is of a day (UTC): what stands there counts against that day's


async def tell(pool: Pool, now: datetime) -> None:
    """Every report is in the outbox, once; addresses that were there for two days are gone."""
    while True:
        async with pool.acquire() as conn, conn.transaction():
            found = await caa_reports.due(conn, AT_ONCE)
            for each in found:
                at = f"{each.forbidden_at.astimezone(JST):%Y-%m-%d %H:%M} JST"
                await notify(
                    conn, "caa_forbidden", now, contract_id=each.contract_id, domain=each.domain, forbidden_at=at,
                    email=each.address,
                )  # fmt: skip
            await caa_reports.told(conn, [each.id for each in found], now)
            await caa_reports.forget(conn, now - KEPT)
        if len(found) < AT_ONCE:
            return
