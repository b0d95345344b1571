"""What `keiyaku dev` prints when it is ready: addresses, keys, and commands that work when pasted."""

import shlex
import sys
from datetime import timedelta
from pathlib import Path

from acme_server.clock import CLOCK
from acme_server.config import Settings
from acme_server.dev.prepare import TLS
from contract_gate.calendar import JST
from office.use_cases.demo import Demo
from office.use_cases.keys import NewKey

A_YEAR = timedelta(days=365)
NAME, OVERDUE_NAME = "www.demo.test", "www.overdue.test"


def greeting(settings: Settings, demo: Demo, seconds: float) -> str:
    """The text."""
    data = settings.data.resolve()
    directory = f"{settings.acme.base_url}/directory"
    return f"""
Keiyaku is ready ({seconds:.1f} s).{clock(settings)}

  Directory      {directory}
  CA file        {data / TLS / "ca.pem"}
  Binding key    kid {demo.admitted.kid}   hmac key {demo.admitted.hmac_key}

A first certificate, in a second terminal:

{certbot(settings, demo.admitted, NAME, data / "certbot")}

The same for a contract whose invoice is overdue; it is refused, and says why:

{certbot(settings, demo.overdue, OVERDUE_NAME, data / "certbot-overdue")}

Stop with Ctrl-C.
"""


def clock(settings: Settings) -> str:
    """That the clock is set, and how to set it again; nothing while it is the machine's."""
    if not CLOCK.ahead():
        return ""
    now = CLOCK.now().astimezone(JST)
    trusted, wanted = settings.data.resolve() / TLS / "ca.pem", (now + A_YEAR).isoformat(timespec="seconds")
    return f"""

  The clock is set: it is {now:%Y-%m-%d %H:%M:%S} JST for every process. To set it on:
  curl --cacert {shlex.quote(str(trusted))} -d '{{"at": "{wanted}"}}' https://{settings.management.listen}/set-clock"""


def certbot(settings: Settings, key: NewKey, name: str, folder: Path) -> str:
    """A certbot command that works as it stands, with folders of its own."""
    program = Path(sys.executable).parent / "certbot"
    words = [
        f"REQUESTS_CA_BUNDLE={shlex.quote(str(settings.data.resolve() / TLS / 'ca.pem'))}",
        f"{shlex.quote(str(program)) if program.exists() else 'certbot'} certonly --standalone "
        f"--http-01-port {settings.validation.http_port}",
        f"--server {settings.acme.base_url}/directory --agree-tos --register-unsafely-without-email --non-interactive",
        f"--eab-kid {shlex.quote(key.kid)} --eab-hmac-key {key.hmac_key}",
        f"--config-dir {shlex.quote(str(folder / 'config'))} --work-dir {shlex.quote(str(folder / 'work'))} "
        f"--logs-dir {shlex.quote(str(folder / 'logs'))}",
        f"-d {name}",
    ]
    return " \\\n    ".join(words)
