"""Two years of ten contracts, played day by day on the real database, CA, signer and use cases, against tables.

`keiyaku demo story` plays the same scenes.
"""

import logging
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
from tests.acceptance.names import look
from tests.simulators import bank_files

TABLES = Path(__file__).parent / "two_years.txt"
# By kind: on how many rows that give a rule, and how many of those cite what was in force (T20-3).
CITING = """SELECT e.kind, count(*),
        count(*) FILTER (WHERE said ->> 'terms_version' = gate.terms_in_force(e.recorded_at))
    FROM evidence.records e, LATERAL (SELECT convert_from(e.content, 'UTF8')::jsonb AS said) c
    WHERE said ? 'rule' GROUP BY e.kind"""
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


@pytest.mark.timeout(600)  # 730 days of ten contracts, on whatever machine
@pytest.mark.rule("T12-3", "T23-3", "T20-3")
async def test_every_state_notice_invoice_and_certificate_of_two_years(
    postgres: EmbeddedPostgres, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = postgres.dsn("{role}", database)
    settings = settings_of(tmp_path, DATABASE__EMBEDDED="false", DATABASE__URL=url)
    told: list[str] = []
    outcome = await play(settings, postgres.dsn(database=database), MONTHS, lambda line: told.append(str(line)))
    known = await look(postgres.dsn(database=database))
    assert len(known) > 20
    assert known.evidence == []
    assert known.in_text(caplog.text) == []
    refusals = [line for line in told if "refused" in line]
    found = {title: getattr(outcome, title) for title in Outcome.__struct_fields__} | {"refusals": refusals}
    for title, rows in expected().items():
        assert sorted(found[title]) == sorted(rows), title
    assert set(expected()) == set(TITLES)
    assert not CLOCK.ahead()  # the story's clock ends with it
    conn = await asyncpg.connect(postgres.dsn(database=database))
    citing = {kind: (rows, cited) for kind, rows, cited in await conn.fetch(CITING)}
    await conn.close()
    before_the_first_terms = {"customer.added", "person.added", "plan.added", "text.added"}
    assert {kind: of for kind, of in citing.items() if of[0] != of[1]}.keys() <= before_the_first_terms
    assert {"contract.accepted", "certificate.revoked", "invoice.issued"} <= citing.keys()


def test_the_storys_bank_writes_as_the_banks_of_the_tests_do() -> None:
    first, last = FIRST_DAY, FIRST_DAY + DAY
    ours = bank_file.bank_file(first, last, [bank_file.Credit(last, "ｶ)ｻｸﾗ", 60_500), bank_file.Credit(first, "ｳﾒ", 1)])
    theirs = bank_files.Statement(
        [bank_files.Credit(60_500, "ｶ)ｻｸﾗ", last), bank_files.Credit(1, "ｳﾒ", first)], first, last
    )
    assert ours == bank_files.whole([theirs])
