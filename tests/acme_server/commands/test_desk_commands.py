"""`keiyaku desk`, `audit`, `reading`, `person leave` and `token`, as they are typed."""

import csv
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.storage.reports import NewReport
from office.use_cases import reports
from office.use_cases.demo import make_demo
from sql import Pool
from tests.acme_server.commands.test_commands import keiyaku, refused
from tests.office.use_cases.issued import issue

ONE, TWO = "demo-officer-1", "demo-officer-2"
BOTH = f"--by {ONE} --and {TWO}"


@pytest.fixture
async def demo(postgres: EmbeddedPostgres, database: str, pool: Pool) -> Settings:
    """The demo contracts with a dead job, and two reports about a certificate: one received yesterday, one just now."""
    now = utc_now()
    async with pool.acquire() as conn:
        await make_demo(conn, now)
        serial = await issue(pool, "demo", 1, now)
        for age in (timedelta(hours=30), timedelta(minutes=1)):
            await reports.take(conn, NewReport("R", "r@example.org", "spam", [serial], now - age), ONE, now)
    await pool.execute(
        "INSERT INTO acme.jobs (id, kind, subject, max_attempts, dead, run_at) "
        "VALUES (gen_random_uuid(), 'crl', '2/0', 1, true, $1)", now,
    )  # fmt: skip
    return Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))


@pytest.mark.std("C-162")
async def test_a_task_is_given_put_off_and_done(demo: Settings) -> None:
    late, *_ = json.loads(await keiyaku(demo, "desk --json"))
    assert (late["kind"], late["overdue"], late["ended_by"]) == ("report_answer", True, "keiyaku report answer")
    assert "keiyaku report answer" in await keiyaku(demo, "desk")
    later = (utc_now() + timedelta(days=1)).isoformat()
    snooze = f"desk snooze report_answer {late['subject']} --until {later} --reason busy --by {ONE}"
    assert "binds the CA" in await refused(demo, snooze, 1)
    after = ["--after", late["deadline_at"], late["kind"], late["subject"]]
    rest = json.loads(await keiyaku(demo, "desk --json", *after))
    assert late["subject"] not in {task["subject"] for task in rest}
    job = next(task for task in rest if task["kind"] == "dead_job")["subject"]
    assert await keiyaku(demo, f"desk assign dead_job {job} --to {ONE} --by {TWO}") == f"dead_job {job} is {ONE}'s\n"
    await keiyaku(demo, f"desk snooze dead_job {job} --until {later} --reason busy --by {ONE}")
    assert json.loads(await keiyaku(demo, f"desk --person {ONE} --json")) == []
    assert [task["subject"] for task in json.loads(await keiyaku(demo, f"desk --person {ONE} --snoozed --json"))] == [
        job
    ]
    await keiyaku(demo, f"desk done dead_job {job} --reason made-again --by {ONE}")
    assert job not in await keiyaku(demo, "desk --snoozed --json")
    assert "no task" in await refused(demo, f"desk done dead_job none --reason again --by {ONE}", 1)


async def test_who_is_away_has_a_deputy(demo: Settings) -> None:
    today = jst_date(utc_now())
    days = f"--from {today} --until {today + timedelta(days=2)}"
    said = await keiyaku(demo, f"desk away {ONE} --deputy {TWO} {days} --by {TWO}")
    assert said == f"{TWO} stands in for {ONE} from {today} to {today + timedelta(days=2)}\n"
    [absence] = json.loads(await keiyaku(demo, "desk absences --json"))
    assert (absence["person"], absence["deputy"]) == (ONE, TWO)
    assert await keiyaku(demo, f"desk back {ONE} --by {ONE}") == f"{ONE} is back\n"
    assert "is not away" in await refused(demo, f"desk back {ONE} --by {ONE}", 1)


@pytest.mark.rule("T16-3")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_exports_have_a_line_for_each_item(demo: Settings, form: str, tmp_path: Path) -> None:
    period = (
        f"--from {(utc_now() - timedelta(days=3)).isoformat()} --until {(utc_now() + timedelta(days=3)).isoformat()}"
    )

    (tmp_path / "key").write_bytes(bytes(range(32)))
    under_one_key = f"--key {tmp_path / 'key'}"

    async def exported(population: str, more: str = under_one_key) -> list[dict[str, object]]:
        text = await keiyaku(demo, f"audit export {population} {period} --format {form} {more}")
        return list(csv.DictReader(StringIO(text))) if form == "csv" else [json.loads(row) for row in text.splitlines()]

    no, to_come = ("False", "") if form == "csv" else (False, None)
    assert [(row["kind"], row["in_time"]) for row in await exported("deadlines")] == [
        ("report", no),
        ("report", to_come),
    ]
    [certificate] = await exported("certificates")
    [contract] = [row for row in await exported("contracts") if row["contract_id"] == certificate["contract_id"]]
    assert contract["customer_id"] == certificate["customer_id"]
    names = {str(rows[0]["customer_id"]) for rows in [await exported("certificates", "") for _ in range(2)]}
    assert len(names) == 2  # each export has pseudonyms of its own
    assert all(name.startswith("customer-") for name in (*names, str(contract["customer_id"])))
    [identified] = await exported("certificates", "--identified")
    assert UUID(str(identified["customer_id"]))
    nothing = f"audit export certificates --from 2020-01-01 --until 2020-01-02 --format {form}"
    assert await keiyaku(demo, nothing) == (",".join(identified) + "\n" if form == "csv" else "")
    (tmp_path / "key").write_bytes(b"short")
    assert "32 octets" in await refused(demo, f"audit export contracts {period} {under_one_key}", 1)
    assert "ends after it begins" in await refused(
        demo, "audit export contracts --from 2026-11-02T00:00:00Z --until 2026-11-01T00:00:00Z", 1
    )


@pytest.mark.std("C-176")
async def test_access_is_reviewed_and_leavers_are_followed(demo: Settings) -> None:
    made = json.loads(await keiyaku(demo, f"token new {ONE} --role officer {BOTH} --json"))
    [held] = json.loads(await keiyaku(demo, "token list --json"))
    assert (held["person"], held["role"]) == (ONE, "officer")
    assert made["token"] not in await keiyaku(demo, "token list --all")
    listed = await keiyaku(demo, "audit access")
    assert "keiyaku_auditor" in listed
    digest = listed.split()[-1]
    await keiyaku(demo, f"audit review {digest} {BOTH}", "--findings", "as it should be")
    [review] = json.loads(await keiyaku(demo, "audit reviews --json"))
    assert (review["first"], review["second"]) == (ONE, TWO)
    assert "1 tokens are withdrawn" in await keiyaku(demo, f"person leave {ONE} --by {TWO}")
    assert json.loads(await keiyaku(demo, "token list --json")) == []
    assert await keiyaku(demo, f"person removed {ONE} --by {TWO}") == "recorded, in time\n"
    [left] = json.loads(await keiyaku(demo, "audit leavers --json"))
    assert (left["person"], left["in_time"]) == (ONE, True)


async def test_a_withdrawn_token_is_listed_no_more(demo: Settings) -> None:
    await keiyaku(demo, f"token new exporter --role auditor --service {BOTH}")
    [held] = json.loads(await keiyaku(demo, "token list --json"))
    assert await keiyaku(demo, f"token withdraw {held['id']}") == f"token {held['id']} is withdrawn\n"
    assert await keiyaku(demo, "token list") == "none\n"
    assert len(json.loads(await keiyaku(demo, "token list --all --json"))) == 1


async def test_two_people_change_a_reading(demo: Settings) -> None:
    assert "two different" in await refused(demo, f"reading set due.roll none --by {ONE} --and {ONE}", 1)
    assert "due.roll is none from" in await keiyaku(demo, f"reading set due.roll none {BOTH}")
    [change] = json.loads(await keiyaku(demo, "audit readings --json"))
    assert (change["key"], change["value"], change["first"], change["second"]) == ("due.roll", "none", ONE, TWO)
    readings = {row["key"]: row["value"] for row in json.loads(await keiyaku(demo, "reading list --json"))}
    assert readings["due.roll"] == "none"
