"""Numbers of several processes add up to one truth, also those of processes that ended."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from acme_server import tally
from acme_server.config import load
from acme_server.database import make_pool, waiting
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge import metrics
from acme_server.tally import Tallies
from acme_server.use_cases.backlog import Backlog, backlog
from ca import ct_publisher, log_lists
from ca.log_lists import LogLists, Published
from sql import Pool
from tests.conftest import NOW
from tests.simulators.ct_log import ListPublisher, list_logs, log_list, three

PROCESS = """
import sys
from pathlib import Path
from acme_server import tally
tally.count("problem", "before the fork")
book = tally.Book(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    tally.count("problem", "malformed")
    tally.observe(0.02, "request", "acme", "/dir", "GET", "200")
book.levels = lambda: {("pool", "acme"): int(sys.argv[2])}
book.write()
print("counted", flush=True)
sys.stdin.read()
"""


def process(folder: Path, times: int) -> "subprocess.Popen[str]":
    """A process that has counted so often, and lives until its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", PROCESS, folder, str(times)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "counted\n"
    return child


def finish(child: "subprocess.Popen[str]") -> None:
    child.communicate(timeout=20)
    assert child.returncode == 0


def lines(tallies: Tallies, waiting: Backlog | None = None) -> dict[str, float]:
    text = metrics.text(tallies, waiting, NOW).decode()
    return {name: float(value) for name, _, value in (
        line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}  # fmt: skip


def test_two_processes_add_up_alive_and_dead(tmp_path: Path) -> None:
    first, second = process(tmp_path, 3), process(tmp_path, 4)
    expected = {("problem", "malformed"): 7}
    assert tally.total(tmp_path).counts == expected
    finish(first)
    assert tally.total(tmp_path).counts == expected
    second.kill()
    second.communicate()
    third = process(tmp_path, 1)  # folds both away
    assert tally.total(tmp_path).counts == {("problem", "malformed"): 8}
    assert len(list(tmp_path.glob("*.live"))) == 1
    finish(third)
    found = lines(tally.total(tmp_path))
    assert found['keiyaku_problems_total{type="malformed"}'] == 8
    labels = 'listener="acme",method="GET",route="/dir",status="200"'
    assert found[f"keiyaku_request_seconds_count{{{labels}}}"] == 8
    assert found[f"keiyaku_request_seconds_sum{{{labels}}}"] == pytest.approx(0.16)
    assert found[f'keiyaku_request_seconds_bucket{{le="0.01",{labels}}}'] == 0
    assert found[f'keiyaku_request_seconds_bucket{{le="0.025",{labels}}}'] == 8


def test_levels_add_up_over_processes_that_live(tmp_path: Path) -> None:
    name, first, second = 'keiyaku_pool_waiting{role="acme"}', process(tmp_path, 3), process(tmp_path, 4)
    assert lines(tally.total(tmp_path))[name] == 7
    first.kill()
    first.communicate()
    assert lines(tally.total(tmp_path))[name] == 4  # its file is still there
    third = process(tmp_path, 1)  # folds it away
    assert lines(tally.total(tmp_path))[name] == 5
    finish(second)
    finish(third)
    assert name not in lines(tally.total(tmp_path))


async def test_users_that_wait_for_a_connection_are_a_level(postgres: EmbeddedPostgres, database: str) -> None:
    given = {"KEIYAKU_DATABASE__EMBEDDED": "false", "KEIYAKU_DATABASE__URL": postgres.dsn("{role}", database)}
    async with await make_pool(load(None, given), "status", size=1) as pool:
        assert waiting()["pool", "status"] == 0
        async with pool.acquire():
            user = asyncio.create_task(pool.fetchval("SELECT 1"))
            while pool.waiting == 0:
                await asyncio.sleep(0)
            assert waiting()["pool", "status"] == 1
        assert await user == 1
        assert waiting()["pool", "status"] == 0


@pytest.mark.parametrize("content", [b"", b"{", b'{"counts":[],"durations":[[["request"],[1.0]]]}', b"\xff"])
def test_file_that_is_not_ours_counts_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.json").write_bytes(content)
    assert tally.total(tmp_path) == Tallies({}, {}, {})


async def test_book_is_never_much_older_than_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "INTERVAL", 0.01)
    book, stop = tally.Book(tmp_path), asyncio.Event()
    keeping = asyncio.create_task(book.keep(stop))
    tally.count("problem", "kept")
    async with asyncio.timeout(10):
        while tally.total(tmp_path).counts.get(("problem", "kept")) != 1:
            await asyncio.sleep(0.005)
    stop.set()
    await keeping
    book.close()


@pytest.mark.std("C-130")
async def test_the_age_is_that_of_the_list_in_use(pool: Pool) -> None:
    """Not of a newer row that nobody signed."""
    publisher, logs = ListPublisher(), three([], lambda: NOW)
    believed = ct_publisher.publisher(publisher.pem)
    for log in logs:
        log.url = "https://log.test"
    signed = log_list(logs, NOW - timedelta(days=2))
    found = Published(signed, publisher.sign(signed))
    assert await log_lists.insert(pool, LogLists(believed), found, "test", "process:test", NOW)
    assert await list_logs(pool, log_list(logs, NOW - timedelta(days=1)), NOW)
    for lists, age in ((LogLists(believed), "172800.0"), (LogLists(None), "86400.0")):
        text = metrics.text(Tallies({}, {}), await backlog(pool, NOW, lists), NOW).decode()
        assert f"keiyaku_ct_list_age_seconds {age}" in text
    text = metrics.text(Tallies({}, {}), await backlog(pool, NOW, None), NOW).decode()
    assert "keiyaku_ct_list_age_seconds" not in text


async def test_database_is_asked_once_at_scrape(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> None:
    import asyncpg

    from acme_server.database import Pool

    owner = await asyncpg.connect(postgres.dsn(database=database))
    await owner.execute("UPDATE evidence.seal_state SET sealed_through_at = $1", NOW - timedelta(seconds=90))
    await owner.execute(
        "INSERT INTO acme.jobs (id, kind, subject, max_attempts, dead, run_at) SELECT gen_random_uuid(), 'crl', "
        "'1/' || i, 5, i > 2, now() - interval '1 hour' FROM generate_series(1, 3) i"
    )
    await owner.close()

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(postgres.dsn("keiyaku_work", database))

    tally.Book(tmp_path).close()
    async with Pool(connect, 1) as pool:
        app = web.Application()
        app.router.add_get("/metrics", metrics.handler(tmp_path, partial(backlog, pool, lists=None), lambda: NOW))
        async with TestServer(app) as server, ClientSession(server.make_url("")) as client:
            text = await (await client.get("/metrics")).text()
    assert "keiyaku_evidence_seal_lag_seconds 90.0" in text
    assert 'keiyaku_jobs{kind="crl",state="waiting"} 2.0' in text
    assert 'keiyaku_jobs{kind="crl",state="dead"} 1.0' in text
    assert float(text.partition('keiyaku_job_oldest_seconds{kind="crl"} ')[2].split()[0]) >= 3600
