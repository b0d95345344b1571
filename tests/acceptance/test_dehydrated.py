"""dehydrated against the running server: a client in shell, with the keys and the web root that its users keep."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from acme_server.edge.problems import ANSWERS
from contract_gate.decision import Case, Gate
from tests.acceptance.clients import Finished, leaf, names_of, run
from tests.acceptance.dev import Dev
from tests.acceptance.recipes import recipe

SERVED = "/var/www/dehydrated"
OF_THE_TEST = """CURL_OPTS="--cacert {ca_file}"
BASEDIR="{folder}"
KEY_ALGO=secp384r1
"""


@dataclass
class Dehydrated:
    """dehydrated with a folder of its own; `key` binds its account."""

    dev: Dev
    folder: Path
    key: tuple[str, str]

    def __post_init__(self) -> None:
        self.web.joinpath(".well-known", "acme-challenge").mkdir(parents=True)
        documented = recipe("dehydrated", self.dev, self.key, "").replace(SERVED, str(self.web))
        more = OF_THE_TEST.format(ca_file=self.dev.ca_file, folder=self.folder)
        (self.folder / "config").write_text(documented + more)

    @property
    def web(self) -> Path:
        """The folder that a web server shows."""
        return self.folder / "web"

    def __call__(self, *words: str) -> Finished:
        """One run, whatever comes of it."""
        program = shutil.which("dehydrated")
        assert program, "dehydrated is missing: apt-get install dehydrated"
        return run([program, "--config", self.folder / "config", *words], self.folder)

    def succeeds(self, *words: str) -> str:
        """What a run that succeeds said."""
        done = self(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def file(self, name: str) -> Path:
        """Where it keeps the certificate."""
        return self.folder / "certs" / name / "cert.pem"


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder."""

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@contextmanager
def shown(folder: Path, port: int) -> Iterator[None]:
    """A web server on loopback shows the folder."""
    with ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_dehydrated_issues_and_revokes_with_a_binding_key(dev: Dev, tmp_path: Path) -> None:
    client, name = Dehydrated(dev, tmp_path / "client", dev.key), "dehydrated.demo.test"
    client.succeeds("--register", "--accept-terms")
    with shown(client.web, dev.ports["http"]):
        assert "Challenge is valid!" in client.succeeds("--cron", "--domain", name)
    certificate = leaf(client.file(name))
    assert names_of(certificate) == {name}

    client.succeeds("--revoke", str(client.file(name).resolve()))
    assert dev.status_of(certificate)["Status"] == "Revoked"


def test_dehydrated_prints_a_refusal_whole(dev: Dev, tmp_path: Path) -> None:
    client = Dehydrated(dev, tmp_path / "client", dev.overdue_key)
    client.succeeds("--register", "--accept-terms")
    done = client("--cron", "--domain", "www.overdue.test")
    assert done.returncode == 1
    sentence, _, _ = ANSWERS[Gate.G6, Case.OVERDUE].detail.partition("{help}")
    assert f"{sentence}{dev.url('office', '/help/')}" in done.stdout
    assert not client.file("www.overdue.test").exists()
