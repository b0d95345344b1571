"""`keiyaku ct logs`, as it is typed: the logs that issuance would ask now."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.config_sections import Ct, Database
from acme_server.dev.postgres import EmbeddedPostgres
from ca import log_lists
from ca.ct_publisher import publisher
from ca.log_lists import LogLists, Published
from sql import Pool, evidence
from tests.acme_server.commands.test_commands import keiyaku, refused, run
from tests.simulators.ct_log import ListPublisher, SimulatedLog, log_list

DAY = timedelta(days=1)


def logs(now: datetime) -> list[SimulatedLog]:
    """Two that take short certificates, one that takes long ones too, one of static tiles, and one that is retired."""
    at = lambda name, **how: SimulatedLog(name, name[0], (), utc_now, url=f"https://{name}.test/", **how)  # noqa: E731
    short = {"ends_from": now - DAY, "ends_before": now + 90 * DAY}
    return [at("a-short", **short), at("b-short", **short), at("b-long", ends_from=now, ends_before=now + 900 * DAY),
            at("c-tiles", tiled=True), at("d-old", state="retired")]  # fmt: skip


@pytest.fixture
async def settings(postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path) -> Settings:
    """A signed list, and evidence of an SCT that a-short gave an hour ago, of another before, and of an old one."""
    now, ours = utc_now(), ListPublisher()
    (tmp_path / "key.pem").write_bytes(ours.pem)
    made = logs(now)
    content = log_list(made, now)
    found = Published(content, ours.sign(content))
    await log_lists.insert(pool, LogLists(publisher(ours.pem)), found, "https://list.test", "process:work", now)
    async with pool.acquire() as conn:
        for log, age in ((made[0], DAY / 24), (made[0], DAY / 12), (made[1], 2 * DAY)):
            sct = {"log": log.name, "operator": log.operator, "log_id": log.id.hex(), "at": now - age}
            await evidence.append(conn, evidence.entry("scts.recorded", "process:test", now - age, scts=[sct]))
    ct = Ct(required=True, log_list_key=Path("key.pem"))
    return Settings(data=tmp_path, database=Database(embedded=False, url=postgres.dsn("{role}", database)), ct=ct)


@pytest.mark.std("C-130", "C-128")
@pytest.mark.parametrize(
    ("days", "asked", "needed", "enough"),
    [
        pytest.param("--days 6", ["a-short", "b-long", "b-short", "c-tiles"], 2, True, id="six days"),
        pytest.param("--days 180", ["b-long", "c-tiles"], 2, True, id="180 days"),
        pytest.param("--days 181", ["b-long", "c-tiles"], 3, False, id="181 days"),
        pytest.param("", ["b-long", "c-tiles"], 3, False, id="the first profile"),
    ],
)
async def test_which_logs_are_asked(settings: Settings, days: str, asked: list[str], needed: int, enough: bool) -> None:
    found = json.loads(await keiyaku(settings, f"ct logs {days} --json"))
    assert [one["log"] for one in found["logs"] if one["is_asked"]] == asked
    assert (found["scts_needed"], found["are_enough"], found["is_signed"]) == (needed, enough, True)
    assert {one["log"]: one["state"] for one in found["logs"]}["d-old"] == "retired"


async def test_who_answered_lately_is_shown(settings: Settings) -> None:
    found = json.loads(await keiyaku(settings, "ct logs --days 6 --json"))
    ages = {one["log"]: one["sct_at"] and utc_now() - datetime.fromisoformat(one["sct_at"]) for one in found["logs"]}
    assert ages.pop("a-short") < timedelta(hours=1, minutes=5)
    assert set(ages.values()) == {None}
    shown = await keiyaku(settings, "ct logs --days 6")
    assert ("d-old" in shown, "a-short" in shown) == (False, True)
    assert "d-old" in await keiyaku(settings, "ct logs --all")


async def test_without_a_list_that_is_believed_there_is_nothing_to_show(settings: Settings, pool: Pool) -> None:
    await pool.execute("UPDATE ca.log_lists SET signature = ''")
    assert "no list of logs that is believed" in await refused(settings, "ct logs", 1)
    (settings.data / "key.pem").unlink()
    assert "key.pem: No such file" in await refused(settings, "ct logs", 1)


@pytest.mark.std("C-130")
async def test_where_nobodys_signature_is_asked_for_that_is_said(settings: Settings) -> None:
    said = "the signature of the list was not looked at: this machine has no folder /another-machine"
    elsewhere = msgspec.structs.replace(settings.ct, log_list_key=Path("/another-machine/key.pem"))
    done = await asyncio.to_thread(run, msgspec.structs.replace(settings, ct=elsewhere), "ct logs")
    assert (done.exit_code, said in done.stderr) == (0, True)
    assert (await asyncio.to_thread(run, settings, "ct logs")).stderr == ""


async def test_where_no_certificate_needs_scts_that_is_said(settings: Settings) -> None:
    without = msgspec.structs.replace(settings, ct=Ct())
    assert "no certificate gets SCTs here" in await refused(without, "ct logs", 1)
    assert "a-short" in await keiyaku(settings, "ct logs --days 6")
