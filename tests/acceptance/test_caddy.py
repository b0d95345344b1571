"""Caddy against the running server: a web server that keeps its own certificates, as Debian has it."""

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acme_server.edge.problems import ANSWERS
from contract_gate.decision import Case, Gate
from tests.acceptance.clients import PATIENCE, leaf, names_of
from tests.acceptance.dev import Dev
from tests.acceptance.recipes import recipe

OF_THE_TEST = """
	acme_ca_root {ca_file}
	http_port {http}
	https_port {tls}
	admin off
	skip_install_trust
	storage file_system {folder}/store
"""


@dataclass
class Caddy:
    """Caddy with a folder of its own, for one name; `key` binds its account."""

    dev: Dev
    folder: Path
    name: str
    key: tuple[str, str]

    def runs_until(self, seen: Callable[[str], bool]) -> str:
        """What it logged by the time that satisfies `seen`; then it is stopped."""
        program = shutil.which("caddy")
        assert program, "caddy is missing: apt-get install caddy"
        self.folder.mkdir()
        (self.folder / "Caddyfile").write_text(self.settings())
        log = self.folder / "log"
        command = [program, "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        with log.open("w") as sink:
            process = subprocess.Popen(
                command, cwd=self.folder, env={"HOME": str(self.folder)}, stdout=sink, stderr=sink
            )
        try:
            until = time.monotonic() + PATIENCE
            while not seen(log.read_text()):
                assert time.monotonic() < until, log.read_text()[-4000:]
                assert process.poll() is None, log.read_text()[-4000:]
                time.sleep(0.05)
        finally:
            process.terminate()
            process.wait(PATIENCE)
        return log.read_text()

    def settings(self) -> str:
        """The Caddyfile of docs/clients.md, with ports and folders of the test."""
        documented = recipe("Caddy", self.dev, self.key, self.name)
        more = OF_THE_TEST.format(
            ca_file=self.dev.ca_file, http=self.dev.ports["http"], tls=self.dev.ports["tls"], folder=self.folder
        )
        return documented.replace("{\n", f"{{{more}", 1)

    def certificates(self) -> list[Path]:
        """Those that it keeps."""
        return [*self.folder.glob(f"store/certificates/*/{self.name}/{self.name}.crt")]


def test_caddy_gets_its_certificate_with_a_binding_key(dev: Dev, tmp_path: Path) -> None:
    client = Caddy(dev, tmp_path / "caddy", "caddy.demo.test", dev.key)
    client.runs_until(lambda log: "certificate obtained successfully" in log)
    (file,) = client.certificates()
    certificate = leaf(file)
    assert names_of(certificate) == {"caddy.demo.test"}
    assert dev.status_of(certificate)["Status"] == "Valid"


def test_caddy_logs_a_refusal_whole_and_keeps_nothing(dev: Dev, tmp_path: Path) -> None:
    client = Caddy(dev, tmp_path / "caddy", "www.overdue.test", dev.overdue_key)
    log = client.runs_until(lambda log: "could not get certificate from issuer" in log)
    sentence, _, _ = ANSWERS[Gate.G6, Case.OVERDUE].detail.partition("{help}")
    assert f"{sentence}{dev.url('office', '/help/')}" in log
    assert client.certificates() == []
