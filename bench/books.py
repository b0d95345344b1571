"""Part of `python -m bench --scale`: what the accountants' listings take with so many invoices of a year.

Each invoice has its paper; nine of ten were paid five weeks later by a transfer recorded two days after its value date,
one of a hundred four weeks after it. Months are closed on the eleventh day after: some come too late for theirs.
"""

import time
from collections.abc import Awaitable
from datetime import date, timedelta
from typing import Any

import asyncpg

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import DAY, jst_date
from office.storage import money_books
from office.use_cases import ledger
from sql import SERVER_SETTINGS, Conn

PAGE = 51  # a page of the API, and one more to see whether another follows
FILL = (
    """CREATE TEMPORARY TABLE billed AS
    SELECT n, at, at::date AS day, keiyaku.uuid7(at) AS id, paid_at, paid_at::date AS paid_on,
        keiyaku.uuid7(paid_at) AS receipt_id, paid_at < now() AND n % 10 > 0 AS paid
    FROM (SELECT n, at, at + interval '30 days' + interval '14 days' * random() AS paid_at
        FROM (SELECT n, now() - interval '365 days' * random() AS at FROM generate_series(1, {count}) n) t) t
    ORDER BY at""",
    """INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
    SELECT id, gen_random_uuid(), 'Y' || lpad(n::text, 8, '0'), 'fee', day, day + 50, 60500,
        CASE WHEN paid THEN 0 ELSE 60500 END, at FROM billed""",
    "INSERT INTO gate.open_invoices SELECT id, 'Y' || lpad(n::text, 8, '0'), day, day + 50 FROM billed WHERE NOT paid",
    """INSERT INTO office.invoice_papers (invoice_id, buyer, period_from, period_end, rates, months, bases, taxes)
    SELECT id, 'B', day, day + 365, '{{1000}}', '{{12}}', '{{55000}}', '{{5500}}' FROM billed""",
    """INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at)
    SELECT receipt_id, 60500, paid_on - CASE WHEN n % 100 = 1 THEN 28 ELSE 2 END, 'R' || n, 'S', paid_at
    FROM billed WHERE paid""",
    """INSERT INTO gate.payment_matches SELECT keiyaku.uuid7(paid_at), id, receipt_id, 60500, paid_at
    FROM billed WHERE paid""",
    """INSERT INTO office.closed_months SELECT m, gen_random_uuid(), m + interval '1 month 10 days'
    FROM generate_series(date_trunc('month', now() - interval '1 year'), now() - interval '2 months', '1 month') m""",
)


async def fill(owner: Conn, count: int) -> None:
    """A year's money; no trigger runs."""
    await owner.execute("SET session_replication_role = replica; SET timezone = 'Asia/Tokyo'")
    for statement in FILL:
        await owner.execute(statement.format(count=count), timeout=3600)
    await owner.execute("RESET session_replication_role")
    await owner.execute("VACUUM ANALYZE", timeout=3600)


async def milliseconds(doing: Awaitable[Any]) -> float:
    """Wall-clock time."""
    began = time.perf_counter()
    await doing
    return round((time.perf_counter() - began) * 1000, 1)


async def of_month(conn: Conn, first: date) -> dict[str, float]:
    """The journal of one month: its first page and its last, and the whole as CSV."""
    last = (first + 31 * DAY).replace(day=1) - DAY
    began, movements, octets = time.perf_counter(), 0, 0
    place = money_books.before(first)
    async for some in ledger.whole(conn, first, last):
        movements, octets = movements + len(some), octets + len(ledger.as_csv(some, head=False))
        place = (some[-PAGE] if len(some) >= PAGE else some[0]).place
    took = round(time.perf_counter() - began, 1)
    return {
        "movements": movements,
        "first_page_ms": await milliseconds(ledger.entered(conn, first, last, None, PAGE)),
        "last_page_ms": await milliseconds(money_books.journal(conn, last, PAGE, place)),
        "csv_s": took,
        "csv_mb": round(octets / 1e6, 1),
    }


async def listings(server: EmbeddedPostgres, database: str) -> dict[str, Any]:
    """Of a closed month, of a year, what is open and what nothing explains."""
    conn = await asyncpg.connect(server.dsn("keiyaku_operator", database), server_settings=SERVER_SETTINGS)
    today = jst_date(utc_now())
    month = (today.replace(day=1) - timedelta(days=80)).replace(day=1)
    await ledger.entered(conn, today, today, None, PAGE)  # its plan is made
    found: dict[str, Any] = {
        "month": await of_month(conn, month),
        "year_first_page_ms": await milliseconds(ledger.entered(conn, today - timedelta(days=365), today, None, PAGE)),
        "ageing_page_ms": await milliseconds(ledger.ageing(conn, today, None, PAGE)),
        "suspense_page_ms": await milliseconds(ledger.suspense(conn, None, PAGE)),
    }
    await conn.close()
    return found
