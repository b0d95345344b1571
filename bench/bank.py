"""`python -m bench --bank 100000`: imports a bank file of so many credits, each of which pays an open invoice.

Prints wall-clock time, CPU seconds of the import's own process and of PostgreSQL as a whole, and the greatest memory.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import asyncpg

from acme_server.clock import utc_now
from acme_server.commands.bank import BESIDE, collected_rarely
from acme_server.dev.postgres import EmbeddedPostgres
from bench.processes import cpu_of
from contract_gate.calendar import jst_date
from office.use_cases import bank_import
from sql.migrate import migrate
from tests.simulators.bank_files import Credit, Statement, whole

ARRANGE = """
INSERT INTO gate.persons VALUES (gen_random_uuid(), 'ann', 'Ann', 'CA', now());
INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max)
    VALUES (gen_random_uuid(), 'small', 'Small', 55000, 12, 3);
INSERT INTO gate.customers (id, handle, name, kind, based_in_japan, created_at)
    SELECT gen_random_uuid(), 'c' || n, 'C', 'juridical_person', true, now() FROM generate_series(1, {count}) n;
SET session_replication_role = replica;
INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, applied_at)
    SELECT gen_random_uuid(), c.handle, c.id, p.id, 55000, 12, 3, now() FROM gate.customers c, gate.plans p;
INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
    SELECT gen_random_uuid(), id, 'INV-2026-' || lpad(number::text, 7, '0'), 'fee', '{day}', '{day}', 60500, 60500,
        now() FROM gate.contracts;
INSERT INTO gate.open_invoices SELECT id, number, issued_on, due_on FROM gate.invoices;
INSERT INTO gate.revisions SELECT id, gen_random_uuid() FROM gate.contracts;
RESET session_replication_role;
INSERT INTO gate.bank_accounts VALUES (gen_random_uuid(), 'main', '{day}', '{day}');
INSERT INTO office.bank_dialects SELECT id, '0001', '001', '1', '1234567', 'zengin-01', 'era', 'none', NULL, now()
    FROM gate.bank_accounts;
ANALYZE;
"""


async def run(server: EmbeddedPostgres, path: Path, count: int, day: date) -> None:
    """A database with as many contracts, each with an open invoice; the file; the import in a process of its own."""
    admin = await asyncpg.connect(server.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE keiyaku")
    await admin.close()
    await migrate(server.dsn())
    conn = await asyncpg.connect(server.dsn())
    await conn.execute("SELECT keiyaku.ensure_partitions(now(), 1)")
    await conn.execute(ARRANGE.format(count=count, day=day))
    numbers = [row["number"] for row in await conn.fetch("SELECT number FROM gate.contracts ORDER BY number")]
    credits = [Credit(60_500, f"ｶ)ﾃｽﾄ{n}", day, edi=f"INV2026{n:07d}") for n in numbers]
    path.write_bytes(whole([Statement(credits, day, day)]))
    assert server.process is not None
    child = [sys.executable, "-m", "bench.bank", server.dsn("keiyaku_operator"), str(path), str(server.process.pid)]
    await asyncio.to_thread(subprocess.run, child, check=True)
    open_yen = await conn.fetchval("SELECT sum(open_yen) FROM gate.invoices")
    print(json.dumps({"open_yen_left": int(open_yen)}))
    await conn.close()


async def import_one(dsn: str, path: Path, server: int) -> None:
    """As the command imports, timed; its greatest memory. `server`: whose children PostgreSQL's processes are."""
    conn, *beside = [await asyncpg.connect(dsn) for _ in range(1 + BESIDE)]
    began, postgresql, own = time.monotonic(), cpu_of(server), time.process_time()
    with collected_rarely():
        done = await bank_import.import_file(conn, path, None, None, False, lambda *_: None, utc_now(), beside)
    seconds = time.monotonic() - began
    figures = {
        "lines": done.file.lines,
        "matched": done.tally.matched,
        "seconds": round(seconds, 1),
        "own_cpu_s": round(time.process_time() - own, 1),
        "postgresql_cpu_s": round(cpu_of(server) - postgresql, 1),
        "peak_rss_mib": greatest_memory(),
    }
    print(json.dumps(figures), flush=True)
    for each in (conn, *beside):
        await each.close()


def greatest_memory() -> float:
    """MiB of this process at most so far; what its parent had when it began is left out (Linux)."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def main(count: int) -> None:
    """Prints the figures as JSON."""
    day = jst_date(utc_now()) - timedelta(days=1)
    with tempfile.TemporaryDirectory(prefix="keiyaku-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            asyncio.run(run(server, Path(folder) / "bank.txt", count, day))
        finally:
            server.stop()


if __name__ == "__main__":
    asyncio.run(import_one(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
