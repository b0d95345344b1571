"""`python -m bench --scale 100000`: so many contracts, ten certificates each, a year's invoices.

Prints what each job of the office takes then, its first run and one more, and what the gate costs an order (facts read
afresh and decided), in turn of this database and of one with two contracts beside it.
Seconds and microseconds of wall-clock time, and beside a job's seconds its CPU, that of its own process and that of
PostgreSQL as a whole.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from acme_server.clock import utc_now
from acme_server.config_sections import Ca
from acme_server.dev.postgres import EmbeddedPostgres
from bench import books
from bench.processes import cpu_of
from ca.profiles import first_offered, lifetime, offered
from contract_gate.decision import Request
from contract_gate.gate import decide
from contract_gate.storage import facts_of
from office.use_cases import demo, forecast
from office.use_cases.mail import Posting
from office.worker import sweeps
from sql import SERVER_SETTINGS, Conn, Pool
from sql.migrate import migrate

PROFILE = first_offered(offered(Ca().profiles))
CERTIFICATES_EACH = 10
NAME = ("www.demo.test",)
ASKED = 2000  # how often the gate is asked for a figure

# A year: every contract began on another day of it, is paid if that was over three months ago, and issues each month.
FILL = (
    """INSERT INTO gate.customers (id, handle, name, kind, based_in_japan, created_at)
    SELECT keiyaku.uuid7(now()), 'customer-' || n, 'K.K. ' || n, 'juridical_person', true, now()
    FROM generate_series(1, {count}) n""",
    """INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, state, applied_at,
        accepted_at, accepted_by_first, accepted_by_second)
    SELECT keiyaku.uuid7(now()), c.handle, c.id, d.plan_id, 55000, 12, 3, 'accepted',
        now() - interval '350 days' * random(), now() - interval '350 days', d.accepted_by_first, d.accepted_by_second
    FROM gate.customers c, gate.contracts d WHERE d.handle = 'demo' AND c.handle LIKE 'customer-%'""",
    """CREATE TEMPORARY TABLE filled AS SELECT c.id, c.number, c.applied_at AS at, d.accepted_by_first AS person,
        keiyaku.uuid7(c.applied_at) AS account_id
    FROM gate.contracts c, gate.contracts d WHERE d.handle = 'demo' AND c.handle LIKE 'customer-%'""",
    "INSERT INTO gate.revisions SELECT id, gen_random_uuid() FROM filled",
    """INSERT INTO gate.contract_names (id, contract_id, kind, value, added_at)
    SELECT keiyaku.uuid7(at), id, 'domain', 'name' || i || '-' || number || '.test', at
    FROM filled, generate_series(1, 3) i""",
    """INSERT INTO gate.consents (id, contract_id, terms_version, cps_version, person_id, channel, consented_at)
    SELECT keiyaku.uuid7(at), id, 'demo-1', 'demo-1', person, 'web', at FROM filled""",
    """INSERT INTO gate.review_items (id, contract_id, kind, criteria_version, source, obtained_on, checked_by, verdict,
        recorded_at)
    SELECT keiyaku.uuid7(at), id, kind, '1', 'register', at::date, person, 'positive', at FROM filled,
        unnest('{{legal_existence,address,domain_right,applicant_authority,screening}}'::text[]) kind""",
    """INSERT INTO gate.reviewed_subjects (id, contract_id, organization, country, locality, checked_by, recorded_at)
    SELECT keiyaku.uuid7(at), id, 'K.K. ' || number, 'JP', 'Chiyoda-ku', person, at FROM filled""",
    """INSERT INTO gate.binding_keys (id, kid, contract_id, hmac_key, label, created_at)
    SELECT keiyaku.uuid7(at), 'kid-' || number, id, sha256(id::text::bytea), 'fill', at FROM filled""",
    """INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)
    SELECT id, keiyaku.uuid7(at), at FROM filled""",
    """INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
    SELECT keiyaku.uuid7(at), id, 'X' || lpad(number::text, 8, '0'), 'fee', at::date, at::date + 50, 60500,
        CASE WHEN at < now() - interval '90 days' AND number % 100 > 0 THEN 0 ELSE 60500 END, at FROM filled""",
    """INSERT INTO gate.open_invoices SELECT id, number, issued_on, due_on FROM gate.invoices WHERE open_yen > 0
    ON CONFLICT DO NOTHING""",
    """CREATE TEMPORARY TABLE issued AS SELECT f.id AS contract_id, f.account_id, f.number, t.at,
        keiyaku.uuid7(t.at) AS id, keiyaku.uuid7(t.at) AS order_id, sha256((f.number || '-' || i)::bytea) AS hash
    FROM filled f, generate_series(0, {each} - 1) i, LATERAL (SELECT f.at + (now() - f.at) * i / {each} AS at) t""",
    """INSERT INTO ca.serials (serial, to_be_signed_id, issuer_id)
    SELECT substring(hash FROM 1 FOR 18), id, 1 FROM issued""",
    """INSERT INTO ca.to_be_signed (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256, not_before,
        not_after, shard, state, deadline_at, created_at)
    SELECT id, 1, id, substring(hash FROM 1 FOR 18), 'tlsserver', decode(repeat('30', 600), 'hex'),
        ARRAY['name1-' || number || '.test'], hash, at, at + interval '199 days', number % 16, 'signed', at, at
    FROM issued""",
    """INSERT INTO ca.certificates (id, issuer_id, serial, der, names, spki_sha256, not_before, not_after, shard,
        signed_at)
    SELECT id, 1, substring(hash FROM 1 FOR 18), decode(repeat('30', 700), 'hex'),
        ARRAY['name1-' || number || '.test'], hash, at, at + interval '199 days', number % 16, at FROM issued""",
    """INSERT INTO acme.orders (id, account_id, contract_id, admission_id, status, names, authorization_ids, profile,
        certificate_id, expires_at, created_at)
    SELECT order_id, account_id, contract_id, id, 'valid', ARRAY['name1-' || number || '.test'], ARRAY[id],
        'tlsserver', id, at + interval '7 days', at FROM issued""",
    """INSERT INTO acme.issuances (order_id, to_be_signed_id, account_id, contract_id)
    SELECT order_id, id, account_id, contract_id FROM issued""",
)


async def asked(conn: Conn, key: UUID) -> tuple[float, float]:
    """Seconds that the facts of the demo contract took, and the decision."""
    began, now = time.perf_counter(), utc_now()
    facts = await facts_of(conn, key, NAME, now)
    read = time.perf_counter()
    decide(facts, Request(NAME, None, None, lifetime(PROFILE, now)), now)
    return read - began, time.perf_counter() - read


def fifth_us(seconds: Iterable[float]) -> int:
    """Their 20th percentile: what it costs when nothing comes between."""
    return round(statistics.quantiles(seconds, n=5)[0] * 1e6)


async def looked_at(conn: Conn) -> tuple[int, int]:
    """Rows that statements took up in this database so far, and blocks."""
    await conn.execute("SELECT pg_stat_force_next_flush()")
    found = await conn.fetchrow(
        """SELECT tup_returned + tup_fetched AS rows, blks_hit + blks_read AS blocks FROM pg_stat_database
        WHERE datname = current_database()"""
    )
    assert found is not None
    return found["rows"], found["blocks"]


async def gate_costs(few: Conn, many: Conn) -> dict[str, dict[str, float]]:
    """What facts and decision of the demo contract cost in the one and in the other, asked in turn."""
    both = [(conn, await conn.fetchval("SELECT id FROM gate.binding_keys WHERE kid = 'demo'")) for conn in (few, many)]
    before = [await looked_at(conn) for conn, _ in both]
    pairs = [[await asked(*one) for one in both] for _ in range(ASKED)]  # the machine changes speed meanwhile
    after = [await looked_at(conn) for conn, _ in both]
    return {
        whose: {
            "facts_us": fifth_us(pair[i][0] for pair in pairs),
            "decide_us": fifth_us(pair[i][1] for pair in pairs),
            "rows": round((after[i][0] - before[i][0]) / ASKED, 1),
            "blocks": round((after[i][1] - before[i][1]) / ASKED, 1),
        }
        for i, whose in enumerate(("two contracts", "all"))
    }


async def fill(owner: Conn, count: int) -> None:
    """The contracts and all that hangs on them; no trigger runs."""
    await owner.execute("SET session_replication_role = replica")
    for statement in FILL:
        await owner.execute(statement.format(count=count, each=CERTIFICATES_EACH), timeout=3600)
    await owner.execute("RESET session_replication_role")
    await owner.execute("VACUUM ANALYZE", timeout=3600)


class Stopwatch:
    """Wall-clock and CPU seconds from its making."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        assert server.process is not None
        self.root = server.process.pid
        self.began, self.own, self.postgresql = time.monotonic(), time.process_time(), cpu_of(self.root)

    def read(self) -> dict[str, float]:
        """So far."""
        return {
            "seconds": round(time.monotonic() - self.began, 1),
            "own_cpu_s": round(time.process_time() - self.own, 1),
            "postgresql_cpu_s": round(cpu_of(self.root) - self.postgresql, 1),
        }


async def jobs(server: EmbeddedPostgres) -> dict[str, list[dict[str, float]]]:
    """What each job of the office takes: what has gathered, and when nothing has."""
    posting = Posting(None, "http://localhost:14001", "officers@demo.test")
    took: dict[str, list[dict[str, float]]] = {}
    connect = partial(asyncpg.connect, server.dsn("keiyaku_office"), server_settings=SERVER_SETTINGS)
    async with Pool(connect, 4) as pool:
        for _ in range(2):
            for _, sweep in sweeps(posting):
                named: Any = sweep.func if isinstance(sweep, partial) else sweep
                watch = Stopwatch(server)
                await sweep(pool, utc_now())
                name = f"{named.__module__.rpartition('.')[2]}.{named.__name__}"
                took.setdefault(name, []).append(watch.read())
    return took


async def looked_ahead(server: EmbeddedPostgres) -> dict[str, float]:
    """What a forecast over all contracts takes, and how many it names."""
    conn = await asyncpg.connect(server.dsn("keiyaku_operator"), server_settings=SERVER_SETTINGS)
    watch, now = Stopwatch(server), utc_now()
    blocked = sum([1 async for _ in forecast.forecast(conn, now, now, PROFILE)])
    took = watch.read() | {"blocked": blocked}
    await conn.close()
    return took


async def database(server: EmbeddedPostgres, name: str) -> None:
    """One with the demo contracts, and partitions for the year that is put in."""
    admin = await asyncpg.connect(server.dsn(database="postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    await migrate(server.dsn(database=name))
    owner = await asyncpg.connect(server.dsn(database=name))
    await owner.execute("SELECT keiyaku.ensure_partitions(now() - interval '12 months', 16)")
    await demo.make_demo(owner, utc_now())
    await owner.close()


async def run(server: EmbeddedPostgres, count: int) -> None:
    """Prints the figures as JSON."""
    for name in ("few", "keiyaku"):
        await database(server, name)
    owner = await asyncpg.connect(server.dsn())
    began = time.monotonic()
    await fill(owner, count)
    await owner.close()
    made = {"contracts": count, "certificates": count * CERTIFICATES_EACH, "filled_s": round(time.monotonic() - began)}
    print(json.dumps(made), flush=True)
    asking = [
        await asyncpg.connect(server.dsn("keiyaku_acme", name), server_settings=SERVER_SETTINGS)
        for name in ("few", "keiyaku")
    ]
    print(json.dumps({"gate": await gate_costs(*asking)}), flush=True)
    for conn in asking:
        await conn.close()
    print(json.dumps({"jobs": await jobs(server)}), flush=True)
    print(json.dumps({"forecast": await looked_ahead(server)}), flush=True)
    print(json.dumps({"books": await the_books(server, count)}), flush=True)


async def the_books(server: EmbeddedPostgres, count: int) -> dict[str, Any]:
    """What the journal and the other books take with so many invoices of a year, in a database of their own."""
    await database(server, "books")
    owner = await asyncpg.connect(server.dsn(database="books"))
    await books.fill(owner, count)
    await owner.close()
    return await books.listings(server, "books")


def main(count: int) -> None:
    """On a server of its own, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="keiyaku-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            asyncio.run(run(server, count))
        finally:
            server.stop()
