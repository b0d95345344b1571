"""Two years of ten contracts, played day by day on the real database, CA, signer and use cases, against tables.

`keiyaku demo story` plays the same scenes.
"""

from pathlib import Path

import asyncpg
import pytest

from acme_server.clock import CLOCK
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.dev.story import bank_file
from acme_server.dev.story.outcome import Outcome
from acme_server.dev.story.play import play
from acme_server.dev.story.script import FIRST_DAY, MONTHS
from acme_server.dev.story.world import settings_of
from contract_gate.calendar import DAY
from tests.simulators import bank_files

TABLES = Path(__file__).parent / "two_years.txt"
TITLES = ("contracts", "invoices", "certificates", "notices", "refusals")


def expected() -> dict[str, list[str]]:
    """The tables of the file: a line that begins with '#' explains, one in brackets begins a table."""
    tables: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in TABLES.read_text().splitlines():
        if line.startswith("["):
            rows = tables.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            rows.append(line)
    return tables


NAMED = """
WITH people AS (
    SELECT name AS who FROM gate.persons UNION SELECT name FROM gate.customers
    UNION SELECT contact_email FROM gate.customers UNION SELECT representative FROM office.applications
    UNION SELECT subject FROM office.screenings UNION SELECT remitter FROM gate.receipts
    UNION SELECT reporter FROM office.problem_reports UNION SELECT email FROM office.problem_reports
    UNION SELECT address FROM office.deliveries UNION SELECT remitter FROM office.bank_lines
)
SELECT DISTINCT e.kind, p.who FROM people p
JOIN evidence.records e ON position(p.who IN convert_from(e.content, 'UTF8')) > 0 WHERE length(p.who) > 1 ORDER BY 1, 2
"""


@pytest.mark.timeout(600)  # 730 days of ten contracts, on whatever machine
@pytest.mark.rule("T12-3", "T16-3", "T23-3")
async def test_every_state_notice_invoice_and_certificate_of_two_years(
    postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    url = postgres.dsn("{role}", database)
    settings = settings_of(tmp_path, DATABASE__EMBEDDED="false", DATABASE__URL=url)
    told: list[str] = []
    outcome = await play(settings, postgres.dsn(database=database), MONTHS, lambda line: told.append(str(line)))
    assert await named_in_evidence(postgres.dsn(database=database)) == []
    refusals = [line for line in told if "refused" in line]
    found = {title: getattr(outcome, title) for title in Outcome.__struct_fields__} | {"refusals": refusals}
    for title, rows in expected().items():
        assert sorted(found[title]) == sorted(rows), title
    assert set(expected()) == set(TITLES)
    assert not CLOCK.ahead()  # the story's clock ends with it


async def named_in_evidence(dsn: str) -> list[tuple[str, str]]:
    """Kinds of evidence that hold what says who somebody is, of all whom the database knows (T16-3)."""
    conn = await asyncpg.connect(dsn)
    try:
        return [(row["kind"], row["who"]) for row in await conn.fetch(NAMED)]
    finally:
        await conn.close()


def test_the_storys_bank_writes_as_the_banks_of_the_tests_do() -> None:
    first, last = FIRST_DAY, FIRST_DAY + DAY
    ours = bank_file.bank_file(first, last, [bank_file.Credit(last, "ｶ)ｻｸﾗ", 60_500), bank_file.Credit(first, "ｳﾒ", 1)])
    theirs = bank_files.Statement(
        [bank_files.Credit(60_500, "ｶ)ｻｸﾗ", last), bank_files.Credit(1, "ｳﾒ", first)], first, last
    )
    assert ours == bank_files.whole([theirs])
