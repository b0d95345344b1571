"""`keiyaku bank` and the rest of the money commands, as they are typed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.use_cases.demo import make_demo
from sql import Pool
from tests.acme_server.commands.test_commands import keiyaku, refused
from tests.simulators.bank_files import Credit, Statement, whole

BY = "--by demo-officer-1"
TODAY = jst_date(utc_now())
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
async def demo(postgres: EmbeddedPostgres, database: str, pool: Pool) -> Settings:
    """The demo contracts: DEMO-1, over 60,500 yen, is overdue."""
    async with pool.acquire() as conn:
        await make_demo(conn, utc_now())
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


def a_file(folder: Path, *credits: Credit) -> str:
    """A file of yesterday."""
    path = folder / "20261122.txt"
    path.write_bytes(whole([Statement(credits, YESTERDAY, YESTERDAY)]))
    return str(path)


async def test_a_file_from_its_account_to_the_desk(demo: Settings, tmp_path: Path) -> None:
    late = f"bank open main --from {YESTERDAY - timedelta(days=1)} --source statement"
    assert "does not cover 1 unpaid" in await refused(demo, late, 1)
    await keiyaku(demo, f"{late} --despite-overdue")
    await keiyaku(demo, "bank dialect main --bank 0001 --branch 001 --kind 1 --number 7654321 --format zengin-01")
    await keiyaku(demo, "person add second Second --organisation CA")
    right = "--bank 0001 --branch 001 --number 1234567 --reason misread"
    corrected = json.loads(await keiyaku(demo, f"bank correct main {right} {BY} --and second --json"))
    assert (corrected["number"], corrected["years"], corrected["virtual_branch"]) == ("1234567", "era", None)
    file = a_file(tmp_path, Credit(60_500, "ﾀﾞﾚｶ", YESTERDAY), Credit(500, "ﾎｶ", YESTERDAY), Credit(7, "ﾚｲ", YESTERDAY))
    [tried] = json.loads(await keiyaku(demo, f"bank import {file} --account main {BY} --dry-run --json"))
    assert json.loads(await keiyaku(demo, "bank queue --json")) == []
    [done] = json.loads(await keiyaku(demo, f"bank import {file} --account main {BY} --json"))
    assert {key: tried[key] for key in ("lines", "waiting")} == {"lines": 3, "waiting": 3}
    assert {key: done[key] for key in ("lines", "waiting")} == {"lines": 3, "waiting": 3}
    waiting = {line["amount_yen"]: line["id"] for line in json.loads(await keiyaku(demo, "bank queue --json"))}
    assert "DEMO-1" in await keiyaku(demo, f"bank match {waiting[60_500]} DEMO-1 {BY}")
    assert "does not wait" in await refused(demo, f"bank match {waiting[60_500]} DEMO-1 {BY}", 1)
    await keiyaku(demo, f"bank dismiss {waiting[500]} --reason interest {BY}")
    assert [line["amount_yen"] for line in json.loads(await keiyaku(demo, "bank queue --json"))] == [7]
    assert len(json.loads(await keiyaku(demo, "bank files --json"))) == 1
    less = tmp_path / "less.txt"
    less.write_bytes(whole([Statement((Credit(7, "ﾚｲ", YESTERDAY),), YESTERDAY, YESTERDAY)]))
    assert await keiyaku(demo, f"bank missing {file}") == "none\n"
    gone = json.loads(await keiyaku(demo, f"bank missing {less} --account main --json"))
    assert [(line["amount_yen"], line["state"], line["file"]) for line in gone] == [
        (60_500, "matched", "20261122.txt"), (500, "dismissed", "20261122.txt"),
    ]  # fmt: skip
    assert json.loads(await keiyaku(demo, "invoice list --unpaid --json")) == []
    receipts = json.loads(await keiyaku(demo, "payment list --json"))
    assert {each["amount_yen"]: each["invoices"] for each in receipts} == {60_500: ["DEMO-1"], 500: [], 7: []}


async def test_names_and_virtual_accounts_of_payers(demo: Settings) -> None:
    await keiyaku(demo, f"bank open main --from {TODAY - timedelta(days=90)} --source statement")
    made = json.loads(await keiyaku(demo, f"bank alias add demo ｶ)ﾃﾞﾓ {BY} --json"))
    [alias] = json.loads(await keiyaku(demo, "bank alias list demo --json"))
    assert alias["id"] == made["id"]
    await keiyaku(demo, f"bank alias remove {alias['id']}")
    assert json.loads(await keiyaku(demo, "bank alias list --json")) == []
    await keiyaku(demo, "bank virtual main 5550001 demo")
    assert "twelve months" in await refused(demo, "bank virtual main 5550001 demo-overdue", 1)


@pytest.mark.rule("T8-6")
async def test_an_account_is_closed_by_two_when_no_invoice_to_come_names_it(demo: Settings) -> None:
    both = f"{BY} --and demo-officer-2"
    closing = f"bank close demo --from {TODAY} --reason merged {both}"
    await keiyaku(demo, f"bank open main --from {TODAY - timedelta(days=90)} --source statement")
    assert "invoices to come name 'demo'" in await refused(demo, closing, 1)
    await keiyaku(demo, f"invoice seller CA Tokyo T7000012050002 {both}")
    closed = json.loads(await keiyaku(demo, f"{closing} --json"))
    assert (closed["closed_from"], closed["open_invoices"]) == (str(TODAY), 0)
    accounts = {each["handle"]: each["closed_from"] for each in json.loads(await keiyaku(demo, "bank list --json"))}
    assert accounts == {"demo": str(TODAY), "main": None}


async def test_money_by_hand(demo: Settings) -> None:
    await keiyaku(demo, f"bank open main --from {YESTERDAY - timedelta(days=1)} --source statement --despite-overdue")
    await keiyaku(demo, f"bank day main {YESTERDAY} --source statement {BY}")
    accounts = {each["handle"]: each for each in json.loads(await keiyaku(demo, "bank list --json"))}
    assert accounts["main"]["covered_through"] == str(YESTERDAY)
    assert "is not over" in await refused(demo, f"bank day main 2090-01-01 --source statement {BY}", 1)
    made = json.loads(await keiyaku(demo, f"invoice add demo I-1 1000 --issued {TODAY} --json"))
    assert (made["number"], made["open_yen"]) == ("I-1", 1000)
    paid = json.loads(
        await keiyaku(demo, f"payment add I-1 400 --value-date {TODAY} --remitter X --source hand --json")
    )
    assert (paid["matched_yen"], paid["open_yen"]) == (400, 600)
    await keiyaku(demo, f"payment cancel {paid['receipt']}")
    [listed] = json.loads(await keiyaku(demo, "payment list --json"))
    assert listed["cancelled_at"]
    assert "spent, cancelled or unknown" in await refused(demo, f"payment match {paid['receipt']} I-1", 1)
    [open_] = json.loads(await keiyaku(demo, "invoice list demo --unpaid --json"))
    assert open_["open_yen"] == 1000


async def test_holidays_by_people(demo: Settings) -> None:
    year = TODAY.year + 2
    added = await keiyaku(demo, f"holiday add {year}-06-01 一度限り {BY} --json")
    assert json.loads(added) == []
    assert json.loads(await keiyaku(demo, f"holiday list {year} --json")) == [
        {"day": f"{year}-06-01", "name": "一度限り"}
    ]
    assert "holiday already" in await refused(demo, f"holiday add {year}-06-01 again {BY}", 1)
    assert (await keiyaku(demo, f"holiday remove {year}-06-01 {BY}")).splitlines()[-1] == "none"
    assert "is no holiday" in await refused(demo, f"holiday remove {year}-06-01 {BY}", 1)
    assert json.loads(await keiyaku(demo, f"holiday list {year} --json")) == []
