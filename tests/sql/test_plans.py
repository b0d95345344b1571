"""No statement of a request reads a whole table that grows with the business (design §4)."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import SERVER_SETTINGS, Conn, statements
from tests.sql.test_statements import MODULES

# Small for ever: what the CA has few of, one-row tables, and jobs, which go when they are done.
SMALL = {
    "ca.issuers", "ca.authority_revocations", "ca.cross_certificates", "acme.nonce_epoch", "evidence.seal_state",
    "keiyaku.cluster", "keiyaku.migrations", "gate.bank_accounts", "gate.holidays", "gate.readings",
    "gate.suspensions", "gate.tax_rates", "gate.texts", "gate.plans", "acme.jobs", "ca.responders", "ca.publications",
    "ca.log_lists",
}  # fmt: skip
PARTITION = re.compile(r"_\d{4}_\d\d$|_\d$")
OFFICE = {"office/tenants", "office/idempotency", "office/certificates"}  # what the JSON API asks first, and lists
REQUESTS = [
    m for m in MODULES if m in OFFICE
    or (m.split("/")[0] in ("acme_server", "contract_gate", "ca") and not m.startswith("acme_server/check"))
]  # fmt: skip
SWEEPS = {"crls_due", "forget_crls"}  # run by the worker


@pytest.fixture
async def planner(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection with the settings of every process; a scan shows only where no index helps."""
    conn = await asyncpg.connect(postgres.dsn(database=database), server_settings=SERVER_SETTINGS)
    yield conn
    await conn.close()


async def plan_of(conn: Conn, text: str) -> dict[str, Any]:
    """The statement's plan for any arguments (SERVER_SETTINGS)."""
    await conn.execute(f"PREPARE it AS {text}")
    count = await conn.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'it'")
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    plan = json.loads(await conn.fetchval(f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE it{given}"))
    await conn.execute("DEALLOCATE it")
    found: dict[str, Any] = plan[0]["Plan"]
    return found


async def read_whole(conn: Conn, text: str) -> set[str]:
    """Tables that the statement reads from end to end."""
    return {
        PARTITION.sub("", f"{n['Schema']}.{n['Relation Name']}")
        for n in nodes(await plan_of(conn, text))
        if "Schema" in n and is_whole(n)
    }


async def runs_again(conn: Conn, text: str) -> bool:
    """Whether a choice of rows with a limit stands inside a loop over others."""
    loops = [node for node in nodes(await plan_of(conn, text)) if node["Node Type"] == "Nested Loop"]
    inner = [below for loop in loops for below in loop["Plans"] if below["Parent Relationship"] == "Inner"]
    return any(is_limited(node) for each in inner for node in nodes(each))


def is_limited(node: dict[str, Any]) -> bool:
    """The choice of an IN (SELECT … LIMIT …) that is not made beforehand."""
    return node["Node Type"] == "Subquery Scan" and node["Alias"] == "ANY_subquery"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan's nodes."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def is_whole(node: dict[str, Any]) -> bool:
    """A table without an index that helps, or an index from end to end (for a merge join, a hashed subquery)."""
    if node["Node Type"] == "Bitmap Heap Scan":
        return any(is_whole(below) for below in node["Plans"])
    indexed = node["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    return node["Node Type"] == "Seq Scan" or (indexed and "Index Cond" not in node)


async def test_a_whole_table_is_seen(planner: Conn) -> None:
    assert await read_whole(planner, "SELECT FROM gate.contracts WHERE id::text = $1") == {"gate.contracts"}
    assert await read_whole(planner, "SELECT FROM gate.contracts WHERE id = $1") == set()


@pytest.mark.parametrize("module", REQUESTS)
async def test_no_request_reads_a_whole_table(planner: Conn, module: str) -> None:
    found = {}
    for name, text in statements(module).items():
        if whole := await read_whole(planner, text) - SMALL:
            found[name] = whole
    assert found.keys() - SWEEPS == set(), found


@pytest.mark.parametrize(("function", "count"), [("gate.served_by", 5), ("gate.concerned", 4), ("acme.living", 5)])
async def test_a_shared_condition_is_planned_as_if_it_stood_in_the_statement(
    planner: Conn, function: str, count: int
) -> None:
    """A call would hide from the tests above which tables it reads, and be planned apart from what it is joined to."""
    texts = [text for module in MODULES for text in statements(module).values() if f"{function}(" in text]
    assert len(texts) == count
    for text in texts:
        assert function.split(".")[1] not in {node.get("Function Name") for node in nodes(await plan_of(planner, text))}
    [called] = nodes(await plan_of(planner, "SELECT * FROM generate_series(1, 2)"))
    assert called["Function Name"] == "generate_series"


UNREAD = {  # of the accountants' lists: what there ever was, and by which index they find what is left of it
    "suspense": ("gate.receipts", "receipts_unspent"), "hold_unspent": ("gate.receipts", "receipts_unspent"),
    "earning": ("office.invoice_papers", "invoice_papers_uncarried"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
async def test_the_books_read_what_is_left_not_what_there_ever_was(planner: Conn, name: str) -> None:
    table, index = UNREAD[name]
    found = list(nodes(await plan_of(planner, statements("office/money_books")[name])))
    assert index in {node.get("Index Name") for node in found}
    read = {f"{node['Schema']}.{node['Relation Name']}" for node in found if node["Node Type"] == "Seq Scan"}
    assert read & {table, "gate.payment_matches", "office.refunds", "gate.invoices", "office.adjustments"} == set()
    assert table in {f"{n['Schema']}.{n['Relation Name']}" for n in found if "Relation Name" in n}


OF_A_CONTRACT = [
    ("contracts", "live_names"), ("applications", "requesters"), ("keys", "keys"), ("documents", "documents"),
    ("seals", "seal_of"), ("screenings", "screenings_of"), ("screenings", "findings_of"), ("timers", "extensions_of"),
    ("credit_invoices", "credits_of"), ("endings", "live_certificates"), ("replacements", "left"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), OF_A_CONTRACT)
async def test_what_is_listed_of_a_contract_reads_no_other(planner: Conn, module: str, name: str) -> None:
    assert await read_whole(planner, statements(f"office/{module}")[name]) - SMALL == set()


async def test_the_journal_reads_its_days_alone(planner: Conn) -> None:
    """Each kind of movement in the order of an index, from a place on and up to a limit; what is sorted is a page."""
    text = statements("office/money_books")["journal"]
    assert await read_whole(planner, text) == set()
    plan = await plan_of(planner, text)
    sorted_ = [
        {below.get("Relation Name") for below in nodes(each)} for each in nodes(plan) if "Sort" in each["Node Type"]
    ]
    assert [each - {None, "closed_months"} == set() for each in sorted_] == [True, False]
    limits = [each["Plans"][-1]["Node Type"] for each in nodes(plan) if each["Node Type"] == "Limit"]
    assert sorted(limits) == ["Index Scan"] * 7 + ["Nested Loop"] * 2 + ["Sort"]


async def test_a_page_of_receipts_is_chosen_before_what_they_paid_is_summed_up(planner: Conn) -> None:
    def grouped_before_chosen(plan: dict[str, Any]) -> bool:
        [grouping] = [node for node in nodes(plan) if node["Node Type"] == "Aggregate"]
        return not any(below["Node Type"] == "Limit" for below in nodes(grouping))

    text = statements("office/tenants")["receipts"]
    of_all = text.replace("(SELECT * FROM gate.receipts WHERE id < $1 ORDER BY id DESC LIMIT $2)", "gate.receipts")
    assert of_all != text
    assert not grouped_before_chosen(await plan_of(planner, text))
    assert grouped_before_chosen(await plan_of(planner, of_all.rstrip(";") + " LIMIT 1"))


async def test_no_sweep_chooses_its_rows_again_for_each_row(planner: Conn) -> None:
    """Though the planner takes every table for empty: it has grown since it was looked at."""
    await planner.execute("ANALYZE")
    limited = "SELECT id FROM office.deliveries WHERE delivered_at <= $1 LIMIT $2"
    assert await runs_again(planner, f"UPDATE office.deliveries SET body = '-' WHERE id IN ({limited})")
    changes = {
        (module, name): text
        for module in MODULES
        if module.startswith("office/")
        for name, text in statements(module).items()
        if re.search("^ *(?:UPDATE|DELETE)", text, re.MULTILINE)
    }
    assert [name for name, text in changes.items() if await runs_again(planner, text)] == []
