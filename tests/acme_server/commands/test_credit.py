"""Credit invoices, credits of tax, settlements and dealers' names, as they are typed."""

import json
from datetime import timedelta

import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.use_cases.demo import make_demo
from office.use_cases.invoices import claim_differences
from sql import Pool
from tests.acme_server.commands.test_commands import keiyaku, refused

BOTH = "--by demo-officer-1 --and demo-officer-2"
ISSUE = """
SELECT gate.issue_invoice(id, 'fee', $1::date, NULL, ROW(id, $1, $1::date + 40, $1, $1::date + 365, '{1000}', '{12}',
    '{55000}', '{5500}')::gate.bill_drafts, $2) FROM gate.contracts WHERE handle = 'demo-overdue'
"""


@pytest.fixture
async def demo(postgres: EmbeddedPostgres, database: str, pool: Pool) -> Settings:
    """The demo contracts, of which demo-overdue has the invoice F00000001 over 60,500 yen."""
    now = utc_now()
    async with pool.acquire() as conn:
        await make_demo(conn, now)
    await pool.execute("UPDATE gate.contracts SET fee_yen = 55000, term_months = 12")
    await pool.execute(ISSUE, jst_date(now), now)
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


async def test_a_credit_invoice_is_made_and_printed(demo: Settings) -> None:
    today = jst_date(utc_now())
    page = await keiyaku(demo, "invoice show F00000001 --html")
    assert all(told in page for told in ("<h1>適格請求書", "Keiyaku Demo CA", "デモ銀行", "普通 1234567"))
    into = "--bank 0001 --branch 001 --kind 1 --number 1234567 --bank-name 例示 --branch-name 本店 --holder ｹｲﾔｸ"
    issuer = f"invoice seller CA Tokyo T7000012050002 {into} {BOTH}"
    assert json.loads(await keiyaku(demo, f"{issuer} --json"))["of_corporation"]
    assert json.loads(await keiyaku(demo, "invoice show F00000001 --json"))["total_yen"] == 60_500
    paid = json.loads(
        await keiyaku(demo, f"payment add F00000001 60500 --value-date {today} --remitter X --source f --json")
    )
    wanted = f"invoice credit F00000001 5500 --rate 1000 {BOTH} --reason agreed"
    assert "--refund" in await refused(demo, wanted, 1)
    made = json.loads(await keiyaku(demo, f"{wanted} --refund {paid['receipt']} --json"))
    assert made["number"] == "C00000001"
    page = await keiyaku(demo, "invoice show C00000001 --html")
    for told in ("適格返還請求書", "F00000001", "5,500", "10 %", "返金額"):
        assert told in page
    assert "5500" in await keiyaku(demo, "invoice show C00000001")
    assert "C00000001" in await keiyaku(demo, "invoice credits demo-overdue")
    assert "no credit invoice" in await refused(demo, "invoice show C00000002", 1)


async def test_a_rate_cut_is_credited_or_left(demo: Settings, pool: Pool) -> None:
    now = utc_now()
    assert await keiyaku(demo, "invoice tax-credits") == "none\n"
    await pool.execute("INSERT INTO gate.tax_rates VALUES ($1, 500)", jst_date(now) - timedelta(days=1))
    await claim_differences(pool, now)
    [waits] = json.loads(await keiyaku(demo, "invoice tax-credits --json"))
    assert (waits["invoice"], waits["amount_yen"]) == ("F00000001", 2_750)
    assert "keiyaku invoice tax-credit" in await keiyaku(demo, "desk")
    decided = f"invoice tax-credit F00000001 --reason cut {BOTH}"
    assert await keiyaku(demo, decided) == "credit invoice C00000001\n"
    assert "no credit of tax" in await refused(demo, f"{decided} --decline", 1)


async def test_tax_that_is_left_stays(demo: Settings, pool: Pool) -> None:
    now = utc_now()
    await pool.execute("INSERT INTO gate.tax_rates VALUES ($1, 500)", jst_date(now) - timedelta(days=1))
    await claim_differences(pool, now)
    said = await keiyaku(demo, f"invoice tax-credit F00000001 --decline --reason netted {BOTH}")
    assert said == "2750 yen of invoice F00000001 stay as they were billed\n"
    assert await keiyaku(demo, "invoice tax-credits") == "none\n"


async def test_an_early_end_is_settled(demo: Settings) -> None:
    wanted = f"invoice settle demo 0 --cause cancelled --reason agreed {BOTH}"
    assert "has not ended" in await refused(demo, wanted, 1)
    await keiyaku(demo, "contract cancel demo --by demo-officer-1")
    assert json.loads(await keiyaku(demo, f"{wanted} --json"))["outcome"] == "nothing_owed"
    assert "demo-officer-2" in await keiyaku(demo, "invoice settlements")


async def test_names_of_dealers(demo: Settings, pool: Pool) -> None:
    assert "no application names" in await refused(demo, "bank dealer add D ﾃﾞｲ-ﾗ- --by demo-officer-1", 1)
    await pool.execute(
        "INSERT INTO office.applications (contract_id, own_use, representative, applicant_id, servers, dealer, "
        "stated_at) SELECT c.id, true, 'R', p.id, '{}', 'D', now() FROM gate.contracts c, gate.persons p "
        "WHERE c.handle = 'demo' AND p.handle = 'demo-officer-1' ON CONFLICT (contract_id) DO UPDATE SET dealer = 'D'"
    )
    made = json.loads(await keiyaku(demo, "bank dealer add D ﾃﾞｲ-ﾗ- --by demo-officer-1 --json"))
    assert made["id"] in await keiyaku(demo, "bank dealer list")
    assert await keiyaku(demo, f"bank dealer remove {made['id']}") == f"alias {made['id']} is removed\n"
