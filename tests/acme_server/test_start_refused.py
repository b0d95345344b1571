"""A wrong setting stops the start: exit code 2, one line with file or variable, key and reason, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from tests.acme_server.test_config import PRODUCTION

COMMANDS = (("dev",), ("serve", "--only", "acme"), ("work",), ("sign",))


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program, started with no settings but these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KEIYAKU_")}
    return subprocess.run(
        [sys.executable, "-m", "acme_server", *arguments], cwd=folder,
        env={**clean, "PYTHONPATH": os.getcwd(), **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why the program did not start."""
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("text", "where", "key"),
    [
        pytest.param("[acme]\nlisten = 14000\n", "2", "acme.listen", id="wrong type"),
        pytest.param("\n[acme]\norder_livetime = '7d'\n", "3", "order_lifetime", id="unknown key"),
    ],
)
def test_a_wrong_file_stops_every_command(
    tmp_path: Path, command: tuple[str, ...], text: str, where: str, key: str
) -> None:
    (tmp_path / "keiyaku.toml").write_text(text)
    line = one_line(start(tmp_path, "--config", "keiyaku.toml", *command))
    assert line.startswith(f"keiyaku.toml:{where}: ")
    assert key in line
    assert list(tmp_path.iterdir()) == [tmp_path / "keiyaku.toml"]


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        pytest.param("KEIYAKU_ACME__ORDER_LIFETIME", "soon", "acme.order_lifetime", id="wrong value"),
        pytest.param("KEIYAKU_ACME__LISTENS", "127.0.0.1:0", "KEIYAKU_ACME__LISTEN?", id="unknown key"),
        pytest.param("KEIYAKU_ENVIRONMENT", "prod", "environment", id="unknown word"),
    ],
)
def test_a_wrong_variable_stops_the_start(tmp_path: Path, name: str, value: str, key: str) -> None:
    line = one_line(start(tmp_path, "serve", "--only", "acme", **{name: value}))
    assert name in line
    assert key in line


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[acme\n", id="no TOML"), pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(None, id="no file"),
        pytest.param(b"a = 1\n" * 200_000, id="too large"), pytest.param(b"x = " + b"[" * 50_000, id="too deep"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "keiyaku.toml").write_bytes(content)
    assert "keiyaku.toml" in one_line(start(tmp_path, "--config", "keiyaku.toml", "serve", "--only", "acme"))


def not_started(folder: Path, process: str, url: str) -> str:
    """What a process with that database says at its end: people must help before it can start."""
    done = start(folder, "serve", "--only", process, KEIYAKU_DATABASE__URL=url, KEIYAKU_DATABASE__EMBEDDED="false")
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (1, "", False), done
    return done.stderr.splitlines()[-1]


def test_a_database_that_does_not_answer_ends_a_process_with_one_line(tmp_path: Path) -> None:
    said = not_started(tmp_path, "status", "postgresql://{role}@127.0.0.1:1/keiyaku")
    assert said.startswith("the database of database.url does not let keiyaku_status in: ")


def test_a_database_without_a_ca_ends_a_process_with_one_line(
    tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    said = not_started(tmp_path, "acme", postgres.dsn("{role}", database))
    assert said.startswith("no issuing CA whose time has come: hold `keiyaku ca ceremony`")


def test_production_reads_the_machines_clock(tmp_path: Path) -> None:
    (tmp_path / "keiyaku.toml").write_text(PRODUCTION.replace("/srv/keiyaku", "data"))
    done = start(tmp_path, "--config", "keiyaku.toml", "dev", "--at", "2028-01-01")
    assert (done.returncode, "--at is for development" in done.stderr) == (2, True), done
    assert [each.name for each in tmp_path.iterdir()] == ["keiyaku.toml"]


def test_a_clock_before_the_first_validity_limit_is_refused(tmp_path: Path) -> None:
    """Every order would end in a fault of the server. T12-5."""
    done = start(tmp_path, "dev", "--at", "2026-01-31")
    assert (done.returncode, "known before 2026-03-15" in done.stderr) == (2, True), done
