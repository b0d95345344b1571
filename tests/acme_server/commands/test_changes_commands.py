"""`keiyaku change`, `seal`, `timer` and the duties of Articles 16, 17, 25 and 28, as they are typed."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from acme_server.clock import utc_now
from acme_server.commands.output import text
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.articles.article_16_secrecy import RETENTION
from contract_gate.articles.article_25_liability import EXCLUSIONS
from contract_gate.calendar import jst_date
from office.storage import revocations
from office.storage.tokens import Caller
from office.use_cases import asked, documents, proposals, register
from sql import Conn, Pool
from tests.acme_server.commands.test_commands import keiyaku, refused
from tests.conftest import NOW
from tests.office.conftest import accepted as accepted
from tests.office.conftest import applied as applied
from tests.office.conftest import operator as operator
from tests.office.conftest import reviewed as reviewed
from tests.office.edge.test_seal import issued

DAY = timedelta(days=1)


@pytest.fixture
def settings(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> Settings:
    """Those of the commands, on the database with contract `acme` in force."""
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


async def told(settings: Settings, line: str, *more: str) -> Any:
    """What the command prints as JSON."""
    return json.loads(await keiyaku(settings, f"{line} --json", *more))


async def waits(settings: Settings) -> list[tuple[str, str]]:
    """What waits at the desk, and the command that ends it."""
    return [(task["subject"], task["ended_by"]) for task in await told(settings, "desk")]


async def proof(conn: Conn) -> str:
    """The id of a document that arrived just now."""
    now = utc_now()
    return str(await documents.keep(conn, "acme", "registry", jst_date(now), b"proof", "ann", bytes(32), now))


@pytest.mark.rule("T6-1", "T6-2")
async def test_a_change_is_reported_confirmed_and_done(settings: Settings, accepted: Conn) -> None:
    document = await proof(accepted)
    made = await told(settings, f"change report acme address --document {document} --by ann")
    assert (made["handling"], made["confirmed_at"]) == ("register", None)
    assert [row["id"] for row in await told(settings, "change list")] == [made["id"]]
    assert "not confirmed yet" in await refused(settings, f"change finish {made['id']} --by bob", 1)
    assert (made["id"], "keiyaku change confirm") in await waits(settings)
    await keiyaku(settings, f"change confirm {made['id']} --source registry --by bob")
    assert (made["id"], "keiyaku change finish") in await waits(settings)
    done = await told(settings, f"change finish {made['id']} --by bob", "--name", "株式会社 新")
    assert done["done_at"] > done["confirmed_at"] > done["arrived_at"]
    assert await told(settings, "change list") == []
    assert made["id"] not in {subject for subject, _ in await waits(settings)}
    assert [row["id"] for row in await told(settings, "change list acme")] == [made["id"]]
    assert [row["name"] for row in await told(settings, "customer list")] == ["株式会社 新"]
    assert await told(settings, "change register") == []


@pytest.mark.rule("T6-3", "T6-4", "T14-1")
async def test_what_certificates_show_blocks_and_a_late_succession_is_a_case(
    settings: Settings, accepted: Conn, pool: Pool
) -> None:
    await issued(pool, "acme", 1, NOW)
    document = await proof(accepted)
    named = f"change report acme name --document {document} --organization Nova --by ann"
    assert (await told(settings, named))["handling"] == "new_contract"
    shown = json.loads(await keiyaku(settings, "contract show acme --json"))
    assert [change["item"] for change in shown["changes"]] == ["organization"]
    assert [case["ground"] for case in await told(settings, "revocation list")] == ["change_learned"]
    long_ago = jst_date(utc_now()) - 40 * DAY
    late = await told(
        settings, f"change report acme succession --document {document} --succeeded {long_ago} --by ann"
    )  # fmt: skip
    assert late["late_case_id"] in {case["id"] for case in await told(settings, "revocation list")}
    assert "legal effective date" in await refused(
        settings, f"change report acme succession --document {document} --by ann", 1
    )


@pytest.mark.rule("T1-3", "T19-2")
async def test_the_seal_is_asked_for_checked_and_withdrawn(settings: Settings, pool: Pool) -> None:
    assert "is off" in await refused(settings, "seal check acme", 1)
    page, image = (line.split()[1] for line in (await keiyaku(settings, "seal request acme --by ann")).splitlines())
    [row] = await told(settings, "seal list")
    assert (page, image) == (f"http://localhost:14001/seal/{row['token']}", f"{page}/image.svg")
    assert not (await told(settings, "seal check acme"))["valid"]
    await issued(pool, "acme", 1, utc_now() - DAY)
    found = await told(settings, "seal check acme --page https://shop.example.jp/cart")
    assert (found["valid"], found["on_host"], found["host"]) == (True, True, "shop.example.jp")
    assert not (await told(settings, "seal check acme --page https://thief.test/"))["on_host"]
    assert await keiyaku(settings, "seal withdraw acme --by ann") == "the seal of acme is off\n"
    assert "is off" in await refused(settings, "seal check acme", 1)
    await keiyaku(settings, "contract cancel acme --by ann")
    assert "has ended" in await refused(settings, "seal request acme --by ann", 1)


@pytest.mark.rule("T10-3", "T12-3")
async def test_a_timer_is_extended_by_record(settings: Settings, accepted: Conn, pool: Pool) -> None:
    now = utc_now()
    suspension = (await keiyaku(settings, "gate suspend --clause A10.1 --cause flood --by ann")).strip()
    until = (now + 100 * DAY).isoformat(timespec="seconds")
    extend = f"--suspension {suspension} --until {until} --reason flood --by bob"
    assert "waits for no reissue" in await refused(settings, f"timer extend acme reissue {extend}", 1)
    contract = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    await revocations.reissue_pending(accepted, contract, now, now + 30 * DAY)
    await keiyaku(settings, f"timer extend acme reissue {extend}")
    assert await pool.fetchval("SELECT ends_at FROM office.reissues_pending") == datetime.fromisoformat(until)
    told_until = text(datetime.fromisoformat(until))
    assert (
        await keiyaku(settings, f"timer extend acme lapse {extend}") == f"the lapse of acme waits until {told_until}\n"
    )
    assert {row["timer"] for row in await told(settings, "timer list acme")} == {"lapse", "reissue"}
    assert {row["extended_by"] for row in await told(settings, "timer list")} == {"bob"}


@pytest.mark.rule("T16-2")
async def test_a_leak_has_two_reports(settings: Settings) -> None:
    found = (utc_now() - DAY).isoformat()
    record = f"leak record --found {found} --malicious --measures closed --customer kaisha --by ann"
    leak = (await keiyaku(settings, record, "--affected", "40 contacts")).strip()
    assert "still to come" in await refused(settings, f"leak report {leak} --final --by ann", 1)
    assert (leak, "keiyaku leak report") in await waits(settings)
    await keiyaku(settings, f"leak report {leak} --by ann")
    await keiyaku(settings, f"leak report {leak} --final --by ann")
    [row] = await told(settings, "leak list")
    assert (row["id"], row["malicious"]) == (leak, True)
    assert row["preliminary_at"] <= row["final_at"]


@pytest.mark.rule("T25-3")
async def test_every_exclusion_is_answered(settings: Settings, pool: Pool) -> None:
    today = jst_date(utc_now())
    line = f"liability propose acme --incident {today} --damage 30000 --by ann"
    answers = [word for item in EXCLUSIONS for word in ("--not-applies", item)]
    assert "has no certificate" in await refused(settings, " ".join((line, *answers)), 1)
    await issued(pool, "acme", 1, utc_now() - DAY)
    assert "A25.1.11" in await refused(settings, " ".join((line, *answers[:-2])), 1)
    made = await told(settings, line, *answers)
    assert (made["ceiling_yen"], made["proposed_yen"]) == (0, 0)  # nothing is received yet
    [row] = await told(settings, "liability list acme")
    assert (row["answered_by"], row["excluded_by"], row["terms_version"]) == ("ann", [], "1")


@pytest.mark.rule("T17-1")
async def test_subcontractors_are_a_register(settings: Settings, accepted: Conn) -> None:
    await register.add_person(accepted, "sub", "Sub", "Partner", NOW)
    await keiyaku(settings, "subcontractor add Partner --role call_back --from 2026-04-01 --by ann")
    again = "subcontractor add Partner --role mail --from 2026-04-01 --by ann"
    assert "is in the register" in await refused(settings, again, 1)
    await refused(settings, "subcontractor add Other --role domain_validation --from 2026-04-01 --by ann", 2)
    [row] = await told(settings, "subcontractor list")
    assert (row["organisation"], row["persons"], row["until_on"]) == ("Partner", 1, None)
    await keiyaku(settings, "subcontractor end Partner --until 2026-12-31 --by ann")
    assert [row["until_on"] for row in await told(settings, "subcontractor list")] == ["2026-12-31"]


@pytest.mark.rule("T28-1")
async def test_a_consultation_is_held_reviewed_and_ended(settings: Settings) -> None:
    day = jst_date(utc_now()) + 9 * DAY
    start = f"consultation start acme --reason dispute --owner bob --review {day} --by ann"
    await keiyaku(settings, start)
    assert "held already" in await refused(settings, start, 1)
    assert "keiyaku consultation end" in {command for _, command in await waits(settings)}
    await keiyaku(settings, f"consultation review acme --next {day + DAY} --by bob")
    [row] = await told(settings, "consultation list")
    assert (row["contract"], row["owner"], row["review_on"]) == ("acme", "bob", str(day + DAY))
    await keiyaku(settings, "consultation end acme --by bob")
    assert await told(settings, "consultation list") == []
    assert "no consultation" in await refused(settings, "consultation end acme --by bob", 1)


@pytest.mark.rule("T16-2")
async def test_what_is_kept_has_a_purpose_and_an_end(settings: Settings, accepted: Conn, pool: Pool) -> None:
    rows = await told(settings, "retention list")
    assert [row["field"] for row in rows] == list(RETENTION)
    assert all(row["purpose"] and row["years"] and row["since"] for row in rows)
    await proof(accepted)
    await keiyaku(settings, "contract cancel acme --by ann")
    assert (await keiyaku(settings, "retention run")).endswith(": 0\n")
    await pool.execute("UPDATE gate.contracts SET ended_at = ended_at - interval '3 years'")
    assert not (await keiyaku(settings, "retention run")).endswith(": 0\n")
    assert await pool.fetchval("SELECT sealed_content FROM office.documents") is None
    of_documents = next(row for row in await told(settings, "retention list") if row["field"] == "documents.content")
    assert (of_documents["destroyed"], of_documents["columns"][0]) == (1, "office.documents.sealed_content")
    done = await told(settings, "retention destroyed")
    assert {row["field"] for row in done} >= {"documents.content", "applications.representative", "screenings.subject"}
    assert {row["destroyed_at"] for row in done} >= {of_documents["last_destroyed_at"]}


async def proposed(pool: Pool, role: str, kind: str, given: dict[str, str]) -> str:
    """The id of what ann proposes through the API."""
    async with pool.acquire() as conn:
        ann, now = (await asked.person(conn, "ann")).id, utc_now()
        caller = Caller(ann, ann, "ann", None, role, None, None, now + DAY)
        return str((await proposals.propose(conn, caller, kind, given, now)).id)


@pytest.mark.rule("T13-3")
async def test_what_one_proposed_another_confirms_and_a_hold_is_on_no_desk(settings: Settings, pool: Pool) -> None:
    hold = (await keiyaku(settings, "hold set acme --kind conduct --item 2 --reason x --by ann")).strip()
    opened = await told(settings, "revocation case breach --contract acme --reporter R --note N")
    case = opened["case"]["id"]
    deciding = {"case": case, "reason": "seen"}
    of_hold = await proposed(pool, "compliance", "hold.confirm", {"hold": hold})
    await proposed(pool, "officer", "revocation.decide", deciding)
    [row] = await told(settings, "proposal list")
    assert (row["kind"], row["state"], row["proposed_by"]) == ("revocation.decide", "open", "ann")
    ended_by = [command for _, command in await waits(settings) if "proposal" in command]
    assert ended_by == ["keiyaku proposal confirm"]  # the hold's is on no desk
    assert "'bob' has no such token" in await refused(settings, f"proposal confirm {row['id']} --by bob", 1)
    for approver in ("ann", "bob"):
        await told(settings, f"token new {approver} --role approver --by ann --and bob")
    assert "two different people" in await refused(settings, f"proposal confirm {row['id']} --by ann", 1)
    assert "no proposal" in await refused(settings, f"proposal confirm {of_hold} --by bob", 1)
    assert (await told(settings, f"proposal confirm {row['id']} --by bob"))["state"] == "confirmed"
    assert (await told(settings, f"revocation status {case}"))["case"]["state"] == "decided"
    assert "not open any more" in await refused(settings, f"proposal confirm {row['id']} --by bob", 1)
