"""No statement of a request reads a whole table that grows with the business (design §4)."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import SERVER_SETTINGS, Conn, statements
from tests.sql.test_statements import MODULES

# Small for ever: what the CA has few of, one-row tables, and jobs, which go when they are done.
SMALL = {
    "ca.issuers", "ca.cross_certificates", "acme.nonce_epoch", "evidence.seal_state", "keiyaku.cluster",
    "keiyaku.migrations", "gate.bank_accounts", "gate.holidays", "gate.readings", "gate.suspensions", "gate.tax_rates",
    "gate.texts", "gate.plans", "acme.jobs",
}  # fmt: skip
SCAN = re.compile(r"Seq Scan on (\w+\.\w+)")
PARTITION = re.compile(r"_\d{4}_\d\d$|_\d$")
REQUESTS = [m for m in MODULES if m.split("/")[0] in ("acme_server", "contract_gate", "ca")]
# Statements of a sweep and of `keiyaku check`, which no request runs.
SWEEPS: dict[str, dict[str, set[str]]] = {
    "acme_server/check": {"late_tasks": {"gate.persons", "office.access_reviews"}},
    "ca/storage": {"crls_due": {"ca.crls"}},
}


@pytest.fixture
async def planner(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection with the settings of every process; a scan shows only where no index helps."""
    conn = await asyncpg.connect(postgres.dsn(database=database), server_settings=SERVER_SETTINGS)
    yield conn
    await conn.close()


async def plan_of(conn: Conn, text: str) -> str:
    """The plan for any arguments, which every process runs it by (SERVER_SETTINGS)."""
    await conn.execute(f"PREPARE it AS {text}")
    count = await conn.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'it'")
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    lines = await conn.fetch(f"EXPLAIN (VERBOSE) EXECUTE it{given}")
    await conn.execute("DEALLOCATE it")
    return "\n".join(line[0] for line in lines)


async def test_a_whole_table_is_seen(planner: Conn) -> None:
    assert SCAN.findall(await plan_of(planner, "SELECT FROM gate.contracts WHERE id::text = $1")) == ["gate.contracts"]
    assert not SCAN.findall(await plan_of(planner, "SELECT FROM gate.contracts WHERE id = $1"))


@pytest.mark.parametrize("module", REQUESTS)
async def test_no_request_reads_a_whole_table(planner: Conn, module: str) -> None:
    found = {}
    for name, text in statements(module).items():
        whole = {PARTITION.sub("", table) for table in SCAN.findall(await plan_of(planner, text))} - SMALL
        if whole:
            found[name] = whole
    assert found == SWEEPS.get(module, {})
