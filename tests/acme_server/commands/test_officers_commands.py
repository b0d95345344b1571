"""The desk's daily work as it is typed: reports, cases, reviews, screenings, holds, notices, windows, limits."""

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
from office.use_cases.notify import notify
from sql import Pool
from sql.ids import uuid7
from tests.acme_server.commands.test_commands import keiyaku, refused
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_deliver import report

ONE, TWO = "demo-officer-1", "demo-officer-2"
BY, BOTH = f"--by {ONE}", f"--by {ONE} --and {TWO}"


@pytest.fixture
async def demo(postgres: EmbeddedPostgres, database: str, pool: Pool) -> Settings:
    """The demo contracts, and an application `new` of the same customer."""
    async with pool.acquire() as conn:
        await make_demo(conn, utc_now())
    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    await keiyaku(settings, "contract create new --customer demo --plan demo")
    return settings


@pytest.mark.std("C-162")
async def test_a_report_from_its_receipt_to_its_end(demo: Settings, pool: Pool) -> None:
    serial = (await issue(pool, "demo", 1, utc_now())).hex()
    taken = json.loads(
        await keiyaku(demo, f"report take {serial} {BY} --reporter R --email r@example.org --what spam --json")
    )
    made = taken["id"]
    assert made in await keiyaku(demo, "report list")
    assert "answer" in await refused(demo, f"report close {made} {BY}", 1)
    answered = json.loads(await keiyaku(demo, f"report answer {made} --findings seen {BY} --json"))
    assert answered["preliminary_at"] is not None
    case = json.loads(await keiyaku(demo, f"report lead {made} breach {BY} --json"))["case"]["id"]
    await keiyaku(demo, f"report close {made} {BY}")
    assert json.loads(await keiyaku(demo, f"report show {made} --json"))["case_ids"] == [case]
    assert (await keiyaku(demo, "report list"), len(json.loads(await keiyaku(demo, "report list --all --json")))) == (
        "none\n", 1,
    )  # fmt: skip
    at = (utc_now() - timedelta(minutes=1)).isoformat()
    learned = json.loads(await keiyaku(demo, f"revocation learn {case} --known own_evidence --at {at} {BY} --json"))
    assert "own_evidence" in {each["kind"] for each in learned["case"]["known"]}
    await keiyaku(demo, f"revocation decide {case} --reason seen {BOTH}")
    back = json.loads(await keiyaku(demo, f"revocation withdraw {case} --reason erroneous {BOTH} --json"))
    assert back["case"]["state"] == "open"
    await keiyaku(demo, f"revocation close {case} --reason nothing-in-it {BY}")
    assert json.loads(await keiyaku(demo, f"revocation status {case} --json"))["case"]["state"] == "closed"


@pytest.mark.rule("T13-3")
async def test_screenings_and_holds(demo: Settings) -> None:
    await keiyaku(demo, "screening add demo payer REI")
    listed = json.loads(await keiyaku(demo, "screening list demo --pending --json"))
    [payer] = [each for each in listed if each["role"] == "payer"]
    hold = (await keiyaku(demo, f"screening hit {payer['id']} --source list --grounds secret {BY}")).strip()
    assert "secret" in await keiyaku(demo, "screening findings demo")
    assert "secret" not in await keiyaku(demo, "screening list demo --json")
    assert f"{hold}" in await keiyaku(demo, "hold list --json")
    await keiyaku(demo, f"hold confirm {hold} {BOTH}")
    await keiyaku(demo, f"contract rescind demo --clause A13.1 {BOTH}")
    assert "ended" in await keiyaku(demo, "contract show demo")
    made = (
        await keiyaku(demo, f"hold set demo-overdue --kind conduct --status reported --item 1 --reason r {BY}")
    ).split()
    await keiyaku(demo, f"hold suspect {made[-1]} {BY}")


@pytest.mark.rule("T4-7")
async def test_a_review_waits_is_resumed_and_rejected(demo: Settings, tmp_path: Path) -> None:
    paper = tmp_path / "register.txt"
    paper.write_text("an extract of the register")
    obtained = jst_date(utc_now()) - timedelta(days=1)
    review = f"--source register --criteria 1 --obtained {obtained} {BY}"
    await keiyaku(demo, f"contract review new address positive {review}")
    await keiyaku(demo, f"review approve new --grounds known {BY}")
    await keiyaku(demo, f"review ask new --wanted an-extract {BY}")
    made = (
        await keiyaku(demo, f"document add new {paper} --kind register --issued {jst_date(utc_now())} {BY}")
    ).split()
    [kept] = json.loads(await keiyaku(demo, "document list new --json"))
    assert kept["id"] in " ".join(made)
    await keiyaku(demo, f"document read {kept['id']} --out {tmp_path / 'copy'} {BY}")
    assert (tmp_path / "copy").read_text() == "an extract of the register"
    await keiyaku(demo, f"review resume new {BY}")
    rejected = json.loads(await keiyaku(demo, f"review reject new --reason incomplete {BOTH} --json"))
    assert rejected["state"] == "rejected"


async def test_requesters_and_what_the_customer_does_beforehand(demo: Settings, tmp_path: Path) -> None:
    await keiyaku(demo, f"application requester-add new {ONE} {BY}")
    assert ONE in await keiyaku(demo, "application requesters new")
    await keiyaku(demo, f"application requester-remove new {ONE} {BY}")
    withdrawn = json.loads(await keiyaku(demo, f"application withdraw new {BY} --json"))
    assert withdrawn["state"] == "withdrawn"
    await keiyaku(demo, f"application standing-consent demo --plan demo {BY}")
    await keiyaku(demo, f"application standing-consent demo {BY}")
    await keiyaku(demo, "customer add other Other --kind other_organisation")
    paper = tmp_path / "consent.txt"
    paper.write_text("we agree")
    await keiyaku(demo, f"application assign demo other {paper} {BOTH}")
    assert json.loads(await keiyaku(demo, "contract show demo --json"))["contract"]["customer"] == "other"
    await keiyaku(demo, "plan close demo")


async def test_letters_are_posted_and_what_did_not_arrive_is_sent_again(
    demo: Settings, pool: Pool, tmp_path: Path
) -> None:
    now = utc_now()
    async with pool.acquire() as conn, conn.transaction():
        customer = await conn.fetchval("SELECT id FROM gate.customers WHERE handle = 'demo'")
        notice = await notify(conn, "contact_stale", now, customer_id=customer, since="2026-11-01")
    ids = [uuid7(now), uuid7(now)]
    for delivery, channel in zip(ids, ("paper", "email"), strict=True):
        await pool.execute(
            "INSERT INTO office.deliveries (id, notice_id, recipient, channel, state, address, language, subject, "
            "body, body_sha256, message_id, next_at) "
            "VALUES ($1, $2, 'customer', $3, 'person', 'a', 'ja', 's', 'b', $4, $5, $6)",
            delivery, notice, channel, bytes(32), f"m-{channel}", now,
        )  # fmt: skip
    assert len(json.loads(await keiyaku(demo, "notice list --state person --json"))) == 2
    await keiyaku(demo, f"notice posted {ids[0]} --on {jst_date(now)} {BY}")
    await keiyaku(demo, f"notice retry {ids[1]}")
    assert json.loads(await keiyaku(demo, "notice list --state person --json")) == []
    assert str(ids[1]) in await keiyaku(demo, f"notice show {ids[1]}")
    sent = tmp_path / "bounce.eml"
    sent.write_bytes(report(str(ids[1]), "failed"))
    assert "bounced" in await keiyaku(demo, f"notice bounce {sent}")
    await keiyaku(demo, "notice contact demo --language ja --postal-address Tokyo")
    await keiyaku(demo, "notice recipient demo --role payer --name Payer --email p@example.jp --language en")


@pytest.mark.rule("T23-1")
async def test_what_everybody_is_told(demo: Settings, tmp_path: Path) -> None:
    now = utc_now()
    text = tmp_path / "terms.txt"
    text.write_text("the Terms, changed")
    effective = (now + timedelta(days=60)).isoformat()
    await keiyaku(
        demo, f"terms announce demo-2 --file {text} --url https://demo.test/terms --change A8 --reason law "
        f"--effective {effective} {BY}",
    )  # fmt: skip
    assert "demo-2" in await keiyaku(demo, "terms list")
    await keiyaku(demo, f"terms withdraw demo-2 {BY}")
    day = jst_date(now) + timedelta(days=120)
    await keiyaku(demo, f"notice service-end --cause closing --on {day} --certificates run_off {BOTH}")
    assert "not told" in await refused(demo, "notice service-end-check", 1)


@pytest.mark.rule("T22-2")
async def test_windows_and_limits(demo: Settings) -> None:
    start = utc_now() + timedelta(days=30)
    line = f"--from {start.isoformat()} --until {(start + timedelta(hours=1)).isoformat()}"
    window = (await keiyaku(demo, f"maintenance plan --reason disks {line} {BY}")).split()[-1]
    assert window in await keiyaku(demo, "maintenance list")
    await refused(demo, f"maintenance open {window} {BY}", 1)
    await keiyaku(demo, f"limit set demo orders_of_contract 500 --reason growth {BY}")
    assert "500" in await keiyaku(demo, "limit list demo")
