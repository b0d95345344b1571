"""ACME clients that people use, each with folders of its own."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from tests.acceptance.dev import BIN, Dev

PATIENCE = 60
Finished = subprocess.CompletedProcess[str]


def run(words: Sequence[str | Path], cwd: Path, **environ: str) -> Finished:
    """The finished program: its exit code, and all that it said in `stdout`. No setting of ours reaches it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KEIYAKU_")}
    return subprocess.run(
        words, cwd=cwd, env=plain | environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=PATIENCE,
    )  # fmt: skip


def leaf(file: Path) -> x509.Certificate:
    """The first certificate of a file."""
    return x509.load_pem_x509_certificate(file.read_bytes())


def names_of(certificate: x509.Certificate) -> set[str]:
    """Names and addresses that the certificate is for."""
    sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in sans}


@dataclass
class Certbot:
    """certbot with an account of its own; `key` binds it when it registers."""

    dev: Dev
    folder: Path
    key: tuple[str, str] | None

    def __call__(self, *words: str) -> Finished:
        """One run, whatever comes of it."""
        places = [f"--{kind}-dir={self.folder / kind}" for kind in ("config", "work", "logs")]
        given = [BIN / "certbot", *words, "--server", self.dev.directory, "--non-interactive", *places]
        return run(given, self.folder.parent, REQUESTS_CA_BUNDLE=self.dev.ca_file)

    def succeeds(self, *words: str) -> str:
        """What a run that succeeds said."""
        done = self(*words)
        assert done.returncode == 0, done.stdout + self.log()[-4000:]
        return done.stdout

    @property
    def account(self) -> list[str]:
        """Words that make the account, where there is none yet."""
        eab = ["--eab-kid", self.key[0], "--eab-hmac-key", self.key[1]] if self.key else []
        return ["--agree-tos", "--register-unsafely-without-email", *eab]

    def issue(self, name: str, *words: str) -> Finished:
        """A new certificate by http-01, also where there is one already."""
        port = str(self.dev.ports["http"])
        return self("certonly", "--standalone", "--http-01-port", port, "--force-renewal", "--cert-name", name,
                    "-d", name, *self.account, *words)  # fmt: skip

    def issued(self, name: str, *words: str) -> x509.Certificate:
        """The certificate that a run got."""
        done = self.issue(name, *words)
        assert done.returncode == 0, done.stdout + self.log()[-4000:]
        return leaf(self.live(name) / "cert.pem")

    def live(self, name: str) -> Path:
        """Where certbot keeps certificate, chain and key."""
        return self.folder / "config" / "live" / name

    def log(self) -> str:
        """The log of the last run."""
        file = self.folder / "logs" / "letsencrypt.log"
        return file.read_text() if file.exists() else ""


@dataclass
class Lego:
    """lego with a folder of its own; `key` binds its account when it registers."""

    dev: Dev
    folder: Path
    key: tuple[str, str] | None

    def __call__(self, name: str, command: str, *words: str, challenge: str = "http") -> Finished:
        """One run for the name, whatever comes of it."""
        program = shutil.which("lego")
        assert program, "lego is missing: apt-get install lego"
        eab = ["--eab", "--kid", self.key[0], "--hmac", self.key[1]] if self.key else []
        account = ["--accept-tos", "--email", "someone@demo.test", "--path", self.folder, *eab]
        listen = [f"--{challenge}", f"--{challenge}.port", f":{self.dev.ports[challenge]}"]
        return run(
            [program, "--server", self.dev.directory, *account, *listen, "--domains", name, command, *words],
            self.folder.parent, LEGO_CA_CERTIFICATES=self.dev.ca_file,
        )  # fmt: skip

    def succeeds(self, name: str, command: str, *words: str, challenge: str = "http") -> str:
        """What a run that succeeds said."""
        done = self(name, command, *words, challenge=challenge)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def file(self, name: str) -> Path:
        """Where lego keeps the chain."""
        return self.folder / "certificates" / f"{name}.crt"
