"""The shipped unbound in front of signed zones of its own: nsd serves them, ldns signs them, nothing leaves loopback.

The root of trust is the zone `test.`, whose key unbound is given in place of the root's. Below it:

    good.test       signed, NSEC
    nsec3.test      signed with RSA and SHA-256, NSEC3
    unsigned.test   proven to be unsigned
    expired.test    its signatures have expired
    stripped.test   signed says its parent, but no signature is there
    stranger.test   signed with another key than its parent names
    silent.test     signed says its parent; its nameserver does not answer
"""

import asyncio
import itertools
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from acme_server.validation.resolver import Resolver

CONFIGURATION = Path(__file__).parents[2] / "deploy/unbound/unbound.conf"
ZONES = ("good.test", "nsec3.test", "unsigned.test", "expired.test", "stripped.test", "stranger.test")
SILENT = "silent.test"
STARTS, TRIES, PATIENCE = 3, 200, 0.1
RECORDS = """\
$ORIGIN {zone}.
$TTL 300
@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60
@ IN NS ns.{zone}.
ns IN A 127.0.0.1
"""


class SignedZones:
    """A folder with the zones; records of a zone are in its file's syntax, below `$ORIGIN`."""

    def __init__(self, folder: Path, records: dict[str, str]) -> None:
        self.folder = folder
        for zone in ZONES:
            self._write(zone, RECORDS.format(zone=zone) + records.get(zone, ""))
        keys = {zone: self._key(zone) for zone in (*ZONES, SILENT) if zone != "unsigned.test"}
        for zone in ("good.test", "stranger.test"):
            self._sign(zone, keys[zone])
        self._sign("nsec3.test", keys["nsec3.test"], "-n", "-s", "C0FFEE")
        self._sign("expired.test", keys["expired.test"], "-i", "20250101000000", "-e", "20250201000000")
        named = keys | {"stranger.test": self._key("stranger.test")}
        delegations = "".join(f"{zone}. IN NS ns.{zone}.\n" for zone in (*ZONES, SILENT))
        delegations += "".join((folder / f"{key}.ds").read_text() for key in named.values())
        self._write("test", RECORDS.format(zone="test") + delegations + f"ns.{SILENT}. IN A 127.0.0.1\n")
        top = self._key("test")
        self._sign("test", top)
        self.anchor = folder / f"{top}.key"

    def _write(self, zone: str, text: str) -> None:
        (self.folder / f"{zone}.zone").write_text(text)

    def _key(self, zone: str) -> str:
        """The name of a new key's files."""
        algorithm = "RSASHA256" if zone == "nsec3.test" else "ECDSAP256SHA256"
        made = self._run("ldns-keygen", "-k", "-a", algorithm, *(("-b", "2048") if "RSA" in algorithm else ()), zone)
        return made.strip()

    def _sign(self, zone: str, key: str, *options: str) -> None:
        self._run("ldns-signzone", *options, "-f", f"{zone}.zone.signed", f"{zone}.zone", key)
        (self.folder / f"{zone}.zone.signed").rename(self.folder / f"{zone}.zone")

    def _run(self, *words: str) -> str:
        return subprocess.run(words, cwd=self.folder, check=True, capture_output=True, text=True).stdout


@contextmanager
def validating(folder: Path, records: dict[str, str]) -> Iterator[str]:
    """Address of an unbound that resolves the zones, as "127.0.0.1:port"."""
    zones = SignedZones(folder, records)
    with (
        _daemon(folder, "nsd", lambda port: nsd_configuration(folder, port)) as nameserver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
    ):
        silent.bind(("127.0.0.1", 0))
        stubs = {"test": nameserver} | dict.fromkeys(ZONES, nameserver) | {SILENT: silent.getsockname()[1]}
        with _daemon(folder, "unbound", lambda port: unbound_configuration(folder, port, zones.anchor, stubs)) as port:
            yield f"127.0.0.1:{port}"


def nsd_configuration(folder: Path, port: int) -> str:
    """nsd on loopback with all zones, and no file outside the folder."""
    lines = [
        "server:", "ip-address: 127.0.0.1", f"port: {port}", 'username: ""', 'chroot: ""', f"zonesdir: {folder}",
        'pidfile: ""', 'database: ""', f"xfrdfile: {folder}/xfrd.state", f"zonelistfile: {folder}/zone.list",
        f"cookie-secret-file: {folder}/cookie", "server-count: 1", "remote-control:", "control-enable: no",
    ]  # fmt: skip
    for zone in (*ZONES, "test"):
        lines += ["zone:", f"name: {zone}", f"zonefile: {zone}.zone"]
    return "\n".join(lines) + "\n"


def unbound_configuration(folder: Path, port: int, anchor: Path, stubs: dict[str, int]) -> str:
    """The shipped one, but for where it listens, whom it asks and whose key it trusts."""
    changes = {
        "port": str(port), "username": '""', "directory": f'"{folder}"', "trust-anchor-file": f'"{anchor}"',
        "num-threads": "1", "verbosity": "0",
    }  # fmt: skip
    text = CONFIGURATION.read_text()
    for option, value in changes.items():
        text, count = re.subn(rf"(?m)^(\s+{option}:).*$", rf"\1 {value}", text)
        assert count == 1, option
    text = re.sub(r"(?m)^\s+root-hints:.*$", "", text)  # of a package that only the image has; the root is never asked
    text += '\n    do-not-query-localhost: no\n    local-zone: "test." nodefault\n'
    for zone, nameserver in stubs.items():
        text += f'stub-zone:\n    name: "{zone}."\n    stub-addr: 127.0.0.1@{nameserver}\n'
    return text


@contextmanager
def _daemon(folder: Path, name: str, configuration: Callable[[int], str]) -> Iterator[int]:
    """The daemon on a free port, which it gives. Another takes the port now and then: then once more."""
    for attempt in itertools.count(1):
        port = free_port()
        path = folder / f"{name}.conf"
        path.write_text(configuration(port))
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [f"/usr/sbin/{name}", "-d", "-c", path], stdout=log, stderr=log, env=os.environ | {"PATH": "/usr/sbin"}
            )
        try:
            if asyncio.run(_answers(process, port)):
                yield port
                return
            assert attempt < STARTS, (folder / f"{name}.log").read_text()
        finally:
            process.terminate()
            process.wait()


async def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether it answers DNS; False when it has ended."""
    resolver = Resolver([f"127.0.0.1:{port}"], lifetime=2 * PATIENCE)
    for _ in range(TRIES):
        if process.poll() is not None:
            return False
        found = await resolver.txt("ns.good.test")
        if getattr(found, "kind", "") not in ("unreachable", "timeout"):
            return True
        await asyncio.sleep(PATIENCE / 4)
    return False


def free_port() -> int:
    """A port that is free for UDP and TCP."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            port: int = tcp.getsockname()[1]
            return port
