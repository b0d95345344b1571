"""The embedded server, run by a child process of the test: as root, as another user, killed in every way."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from acme_server.dev.postgres import DataFolderInUse, EmbeddedPostgres, PostgresUnavailable

ROOT = os.geteuid() == 0
STRANGER = 1  # a user that every system has: initdb wants its name
APP = """
import asyncio, asyncpg, os, sys
from pathlib import Path
from acme_server.dev.postgres import EmbeddedPostgres

if len(sys.argv) > 2:  # the interpreter itself may lie where only root can read it, so not before
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()

async def write():
    conn = await asyncpg.connect(server.dsn(database="postgres"))
    await conn.execute("CREATE TABLE IF NOT EXISTS kept (n integer)")
    print(server.process.pid, server.socket, flush=True)
    for line in sys.stdin:
        await conn.execute("INSERT INTO kept VALUES ($1)", int(line))
        print("acknowledged", flush=True)

asyncio.run(write())
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that another user can reach."""
    with tempfile.TemporaryDirectory(prefix="kpg-", dir=next(filter(os.path.isdir, ("/dev/shm", "/tmp")))) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@dataclass
class App:
    """A process that owns an embedded server and writes the numbers it is sent."""

    process: subprocess.Popen[str]
    postmaster: int
    socket: Path

    def write(self, number: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "acknowledged\n"

    def end(self) -> None:
        """Ends as `dev` does: the server is stopped."""
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0


Starter = Callable[..., App]


@pytest.fixture
def start(folder: Path) -> Iterator[Starter]:
    started: list[subprocess.Popen[str]] = []

    def run(uid: int | None = None, path: str | None = None) -> App:
        root = Path(__file__).parents[3]
        process = subprocess.Popen(
            [sys.executable, "-c", APP, folder / "root", *([] if uid is None else [str(uid)])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root,
            env={"PATH": path or os.environ["PATH"], "PYTHONPATH": str(root)},
        )  # fmt: skip
        started.append(process)
        assert process.stdout
        said = process.stdout.readline().split()
        assert len(said) == 2, "the app did not start"
        return App(process, int(said[0]), Path(said[1]))

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def gone(pid: int) -> bool:
    """Whether no process of the server is left: they are the session that the postmaster leads."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[3] == str(pid) and fields[0] not in "ZX":
            return False
    return True


async def kept(folder: Path) -> list[int]:
    server = EmbeddedPostgres(folder / "root", durable=False)
    server.start()
    try:
        conn = await asyncpg.connect(server.dsn(database="postgres"))
        rows = await conn.fetch("SELECT n FROM kept ORDER BY n")
        await conn.close()
        return [row["n"] for row in rows]
    finally:
        server.stop()


async def test_killed_app_leaves_no_process_and_no_socket_and_loses_no_row(folder: Path, start: Starter) -> None:
    app = start()
    app.write(1)
    app.process.kill()
    wait_until(lambda: gone(app.postmaster))
    assert list(app.socket.iterdir()) == []
    again = start()
    again.write(2)
    again.end()
    assert await kept(folder) == [1, 2]


async def test_start_right_after_a_kill_waits_for_the_dying_server(folder: Path, start: Starter) -> None:
    app = start()
    app.write(1)
    app.process.kill()
    app.process.wait()
    again = start()  # at once
    assert again.postmaster != app.postmaster
    again.end()
    assert await kept(folder) == [1]


async def test_killed_postmaster_can_be_started_again(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "root")
    server.start()
    try:
        for number in range(3):
            conn = await asyncpg.connect(server.dsn(database="postgres"))
            await conn.execute("CREATE TABLE IF NOT EXISTS kept (n integer)")
            await conn.execute("INSERT INTO kept VALUES ($1)", number)
            assert server.process
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            server.start()
    finally:
        server.stop()
    assert await kept(folder) == [0, 1, 2]


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
async def test_normal_user(folder: Path, start: Starter) -> None:
    (folder / "root").mkdir()
    os.chown(folder / "root", STRANGER, STRANGER)
    app = start(uid=STRANGER)
    app.write(1)
    assert app.socket.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_uid for path in (folder / "root").rglob("*")} == {STRANGER}
    app.process.kill()
    wait_until(lambda: gone(app.postmaster))
    again = start(uid=STRANGER)
    again.write(2)
    again.end()


@pytest.mark.skipif(not ROOT, reason="only root needs a disguise")
async def test_root_without_user_namespaces(folder: Path, start: Starter) -> None:
    """The server is `nobody`, dies with its parent all the same, and its folder can go back to root."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tools / "unshare").chmod(0o755)
    app = start(path=f"{tools}:{os.environ['PATH']}")
    app.write(1)
    assert Path(f"/proc/{app.postmaster}").stat().st_uid == 65534
    app.process.kill()
    wait_until(lambda: gone(app.postmaster))
    again = start()
    again.write(2)
    assert (folder / "root" / "data").stat().st_uid == 0
    again.end()
    back = start(path=f"{tools}:{os.environ['PATH']}")
    back.write(3)
    back.end()
    assert await kept(folder) == [1, 2, 3]


def test_no_tcp_port(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "root", durable=False)
    server.start()
    try:
        lines = (server.data / "postmaster.pid").read_text().splitlines()
        assert lines[5] == ""  # listen address
    finally:
        server.stop()


def test_folder_in_use_says_by_whom(folder: Path, start: Starter) -> None:
    app = start()
    with pytest.raises(DataFolderInUse, match=rf"is in use by process {app.process.pid} \(-c\)"):
        EmbeddedPostgres(folder / "root", durable=False).start()
    app.write(1)
    app.end()
    server = EmbeddedPostgres(folder / "root", durable=False)
    server.start()
    server.stop()


def test_ends_with_its_thread_so_only_the_main_one_may_start_it(folder: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedPostgres(folder / "root").start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def refusal(root: Path) -> str:
    server = EmbeddedPostgres(root, durable=False)
    with pytest.raises(PostgresUnavailable) as refused:
        server.start(timeout=20)
    assert server.lock is None
    return str(refused.value)


def test_no_binaries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEIYAKU_PG_BIN", "/nowhere")
    assert refusal(folder / "root") == (
        "need PostgreSQL 15 or newer; looked at: /nowhere (does not run). Set KEIYAKU_PG_BIN."
    )


def test_binaries_of_another_version(folder: Path) -> None:
    data = folder / "root" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")
    assert refusal(folder / "root").startswith(f"need PostgreSQL 12, which made {data}; looked at: /")


def test_folder_that_cannot_be_made(folder: Path) -> None:
    (folder / "file").touch()
    assert refusal(folder / "file" / "root") == (
        f"cannot make {folder / 'file' / 'root'}: Not a directory. Choose another data folder."
    )


@pytest.mark.skipif(not ROOT, reason="only root can give a folder away")
def test_folder_of_somebody_else(folder: Path) -> None:
    (folder / "root").mkdir()
    os.chown(folder / "root", STRANGER, STRANGER)
    assert "is not our own folder to write in" in refusal(folder / "root")


def test_data_folder_that_is_none(folder: Path) -> None:
    data = folder / "root" / "data"
    data.mkdir(parents=True)
    (data / "letters.txt").touch()
    assert refusal(folder / "root") == f"{data} is no data folder: Directory not empty. Remove it."
    assert [path.name for path in data.iterdir()] == ["letters.txt"]


def test_server_that_does_not_start_shows_its_log(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "root", durable=False, settings=("-c", "max_connections=none"))
    with pytest.raises(PostgresUnavailable, match=r"did not start:\n(.*\n)*.*invalid value for parameter"):
        server.start()


def test_long_path_has_its_socket_elsewhere(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 30), durable=False)
    server.start()
    try:
        assert server.socket.parent == Path("/tmp")
        assert server.socket.stat().st_mode & 0o777 == 0o700
        assert (server.socket / ".s.PGSQL.5432").is_socket()
    finally:
        server.stop()
    assert not server.socket.exists()


def test_socket_folder_that_somebody_prepared_is_not_used(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 30), durable=False)
    server.socket.symlink_to(folder)
    try:
        with pytest.raises(PostgresUnavailable, match="is not our own folder"):
            server.start()
    finally:
        server.socket.unlink()


OLDER = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.mark.skipif(not OLDER, reason="needs a second PostgreSQL")
def test_existing_folder_takes_the_binaries_that_made_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEIYAKU_PG_BIN", str(OLDER[0]))
    server = EmbeddedPostgres(folder / "root", durable=False)
    server.start()
    server.stop()
    monkeypatch.delenv("KEIYAKU_PG_BIN")
    again = EmbeddedPostgres(folder / "root", durable=False)
    again.start()
    try:
        assert again.process
        assert Path(f"/proc/{again.process.pid}/exe").resolve().parent == OLDER[0].resolve()
    finally:
        again.stop()


def test_interrupted_making_leaves_nothing_in_the_way(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "root", durable=False)
    server.start()
    server.stop()
    half = folder / "root" / "making-killed"
    half.mkdir()
    shutil.move(folder / "root" / "data" / "PG_VERSION", half)
    shutil.rmtree(folder / "root" / "data")
    server.start()
    server.stop()
