"""`keiyaku dev` as a process of its own: started, asked, and stopped so that nothing of it is left."""

import json
import os
import random
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from cryptography import x509

from acme_server.__main__ import main
from acme_server.dev.postgres import EmbeddedPostgres
from tests.acceptance.names import look_now

BIN = Path(sys.executable).parent
READY, PATIENCE = "Stop with Ctrl-C.", 90.0
LISTENERS = ("acme", "office", "status", "management")
CHOICES = range(10_000, 32_000)  # below the ports that the system gives to connections that go out


@dataclass(frozen=True)
class Dev:
    """A running `keiyaku dev`: what it printed, and how to reach it."""

    process: subprocess.Popen[str]
    environ: Mapping[str, str]
    ports: Mapping[str, int]
    data: Path
    text: str

    @property
    def directory(self) -> str:
        """The directory's URL, as printed."""
        return self.printed("Directory")

    @property
    def ca_file(self) -> str:
        """What a client must trust, as printed."""
        return self.printed("CA file")

    @property
    def key(self) -> tuple[str, str]:
        """The demo contract's binding key, as printed: kid and HMAC key."""
        found = re.search(r"^  Binding key +kid (\S+) +hmac key (\S+)$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1], found[2]

    @property
    def commands(self) -> list[str]:
        """The commands to paste, as printed."""
        return re.findall(r"^REQUESTS_CA_BUNDLE=(?:.*\\\n)+.*$", self.text, re.MULTILINE)

    @property
    def overdue_key(self) -> tuple[str, str]:
        """The binding key in the second command."""
        words = shlex.split(self.commands[1])
        return words[words.index("--eab-kid") + 1], words[words.index("--eab-hmac-key") + 1]

    @property
    def settings(self) -> dict[str, str]:
        """The settings it was started with, as variables."""
        return {name: value for name, value in self.environ.items() if name.startswith("KEIYAKU_")}

    @property
    def owner_dsn(self) -> str:
        """The database as its owner."""
        return EmbeddedPostgres(self.data / "postgres").dsn()

    def printed(self, label: str) -> str:
        """What stands behind the label."""
        found = re.search(rf"^  {label} +(\S+)$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]

    def url(self, listener: str, path: str) -> str:
        """A URL of a listener."""
        return f"{'http' if listener in ('office', 'status') else 'https'}://localhost:{self.ports[listener]}{path}"

    def fetch(self, url: str, body: bytes | None = None) -> bytes:
        """What a URL of ours answers; raises HTTPError for a refusal."""
        context = ssl.create_default_context(cafile=self.ca_file) if url.startswith("https") else None
        with urllib.request.urlopen(url, body, timeout=10, context=context) as response:
            found: bytes = response.read()
        return found

    def status_of(self, certificate: x509.Certificate) -> dict[str, Any]:
        """What the management listener says of a certificate."""
        path = f"/cert-status-by-serial/{certificate.serial_number:x}"
        found: dict[str, Any] = json.loads(self.fetch(self.url("management", path)))
        return found

    def keiyaku(self, line: str, *more: str) -> str:
        """What an operators' command prints; it succeeds."""
        done = CliRunner(env=dict(self.environ)).invoke(main, [*shlex.split(line), *more])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def keiyaku_json(self, line: str) -> Any:
        """The JSON that it prints."""
        return json.loads(self.keiyaku(line, "--json"))


@contextmanager
def running(data: Path, *words: str, **settings: str) -> Iterator[Dev]:
    """`keiyaku dev` with more words on `data` and free ports; afterwards no process and no listener of it is left."""
    ports = free_ports(*LISTENERS, "http", "tls")
    environ = dict(os.environ) | environment(data, ports) | settings
    with (data.parent / f"{data.name}.log").open("w+") as log:
        command = [BIN / "keiyaku", "dev", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ, text=True)
        try:
            text = printed_until_ready(process)
            log.seek(0)
            assert READY in text, text + log.read()
            yield (made := Dev(process, environ, ports, data, text))
            known = look_now(made.owner_dsn) if process.poll() is None else None
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(PATIENCE)
            log.seek(0)
            said = log.read()
    assert ended == 0, said
    if known is not None:  # of whom neither evidence nor log says who they are (T16-3)
        assert (known.evidence, known.in_text(said)) == ([], [])
    assert left_over(data) == []
    assert [name for name in LISTENERS if answers(ports[name])] == []


def environment(data: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """The settings, as variables."""
    made = {"KEIYAKU_DATA": str(data)}
    for name in LISTENERS:
        made[f"KEIYAKU_{name.upper()}__LISTEN"] = f"127.0.0.1:{ports[name]}"
        if name != "management":
            scheme = "https" if name == "acme" else "http"
            made[f"KEIYAKU_{name.upper()}__BASE_URL"] = f"{scheme}://localhost:{ports[name]}"
    return made | {f"KEIYAKU_VALIDATION__{name.upper()}_PORT": str(ports[name]) for name in ("http", "tls")}


def free_ports(*names: str) -> dict[str, int]:
    """Ports that nobody listens on, none twice."""
    found: dict[str, int] = {}
    for port in random.SystemRandom().sample(CHOICES, len(CHOICES)):
        with socket.socket() as one:
            try:
                one.bind(("", port))
            except OSError:
                continue
        found[names[len(found)]] = port
        if len(found) == len(names):
            break
    return found


def printed_until_ready(process: subprocess.Popen[str]) -> str:
    """Standard output up to the last line of the greeting; less if it ends or takes too long."""
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if READY in line:
            break
    watchdog.cancel()
    return "".join(lines)


def left_over(data: Path) -> list[str]:
    """Commands of processes that were started with the data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                words = (folder / name).read_bytes()
            except OSError:  # it ended, or is another user's
                continue
            if str(data).encode() in words:
                found.append(f"{folder.name} {name} {words.decode(errors='replace')}")
    return found


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
