"""The accountants' commands, as they are typed."""

import csv
import json
from datetime import datetime, timedelta
from io import StringIO

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Ca, Database
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.use_cases.demo import make_demo
from sql import Pool
from tests.acme_server.commands.test_commands import keiyaku, refused

BOTH = "--by demo-officer-1 --and demo-officer-2"


@pytest.fixture
async def demo(postgres: EmbeddedPostgres, database: str, pool: Pool) -> Settings:
    """The demo contracts: DEMO-1, over 60,500 yen, is overdue."""
    async with pool.acquire() as conn:
        await make_demo(conn, utc_now())
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


async def test_from_unexplained_money_to_the_journal(demo: Settings) -> None:
    today = jst_date(utc_now())
    assert (await keiyaku(demo, "ledger suspense")) == "none\n"
    receipt = (await keiyaku(demo, f"payment receive 61000 --value-date {today} --remitter X --source f")).strip()
    await keiyaku(demo, f"payment match {receipt} DEMO-1")
    [rest] = json.loads(await keiyaku(demo, "ledger suspense --json"))
    assert (rest["id"], rest["rest_yen"]) == (receipt, 500)
    await keiyaku(demo, f"payment refund {receipt} 500 --reason overpaid {BOTH}")
    await keiyaku(demo, f"payment unmatch {receipt} DEMO-1 --by demo-officer-1")
    [open_] = json.loads(await keiyaku(demo, "ledger ageing --json"))
    assert (open_["number"], open_["open_yen"]) == ("DEMO-1", 60_500)
    assert "60500 yen" in await keiyaku(demo, f"invoice write-off DEMO-1 --reason insolvent {BOTH}")
    assert "60500 yen" in await keiyaku(demo, f"payment recover {receipt} DEMO-1 --reason paid {BOTH}")
    printed = await keiyaku(demo, f"ledger journal {today - timedelta(days=100)} {today + timedelta(days=1)}")
    rows = list(csv.DictReader(StringIO(printed)))
    assert sum(int(row["debit_yen"]) for row in rows) == sum(int(row["credit_yen"]) for row in rows) > 0
    kinds = {"invoice", "receipt", "match", "refund", "unmatch", "write_off", "recovery"}
    assert {row["kind"] for row in rows} == kinds


async def test_issuer_rates_months_and_what_is_ahead(demo: Settings) -> None:
    made = json.loads(await keiyaku(demo, f"invoice seller CA Tokyo T7000012050002 {BOTH} --json"))
    assert made["of_corporation"]
    [since, _demo] = json.loads(await keiyaku(demo, "invoice sellers --json"))
    assert (since["registration_number"], since["confirmed_by"]) == ("T7000012050002", "demo-officer-2")
    later = jst_date(utc_now()) + timedelta(days=90)
    await keiyaku(demo, f"invoice rate-add {later} 1300 {BOTH}")
    assert "has a rate already" in await refused(demo, f"invoice rate-add {later} 1200 {BOTH}", 1)
    await keiyaku(demo, f"invoice rate-remove {later} 1300 --reason misread {BOTH}")
    await keiyaku(demo, f"invoice rate-add {later} 1200 {BOTH}")
    newest = json.loads(await keiyaku(demo, "invoice rates --json"))[-1]
    assert (newest["basis_points"], newest["first"], newest["second"]) == (1200, "demo-officer-1", "demo-officer-2")
    assert json.loads(await keiyaku(demo, "ledger deferred --json")) == []
    assert "is closed" in await keiyaku(demo, "ledger close 2026-01-01 --by demo-officer-1")
    assert "closed already" in await refused(demo, "ledger close 2026-01-01 --by demo-officer-1", 1)
    ahead = json.loads(await keiyaku(demo, f"gate forecast --at {jst_date(utc_now()) + timedelta(days=1)} --json"))
    assert ahead == [{"contract": "demo-overdue", "gate": "G6", "case": "overdue"}]
    end = json.loads(await keiyaku(demo, "invoice settlement demo --cause cancelled --json"))
    assert (end["outcome"], end["owed_yen"]) == ("nothing_owed", 0)
    assert "recorded by hand" in await refused(demo, "invoice show DEMO-1", 1)
    claimed = await keiyaku(demo, "ledger claim demo 2000000 --evidence letter --by demo-officer-1")
    assert claimed == "a claim of 2000000 yen against demo is recorded\n"
    assert "has no dealer" in await refused(demo, "invoice default DEMO-1 --evidence letter --by demo-officer-1", 1)


@pytest.mark.parametrize(("profiles", "days"), [(("tlsserver", "shortlived"), 199), (("shortlived",), 6)])
async def test_the_gate_is_explained_for_the_first_profile_on_offer(
    demo: Settings, pool: Pool, profiles: tuple[str, ...], days: int
) -> None:
    offering = msgspec.structs.replace(demo, ca=Ca(profiles=profiles))
    now = utc_now()
    ask = f"gate explain --contract demo --names www.demo.test --at {now.isoformat()} --json"
    end = datetime.fromisoformat(json.loads(await keiyaku(offering, ask))["not_after_limit"])
    assert (end - now).days == days - 1  # both ends count
    await pool.execute(
        "INSERT INTO gate.readings SELECT 'cert.min_lifetime', '2000-01-01', '30', accepted_by_first, "
        "accepted_by_second FROM gate.contracts WHERE handle = 'demo'"
    )
    ahead = json.loads(await keiyaku(offering, f"gate forecast --at {(now + timedelta(days=1)).isoformat()} --json"))
    assert {each["gate"] for each in ahead if each["contract"] == "demo"} == (set() if days == 199 else {"G10"})
