"""What `keiyaku check` finds wrong with the bank data (T8-6)."""

from datetime import date, datetime, timedelta

from acme_server.config import Settings
from acme_server.storage import check_bank
from acme_server.use_cases.fault import Fault
from contract_gate.articles.article_08_payment import bank_data_missing
from contract_gate.calendar import jst_date
from sql import Conn

IMPORTING = timedelta(minutes=10)  # longer than any import takes
QUEUED = timedelta(days=3)  # the desk's own aim


async def behind(conn: Conn, now: datetime) -> list[tuple[str, date]]:
    """Accounts whose bank data is missing, with the last day that it covers."""
    accounts, today = await check_bank.accounts(conn), jst_date(now)
    closed = await check_bank.holidays(conn, min((each.covered_through for each in accounts), default=today))
    return [
        (each.handle, each.covered_through)
        for each in accounts
        if bank_data_missing(each.covered_through, today, closed)
    ]


async def bank(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Bank data is up to date, its files are booked, and no line waits for long (T8-6)."""
    found = [
        Fault("bank data", f"account {handle} is covered through {through}: nothing becomes overdue after it",
         "import its files with `keiyaku bank import`, or confirm days with `keiyaku bank day`")
        for handle, through in await behind(conn, now)
    ]  # fmt: skip
    found += [
        Fault("bank import", f"the import of {name} never ended: none of its days counts", "import the same file again")
        for name in await check_bank.unfinished(conn, now - IMPORTING)
    ]
    since = await check_bank.oldest_waiting(conn)
    if since is not None and now - since > QUEUED:
        days = (now - since).days
        found.append(Fault("bank queue", f"a line waits for a person for {days} days", "see `keiyaku bank queue`"))
    return found
