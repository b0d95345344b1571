"""What `keiyaku check` finds wrong with the machine it runs on: files, room, the signer."""

import shutil
import stat
from datetime import datetime, timedelta
from uuid import UUID

from cryptography import x509

from acme_server.clock import by_machine
from acme_server.config import Settings
from acme_server.use_cases.fault import Fault
from ca.blocklist import Blocklist, BlocklistUnusable
from ca.signer_client import SignerAway, SignerClient
from sql import Conn

TLS_LEFT = timedelta(days=14)
FREE_OCTETS, FREE_PART = 2**30, 0.05
SIGNER_SECONDS = 5.0
NOBODY = UUID(int=0)


async def files(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """Files with secrets are their owner's alone. Those of other machines are looked at there."""
    secret = (settings.ca.passphrase_file, settings.pkcs11.pin_file, settings.evidence.key_file)
    named = (*secret, settings.acme.tls_key, settings.register.id_file)
    found = [settings.data / path for path in named if path is not None]
    found += sorted((settings.data / settings.ca.folder).glob("*.key.pem"))
    return [
        Fault("files", f"{path} can be read by others", f"run `chmod 600 {path}`")
        for path in found
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


async def blocklist(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The list of keys that are public can be read, if its folder is on this machine (C-073)."""
    named = settings.keys.blocklist
    if named is None or not (settings.data / named).parent.is_dir():
        return []
    try:
        Blocklist(settings.data / named)
    except BlocklistUnusable as fault:
        return [Fault("keys", str(fault), "put blocklist.dat of badkeys there: without it nothing is issued")]
    return []


async def tls(settings: Settings, _conn: Conn, now: datetime) -> list[Fault]:
    """The listener's own certificate is valid for two weeks more."""
    if settings.acme.tls_certificate is None or not (path := settings.data / settings.acme.tls_certificate).exists():
        return []
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    if end - by_machine(now) > TLS_LEFT:
        return []
    what = f"{path} ends at {end:%Y-%m-%d %H:%M}Z"
    return [Fault("TLS certificate", what, "replace it, then restart `keiyaku serve`")]


async def disk(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The data folder has room."""
    if not settings.data.is_dir():
        return []
    found = shutil.disk_usage(settings.data)
    if found.free >= max(FREE_OCTETS, FREE_PART * found.total):
        return []
    return [Fault("disk", f"{settings.data} has {found.free / 2**20:.0f} MiB left", "make room: without it all stops")]


async def signer(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The signer answers, if its socket's folder is on this machine: it knows no record of number 0."""
    path = settings.data / settings.signer.socket
    if not path.parent.is_dir():
        return []
    client = SignerClient(path)
    try:
        answer = await client.sign(NOBODY, SIGNER_SECONDS)
    finally:
        await client.close()
    if not isinstance(answer, SignerAway):
        return []
    return [Fault("signer", f"no answer at {path}: {answer.reason}", "run `keiyaku sign`")]
