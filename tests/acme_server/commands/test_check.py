"""`keiyaku check`, on a healthy database and with each fault in turn; and after a restore from backup."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest
from click.testing import CliRunner

from acme_server import checkpoint_file, evidence_key
from acme_server.clock import utc_now
from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Ca, Ct, Database, Evidence, Signer
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.dev.tls import ensure_tls
from acme_server.sealer import SealRefused, take_over
from acme_server.storage import evidence
from acme_server.use_cases.check import LOOKS, faults_of
from acme_server.use_cases.fault import Fault
from acme_server.use_cases.restore import accept_restored
from ca import hierarchy, keys, log_lists, signer
from ca.log_lists import LogLists, Published
from ca.profiles import PROFILES, lifetime
from ca.signer_client import CrlMade, SignerClient
from contract_gate.articles.article_23_service_end import earliest_end
from contract_gate.calendar import jst_date
from sql import Conn
from sql.migrate import migrate
from tests.acme_server.conftest import PASSPHRASE
from tests.architecture.ids import ROOT
from tests.simulators.ct_log import ListPublisher, SimulatedLog, list_logs, log_list

CHECK = next(each for each in GROUPS if each.name == "check")

LINE = """
WITH line AS (
    INSERT INTO office.bank_lines (file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen,
        uncleared_yen, query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels,
        virtual_number, ordinal)
    SELECT id, 1, id, 'transfer', now(), now(), 1, 0, '', '', '', '', '', '', false, '', 1 FROM office.bank_files
    RETURNING id)
INSERT INTO office.line_outcomes (line_id, state) SELECT id, $1 FROM line WHERE $1 <> 'staged'
"""


@dataclass
class Deployed:
    """A CA on a database, its files, and the faults that `check` finds."""

    settings: Settings
    owner: Conn
    operator: Conn
    signing: "asyncio.Task[None]"

    async def about(self) -> list[str]:
        return [fault.about for fault in await self.faults()]

    async def faults(self) -> list[Fault]:
        return await faults_of(self.settings, self.operator, utc_now)


@pytest.fixture
async def deployed(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> AsyncIterator[Deployed]:
    """A signer runs, the evidence is sealed, every shard has a CRL."""
    owner_dsn, stop = postgres.dsn(database=database), asyncio.Event()
    names = hierarchy.Names("JP", "Test CA", "Test Root", "Test Issuing CA", "http://status.test")
    await hierarchy.init(tmp_path / "ca", owner_dsn, PASSPHRASE, names, utc_now())
    evidence_key.create(tmp_path / "evidence.key")
    key = keys.load(hierarchy.key_file(tmp_path / "ca", hierarchy.ISSUING), PASSPHRASE)
    settings = Settings(
        data=tmp_path, database=Database(embedded=False, url=postgres.dsn("{role}", database)),
        signer=Signer(socket=tmp_path / "signer.sock"), ca=Ca(folder=tmp_path / "ca"),
        evidence=Evidence(key_file=tmp_path / "evidence.key", checkpoint_file=tmp_path / "checkpoints.jsonl"),
    )  # fmt: skip
    held = {hierarchy.ISSUING: key}
    signing = asyncio.create_task(
        signer.serve(settings.signer.socket, postgres.dsn("keiyaku_sign", database), held, stop, utc_now)
    )
    owner, operator = (
        await asyncpg.connect(owner_dsn),
        await asyncpg.connect(postgres.dsn("keiyaku_operator", database)),
    )
    await owner.execute("UPDATE evidence.seal_state SET sealed_through_at = now()")
    while not settings.signer.socket.exists():
        await asyncio.sleep(0.005)
    yield Deployed(settings, owner, operator, signing)
    stop.set()
    await asyncio.wait({signing})
    await owner.close()
    await operator.close()


async def test_nothing_is_wrong(deployed: Deployed) -> None:
    assert await deployed.faults() == []
    done = await asyncio.to_thread(CliRunner().invoke, CHECK, [], obj=deployed.settings)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].startswith("in order: migrations")
    done = await asyncio.to_thread(CliRunner().invoke, CHECK, ["--json"], obj=deployed.settings)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "[]")


@pytest.mark.parametrize(
    ("statement", "about"),
    [
        pytest.param("DELETE FROM keiyaku.migrations", "migrations", id="migration missing"),
        pytest.param("INSERT INTO keiyaku.migrations VALUES (99, 'later', '')", "migrations", id="migration newer"),
        pytest.param("UPDATE keiyaku.migrations SET sha256 = ''", "migrations", id="migration edited"),
        pytest.param("UPDATE keiyaku.cluster SET identity = 'other'", "restored", id="copy"),
        pytest.param("REVOKE INSERT ON acme.orders FROM keiyaku_acme", "roles", id="grant missing"),
        pytest.param("REVOKE SELECT ON acme.issuances FROM keiyaku_auditor", "roles", id="auditors' grant missing"),
        pytest.param("REVOKE SELECT ON office.screenings FROM keiyaku_compliance", "roles", id="compliance's missing"),
        pytest.param(
            "INSERT INTO gate.persons (id, handle, name, organisation, created_at) "
            "VALUES (gen_random_uuid(), 'eve', 'E', 'CA', now() - interval '200 days')",
            "desk", id="access not reviewed",
        ),
        pytest.param(
            "UPDATE evidence.seal_state SET sealed_through_at = now() - interval '61 s'", "evidence seal", id="seal old"
        ),
        pytest.param("UPDATE evidence.seal_state SET sealed_through_at = '-infinity'", "evidence seal", id="no seal"),
        pytest.param(
            "INSERT INTO acme.jobs (id, kind, subject, max_attempts, dead) "
            "VALUES (gen_random_uuid(), 'crl', '1/0', 1, true)", "jobs", id="job dead",
        ),
        pytest.param(
            "INSERT INTO acme.jobs (id, kind, subject, max_attempts, run_at) "
            "VALUES (gen_random_uuid(), 'crl', '1/0', 1, now() - interval '6 minutes')", "jobs", id="job waits",
        ),
        pytest.param(
            "INSERT INTO acme.jobs (id, kind, subject, max_attempts, deadline_at) "
            "VALUES (gen_random_uuid(), 'issue', 'x', 1, now() - interval '1 s')", "orders", id="order overdue",
        ),
        pytest.param("UPDATE ca.crls SET this_update = now() - interval '27 h'", "CRLs", id="CRL stale"),
        pytest.param(
            "UPDATE ca.crls SET next_update = now() + interval '59 days' WHERE issuer_id = 0", "root CRL", id="root CRL"
        ),
        pytest.param(
            "WITH drawn AS (INSERT INTO ca.serials VALUES ('\\x0102', gen_random_uuid(), 1)) INSERT INTO "
            "ca.ocsp_responses (serial, issuer_id, not_after, due_at) "
            "VALUES ('\\x0102', 1, now() + interval '1 day', now() - interval '16 minutes')", "OCSP", id="no answer",
        ),
        pytest.param(
            "INSERT INTO office.cases (id, ground, issuer_id, reporter, note, received_at, attention, deadline_at) "
            "VALUES (gen_random_uuid(), 'ca_key', 1, 'r', '', now(), true, now() + interval '11 h')",
            "revocation", id="deadline near",
        ),
        pytest.param(
            "INSERT INTO office.cases (id, ground, issuer_id, reporter, note, received_at, attention, deadline_at) "
            "VALUES (gen_random_uuid(), 'ca_key', 1, 'r', '', now(), true, now() - interval '1 s')",
            "revocation", id="deadline missed",
        ),
        pytest.param("DROP TABLE acme.orders_2026_12", "partitions", id="partition missing"),
    ],
)  # fmt: skip
async def test_fault_in_the_database_is_found(deployed: Deployed, statement: str, about: str) -> None:
    if "PARTITION" in about.upper():
        month = await deployed.owner.fetchval("SELECT to_char(now() + interval '1 month', 'YYYY_MM')")
        statement = f"DROP TABLE acme.orders_{month}"
    await deployed.owner.execute(statement)
    (fault,) = await deployed.faults()
    assert fault.about == about
    assert fault.what
    assert fault.do


@pytest.mark.rule("T8-6")
async def test_bank_data_behind_is_found(deployed: Deployed) -> None:
    today = jst_date(utc_now())
    for weeks, found in ((2, ["bank data"]), (0, [])):
        through = today - timedelta(days=7 * weeks + 1)
        await deployed.owner.execute(
            "INSERT INTO gate.bank_accounts VALUES ($1, 'a', $2, $2) "
            "ON CONFLICT (id) DO UPDATE SET covered_through = $2",
            UUID(int=1), through,
        )  # fmt: skip
        assert await deployed.about() == found


@pytest.mark.rule("T23-2")
async def test_a_day_for_which_nobody_can_be_told_in_time_any_more_is_found(deployed: Deployed) -> None:
    soonest = earliest_end(jst_date(utc_now()))
    await deployed.owner.execute("SET session_replication_role = replica")
    one, two = UUID(int=1), UUID(int=2)
    for early, closed, about in ((0, None, []), (2, one, []), (2, None, ["end of the service"])):
        await deployed.owner.execute(
            "INSERT INTO office.service_end VALUES (true, 'law', $1, 'revoke', $3, $3, $4, now(), $2) "
            "ON CONFLICT (one_row) DO UPDATE SET ends_on = $1, suspension_id = $2",
            soonest - timedelta(days=early), closed, one, two,
        )  # fmt: skip
        assert await deployed.about() == about


@pytest.mark.parametrize(
    ("imported", "booked", "state", "about"),
    [
        ("11 minutes", False, "staged", ["bank import"]),
        ("9 minutes", False, "staged", []),
        ("2 days 23 h", True, "waiting", []),
        ("73 h", True, "waiting", ["bank queue"]),
        ("73 h", True, "dismissed", []),
    ],
)
async def test_bank_files_that_wait_are_found(
    deployed: Deployed, imported: str, booked: bool, state: str, about: list[str]
) -> None:
    await deployed.owner.execute("SET session_replication_role = replica")
    await deployed.owner.execute(
        "INSERT INTO office.bank_files (id, sha256, name, imported_at, booked_at, lines, known, late, missing) VALUES "
        f"(gen_random_uuid(), sha256(''), 'a.txt', now() - interval '{imported}', "
        "CASE WHEN $1 THEN now() END, 1, 0, 0, 0)", booked,
    )  # fmt: skip
    await deployed.owner.execute(LINE, state)
    assert await deployed.about() == about


async def test_revocation_that_no_crl_shows_is_found(deployed: Deployed) -> None:
    await deployed.owner.execute("SET session_replication_role = replica")
    for minutes in (4, 6):
        await deployed.owner.execute(
            "INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by, "
            "requested_at, revoked_at, not_after) VALUES ($1, 1, gen_random_uuid(), 0, 4, 'g', 'r', now(), "
            "now() - make_interval(mins => $2), now())", bytes([minutes]), minutes,
        )  # fmt: skip
    (fault,) = await deployed.faults()
    assert fault.what == "1 revocations are on no CRL after five minutes"


async def test_fault_of_this_machine_is_found(deployed: Deployed, tmp_path: Path) -> None:
    key = hierarchy.key_file(tmp_path / "ca", hierarchy.ISSUING)
    key.chmod(0o640)
    ensure_tls(tmp_path / "dev-tls", utc_now() - timedelta(days=4000))
    deployed.signing.cancel()
    await asyncio.wait({deployed.signing})
    deployed.settings.signer.socket.unlink(missing_ok=True)
    done = await asyncio.to_thread(CliRunner().invoke, CHECK, ["--json"], obj=deployed.settings)
    assert done.exit_code == 1
    assert {fault["about"] for fault in json.loads(done.output)} == {"files", "TLS certificate", "signer"}
    assert str(key) in done.output


async def test_clock_and_ca_that_ends_are_found(deployed: Deployed) -> None:
    found = await faults_of(deployed.settings, deployed.operator, lambda: utc_now() - timedelta(seconds=7))
    assert [fault.about for fault in found] == ["clock"]
    late = await faults_of(deployed.settings, deployed.operator, lambda: utc_now() + timedelta(days=3649))
    expected = {"clock", "CA certificates", "CRLs", "root CRL", "partitions", "evidence seal", "incidents"}
    assert expected == {fault.about for fault in late}


@pytest.mark.std("C-130")
async def test_a_list_of_logs_that_is_missing_old_or_too_short_is_found(deployed: Deployed) -> None:
    deployed.settings = msgspec.structs.replace(deployed.settings, ct=Ct(required=True))
    now, whats = utc_now(), []

    async def look() -> None:
        whats.append([fault.what for fault in await deployed.faults() if fault.about == "transparency"])

    await look()
    logs = [SimulatedLog(name, name, (), utc_now, url="https://log.test") for name in ("A", "B", "C")]
    for age, some in ((timedelta(days=15), logs), (timedelta(days=13), logs), (timedelta(days=1), logs[:2])):
        await list_logs(deployed.owner, log_list(some, now - age), now)
        await look()
    end = now + lifetime(PROFILES["tlsserver"], now)
    assert whats == [
        ["there is no list of logs: nothing is issued"],
        [f"the list of logs is of {now - timedelta(days=15):%Y-%m-%d}, 15 days old"],
        [],
        [f"too few logs take certificates of profile tlsserver (until {end:%Y-%m-%d})"],
    ]


@pytest.mark.std("C-130")
async def test_a_list_of_logs_that_is_not_its_publishers_is_found(deployed: Deployed) -> None:
    ours, folder, now = ListPublisher(), deployed.settings.data, utc_now()
    logs = [SimulatedLog(name, name, (), utc_now, url="https://log.test") for name in ("A", "B", "C")]
    content = log_list(logs, now)
    found = Published(content, ours.sign(content))
    await log_lists.insert(deployed.owner, LogLists(None), found, "test", "process:test", now)
    ct, whats = Ct(required=True, log_list_key=Path("key.pem")), []

    async def look(ct: Ct) -> None:
        deployed.settings = msgspec.structs.replace(deployed.settings, ct=ct)
        whats.append([fault.what for fault in await deployed.faults() if fault.about == "transparency"])

    await look(ct)
    (folder / "key.pem").write_bytes(ours.pem)
    await look(ct)
    (folder / "key.pem").write_bytes(ListPublisher().pem)
    await look(ct)
    await look(msgspec.structs.replace(ct, log_list_key=Path("/another-machine/key.pem")))
    assert [[text.partition(":")[0] for text in each] for each in whats] == [
        [str(folder / "key.pem")], [], ["not believed", "there is no list of logs"],
        ["the signature of the list of logs was not looked at"],
    ]  # fmt: skip
    assert "its signature is not its publisher's" in whats[2][0]


def test_every_look_is_of_use() -> None:
    assert len(LOOKS) == len({look.__name__ for look in LOOKS})


def test_the_documented_list_is_the_programs() -> None:
    shown = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    done = re.findall(r"^in order: (.*)$", shown, re.MULTILINE)
    assert done == [", ".join(look.__name__.replace("_", " ") for look in LOOKS)]


async def crl_number(conn: Conn) -> int:
    return int(await conn.fetchval("SELECT max(number) FROM ca.crls WHERE issuer_id = 1 AND shard = 0"))


async def sealed(postgres: EmbeddedPostgres, settings: Settings) -> None:
    """One pass of the sealer, as its role."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_seal"))
    try:
        found = await take_over(conn, evidence_key.load(settings.evidence.key_file), settings.evidence.checkpoint_file)
        assert found is not None
        for _ in range(3):
            await found.run_once(utc_now())
    finally:
        await conn.close()


async def is_issuing(conn: Conn) -> bool:
    return await evidence.seal_lag(conn, utc_now()) < timedelta(minutes=1)


def stopped_copy(origin: EmbeddedPostgres, to: Path) -> EmbeddedPostgres:
    """A server on a file copy of a stopped one's folder."""
    shutil.copytree(origin.root, to, ignore=shutil.ignore_patterns("socket", "lock"))
    copy = EmbeddedPostgres(to, durable=False)
    copy.start()
    return copy


async def prepared(server: EmbeddedPostgres, settings: Settings) -> None:
    """A migrated database with a CA and its first CRLs; sealed."""
    admin = await asyncpg.connect(server.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE keiyaku")
    await admin.close()
    await migrate(server.dsn())
    names = hierarchy.Names("JP", "Test CA", "Test Root", "Test Issuing CA", "http://status.test")
    owner = await asyncpg.connect(server.dsn())
    await owner.execute("SELECT keiyaku.ensure_partitions(now(), 3)")
    await owner.close()
    await hierarchy.init(settings.ca.folder, server.dsn(), PASSPHRASE, names, utc_now())
    evidence_key.create(settings.evidence.key_file)
    await sealed(server, settings)


async def crl_made(server: EmbeddedPostgres, settings: Settings) -> int:
    """The number of a new CRL."""
    stop, held = asyncio.Event(), {
        hierarchy.ISSUING: keys.load(hierarchy.key_file(settings.ca.folder, hierarchy.ISSUING), PASSPHRASE)
    }  # fmt: skip
    path = settings.data / "sign"
    task = asyncio.create_task(signer.serve(path, server.dsn("keiyaku_sign"), held, stop, utc_now))
    while not path.exists():
        await asyncio.sleep(0.005)
    client = SignerClient(path)
    made = await client.crl(1, 0, 20)
    await client.close()
    stop.set()
    await task
    assert isinstance(made, CrlMade)
    return made.number


async def test_restored_copy_issues_nothing_until_it_is_checked(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, ca=Ca(folder=tmp_path / "ca"),
        evidence=Evidence(key_file=tmp_path / "evidence.key", checkpoint_file=tmp_path / "checkpoints.jsonl"),
    )  # fmt: skip
    origin = EmbeddedPostgres(tmp_path / "origin", durable=False)
    origin.start()
    try:
        await prepared(origin, settings)
        origin.stop()
        copy = stopped_copy(origin, tmp_path / "copy")  # the backup, restored elsewhere
        try:
            origin.start()
            lost = [await crl_made(origin, settings) for _ in range(3)]  # published after the backup
            await sealed(origin, settings)  # the same cluster after a restart is no copy
            origin.stop()
            await use_copy(copy, settings, max(lost))
        finally:
            copy.stop()
    finally:
        origin.stop()


async def use_copy(copy: EmbeddedPostgres, settings: Settings, lost: int) -> None:
    """What happens on the restored copy, until it issues again."""
    operator = await asyncpg.connect(copy.dsn("keiyaku_operator"))
    assert await is_issuing(operator)  # for the backup is younger than a minute
    with pytest.raises(SealRefused, match="check --restored"):
        await sealed(copy, settings)
    assert not await is_issuing(operator)
    known = checkpoint_file.last(settings.evidence.checkpoint_file)
    done = await accept_restored(operator, settings.evidence.checkpoint_file, utc_now())
    assert done.set_aside is not None
    assert checkpoint_file.last(Path(done.set_aside)) == known
    assert done.era == 2
    assert done.crls == await operator.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'crl'")
    assert not await is_issuing(operator)  # only the sealer says so
    await sealed(copy, settings)
    assert await is_issuing(operator)
    assert await operator.fetchval("SELECT max(era) FROM evidence.checkpoints") == 2
    first = await crl_made(copy, settings)
    assert first > max(lost, done.crl_floor)
    assert await crl_made(copy, settings) == first + 1
    again = await accept_restored(operator, settings.evidence.checkpoint_file, utc_now() - timedelta(days=9))
    assert again.set_aside is None
    assert await operator.fetchval("SELECT crl_floor FROM keiyaku.cluster") == done.crl_floor  # never down
    assert await operator.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'database.restored'") == 2
    await operator.close()
