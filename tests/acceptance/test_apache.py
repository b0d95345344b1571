"""Apache httpd with mod_md against the running server: the module that ships with it, over libcurl and OpenSSL."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acme_server.edge.problems import ANSWERS
from contract_gate.decision import Case, Gate
from tests.acceptance.clients import PATIENCE, leaf, names_of
from tests.acceptance.dev import Dev
from tests.acceptance.recipes import recipe

MODULES = Path("/usr/lib/apache2/modules")
OF_THE_TEST = """ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/log
LogLevel warn md:info
DefaultRuntimeDir {folder}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule md_module {modules}/mod_md.so
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{tls}
User nobody
Group nogroup
MDPortMap http:{http} https:{tls}
MDCACertificateFile {folder}/ca.pem
MDStoreDir {folder}/md
"""


@dataclass
class Apache:
    """Apache httpd with a folder of its own, for one name; `key` binds its account."""

    dev: Dev
    folder: Path
    name: str
    key: tuple[str, str]

    def runs_until(self, seen: Callable[[str], bool]) -> str:
        """What it logged by the time that satisfies `seen`; then it is stopped."""
        program = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "Apache is missing: apt-get install apache2-bin"
        trusted = self.folder / "ca.pem"
        trusted.write_bytes(Path(self.dev.ca_file).read_bytes())
        trusted.chmod(0o644)  # for Apache's own user
        (self.folder / "httpd.conf").write_text(self.settings())
        log = self.folder / "log"
        log.touch()
        command = [program, "-f", str(self.folder / "httpd.conf"), "-D", "FOREGROUND"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log.open("a"), start_new_session=True)
        try:
            until = time.monotonic() + PATIENCE
            while not seen(log.read_text()):
                assert time.monotonic() < until, log.read_text()[-4000:]
                assert process.poll() is None, log.read_text()[-4000:]
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
        return log.read_text()

    def settings(self) -> str:
        """Those of docs/clients.md, with ports, modules and folders of the test."""
        more = OF_THE_TEST.format(
            folder=self.folder, modules=MODULES, http=self.dev.ports["http"], tls=self.dev.ports["tls"]
        )
        documented = recipe(r"Apache httpd \(mod_md\)", self.dev, self.key, self.name)
        return more + documented.replace("*:443", f"*:{self.dev.ports['tls']}")

    def certificates(self) -> list[Path]:
        """Those that it has got; it shows them from its next start on."""
        return [*self.folder.glob(f"md/staging/{self.name}/pubcert.pem")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Apache's own user may enter, which a test's is not."""
    with tempfile.TemporaryDirectory(prefix="apache-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_apache_gets_its_certificate_with_a_binding_key(dev: Dev, folder: Path) -> None:
    client = Apache(dev, folder, "apache.demo.test", dev.key)
    client.runs_until(lambda log: "has been setup and changes will be activated" in log)
    (file,) = client.certificates()
    certificate = leaf(file)
    assert names_of(certificate) == {"apache.demo.test"}
    assert dev.status_of(certificate)["Status"] == "Valid"


def test_apache_logs_a_refusal_whole_and_keeps_nothing(dev: Dev, folder: Path) -> None:
    client = Apache(dev, folder, "www.overdue.test", dev.overdue_key)
    log = client.runs_until(lambda log: "encountered error" in log)
    sentence, _, _ = ANSWERS[Gate.G6, Case.OVERDUE].detail.partition("{help}")
    assert f"{sentence}{dev.url('office', '/help/')}" in log
    assert client.certificates() == []
