"""`keiyaku incident` and `report compromise`, as a shell runs them."""

from datetime import timedelta
from pathlib import Path

import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import incidents, revocations
from sql import Conn, Pool
from tests.acme_server.commands.test_revocation_commands import PEOPLE, run, said
from tests.ca.test_key_proof import EC, csr, pem, signature, spki
from tests.office.conftest import accepted as accepted
from tests.office.conftest import applied as applied
from tests.office.conftest import operator as operator
from tests.office.conftest import reviewed as reviewed
from tests.office.use_cases.issued import issue, publish, revoked

PLAN = (
    "--title",
    "wrong profile",
    "--ground",
    "misissued",
    "--explanation",
    "https://ca.example/incident",
    "--by",
    "ann",
)


@pytest.fixture
def settings(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> Settings:
    """Of the database with the contract `acme`."""
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


@pytest.mark.std("C-166", "C-159")
async def test_an_incident_from_plan_to_report(settings: Settings, accepted: Conn, pool: Pool, tmp_path: Path) -> None:
    now = utc_now()
    serials = [await issue(pool, "acme", number, now) for number in range(3)]
    path = tmp_path / "serials.txt"
    path.write_text("# of the report\n" + "".join(f"{serial.hex(':')}  # seen\n" for serial in serials[:2]))
    known = ("--known", (now - timedelta(hours=1)).isoformat(), "--serials", str(path))
    made = (await said(settings, "incident plan", *PLAN, *known))["incident"]
    assert (made["certificates"], made["query"], made["case_state"]) == (2, "serials 2 in a list", "open")
    line = f"incident run {made['id']} --rate 50"
    look = await run(settings, line)
    assert "nothing is done. Published by" in look.output
    for missing in ((), ("--by", "ann", "--reason", "r")):
        refused = await run(settings, line, "--execute", *missing)
        assert (refused.exit_code, "--and" in refused.output) == (1, True)
    assert await revoked(pool) == {}
    done = await said(settings, line, "--execute", "--wait", "0s", "--reason", "seen", *PEOPLE)
    assert (done["revoked"], done["incident"]["finished_at"] is not None) == (2, True)
    assert await revoked(pool) == dict.fromkeys(serials[:2], 4)
    await publish(pool, utc_now())
    await revocations.settle(accepted, utc_now())
    told = await said(settings, f"incident report {made['id']}")
    assert (told["in_time"], [count["published"] for count in told["counts"]]) == (True, [2])
    table = await run(settings, f"incident report {made['id']}")
    assert "in time" in table.output
    assert [each["id"] for each in await said(settings, "incident list --all")] == [made["id"]]
    assert await said(settings, "incident list") == []


async def test_paused_it_is_resumed_by_a_person_with_a_reason(settings: Settings, accepted: Conn, pool: Pool) -> None:
    now = utc_now()
    await issue(pool, "acme", 1, now)
    made = (await said(settings, "incident plan --contract acme --known", now.isoformat(), *PLAN))["incident"]
    pace = incidents.Pace(10, timedelta(0))
    await incidents.begin(accepted, made["id"], "ann", "bob", "seen", pace, utc_now())
    await said(settings, f"incident pause {made['id']} --by bob --reason slow")
    refused = await run(settings, f"incident run {made['id']} --execute")
    assert (refused.exit_code, "it is paused" in refused.output) == (1, True)
    done = await said(settings, f"incident run {made['id']} --execute --by ann --reason mended")
    assert (done["revoked"], len(await revoked(pool))) == (1, 1)
    assert (await said(settings, f"incident show {made['id']}"))["incident"]["case_state"] == "revoked"


@pytest.mark.std("C-166")
async def test_a_drill_is_one_command_and_revokes_nothing(settings: Settings, pool: Pool) -> None:
    for number in range(3):
        await issue(pool, "acme", number, utc_now())
    told = await run(settings, "incident drill --profile ov", *PEOPLE)
    assert (told.exit_code, "a drill: nothing was revoked. 3 would be published in" in told.output) == (0, True)
    found = await said(settings, "incident drill --profile ov --rate 1000", *PEOPLE)
    assert (found["in_time"], found["counts"][0]["revoked"], await revoked(pool)) == (True, 3, {})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("incident drill", "say which certificates"),
        ("incident drill --contract nobody", "no contract"),
        ("incident drill --method dns-01", "no live certificate fits: validated by dns-01\n"),
        ("incident drill --profile tlsserver", "no live certificate fits: profile tlsserver\n"),
        ("incident drill --profile tls", "fits: profile tls; profiles are tlsserver, "),
    ],
)
async def test_what_cannot_be_planned_says_why(settings: Settings, pool: Pool, line: str, why: str) -> None:
    await issue(pool, "acme", 1, utc_now())
    refused = await run(settings, line, *PEOPLE)
    assert (refused.exit_code, why in refused.output) == (1, True)
    assert await pool.fetchval("SELECT count(*) FROM office.incidents") == 0


@pytest.mark.std("C-163", "C-161")
@pytest.mark.parametrize("kind", ["csr", "statement"])
async def test_a_compromise_is_reported_with_its_proof(
    settings: Settings, accepted: Conn, pool: Pool, tmp_path: Path, kind: str
) -> None:
    serial = await issue(pool, "acme", 1, utc_now(), key=spki(EC))
    proof, signed = tmp_path / "proof.pem", tmp_path / "statement.sig"
    proof.write_bytes(csr(EC) if kind == "csr" else pem(EC))
    signed.write_bytes(signature(EC))
    more = ("--signature", str(signed)) if kind == "statement" else ()
    given = ("--proof", str(proof), "--reporter", "F", "--email", "f@example.org")
    found = await said(settings, "report compromise", *given, *more)
    assert (found["certificates"], found["blocked_before"]) == (1, False)
    await revocations.go_on(accepted, utc_now())
    assert await revoked(pool) == {serial: 1}
