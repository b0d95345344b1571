"""What `keiyaku check` finds wrong with the end of the service (A23.1)."""

from datetime import datetime

from acme_server.config import Settings
from acme_server.storage import check
from acme_server.use_cases.fault import Fault
from contract_gate.articles.article_23_service_end import earliest_end
from contract_gate.calendar import jst_date
from sql import Conn


async def service_end(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Everybody was told in time for the day on which the service ends, or may be (T23-2)."""
    ends_on = await check.service_end_open(conn)
    if ends_on is None or earliest_end(jst_date(now)) <= ends_on:
        return []
    what = f"it does not end on {ends_on}, since not everybody was told in time: the service goes on"
    do = "see `keiyaku notice service-end-check`; two people decide a later day with `keiyaku notice service-end`"
    return [Fault("end of the service", what, do)]
