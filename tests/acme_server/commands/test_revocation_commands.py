"""`keiyaku certificate`, `revocation` and `report`, as a shell runs them."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import accepted as accepted
from tests.office.conftest import applied as applied
from tests.office.conftest import operator as operator
from tests.office.conftest import reviewed as reviewed
from tests.office.use_cases.issued import issue, revoked

ROOT = click.Group("keiyaku", commands=GROUPS)
PEOPLE = ("--by", "ann", "--and", "bob")


async def run(settings: Settings, line: str, *more: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, ROOT, [*line.split(), *more], obj=settings)


async def said(settings: Settings, line: str, *more: str) -> Any:
    """What the command prints as JSON; it succeeds."""
    done = await run(settings, line, *more, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def test_officers_see_decide_and_revoke(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    serials = sorted([(await issue(pool, "acme", n, NOW)).hex() for n in range(2)])
    listed = await said(settings, "certificate list --contract acme")
    assert sorted(each["serial"] for each in listed) == serials
    for several in ("", " --contract acme --customer kaisha"):
        asked = await run(settings, f"certificate list{several}")
        assert (asked.exit_code, "one of --contract, --customer and --key" in asked.output) == (1, True)
    plan = await said(settings, "certificate revoke --contract acme --ground damage")
    assert [each["serial"] for each in plan["live"]] == serials
    table = await run(settings, "certificate revoke --contract acme --ground damage")
    assert "nothing is revoked" in table.output
    whole = await said(settings, "certificate revoke --issuer issuing --ground ca_key")
    assert (whole["clause"], len(whole["live"])) == ("A11.4.8", len(serials))
    assert "is unknown: choose issuing" in (await run(settings, "certificate revoke --issuer other")).output
    alone = await run(settings, "certificate revoke --contract acme --execute --by ann")
    assert (alone.exit_code, "--and" in alone.output) == (1, True)
    assert await revoked(pool) == {}
    taken = await said(
        settings, f"report take {serials[0]} --by ann --reporter R --email r@example.org --what spam"
    )  # fmt: skip
    led = await said(settings, f"report lead {taken['id']} misissued --by ann")
    done = await said(settings, f"revocation decide {led['case']['id']} --reason seen", *PEOPLE)
    assert (done["case"]["state"], done["code"]) == ("decided", 4)
    done = await said(settings, f"revocation execute {led['case']['id']}")
    assert (done["case"]["state"], done["case"]["revoked"]) == ("revoked", 1)
    last = f"certificate revoke {serials[1]} --ground misissued --execute --reporter R --note N"
    assert (await said(settings, last, *PEOPLE))["case"]["revoked"] == 1
    shown = await said(settings, f"certificate show {serials[1]}")
    assert (shown["reason"], shown["published_at"], len(shown["cases"])) == (4, None, 1)
    assert len(await said(settings, "revocation list")) == 2
    assert (await run(settings, f"revocation status {led['case']['id']}")).exit_code == 0


@pytest.mark.std("C-143")
async def test_two_people_move_the_date_of_a_compromise_back(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    serial = (await issue(pool, "acme", 1, NOW)).hex()
    begins = await pool.fetchval("SELECT not_before FROM ca.certificates")
    key = (await said(settings, f"certificate show {serial}"))["key_sha256"]
    early, late = (begins + timedelta(hours=hours) for hours in (1, 2))

    async def dated(since: datetime, *people: str) -> Result:
        line = f"certificate compromised {serial} --since {since.isoformat()} --note proof"
        return await run(settings, line, *(people or PEOPLE), "--json")

    assert "not revoked for a compromised key" in (await dated(late)).output
    await said(settings, f"certificate revoke --key {key} --ground compromise --execute --reporter R --note N", *PEOPLE)
    await pool.execute("UPDATE ca.revocations SET published_at = $1", NOW)
    await pool.execute("DELETE FROM acme.jobs")
    assert "named twice" in (await dated(late, "--by", "ann", "--and", "ann")).output
    assert "must lie between" in (await dated(begins - timedelta(seconds=1))).output
    assert "must lie between" in (await dated(NOW + timedelta(days=9000))).output
    for since in (late, early):
        done = await dated(since)
        assert done.exit_code == 0, done.output
        row = await pool.fetchrow("SELECT compromised_at, published_at, reason FROM ca.revocations")
        assert tuple(row) == (since, None, 1)
    assert "as early as that already" in (await dated(late)).output
    assert await pool.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'crl'") == 1
    kinds = "SELECT count(*) FROM evidence.records WHERE kind = 'certificate.compromise_dated'"
    assert await pool.fetchval(kinds) == 2


async def test_a_material_breach_is_confirmed_with_its_deadline(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    opened = await said(settings, "revocation case breach --contract acme --reporter R --note N")
    line = f"revocation materiality {opened['case']['id']} --reason seen"
    look = await run(settings, line, *PEOPLE)
    assert "nothing is recorded" in look.output
    until = look.output.split()[-1]
    told = await said(settings, line, *PEOPLE, "--confirm", until)
    assert told["deadline_at"][:16] == until[:16]
