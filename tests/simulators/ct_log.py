"""Certificate Transparency logs: real HTTP servers that verify the chain and sign SCTs (RFC 6962 §4.2), or misbehave.

`python -m tests.simulators.ct_log ROOT LIST` runs three of them until standard input ends, and writes their list; the
root may be made later. What a log signs is computed with pyasn1, not with our own code.
"""

import asyncio
import json
import struct
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyasn1.codec.der.decoder import decode
from pyasn1.codec.der.encoder import encode
from pyasn1_alt_modules import rfc5280

from ca import log_lists
from ca.log_lists import LogLists, Published
from sql import Conn, Pool

POISON = "1.3.6.1.4.1.11129.2.4.3"


class Refused(Exception):
    """The chain is not one that the log takes."""


def spki_of(key: Any) -> bytes:
    """SubjectPublicKeyInfo in DER."""
    spki: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki


@dataclass
class SimulatedLog:
    """A log. It remembers what it took and answers the same SCT again; `asked` counts requests, `mode` may change.

    Modes: good, bad_signature, wrong_log_id, future, old, version_2, error, refuse, redirect, garbage, deep, huge,
    lost (the answer), hang (before the entry is taken), stuck (after).
    """

    name: str
    operator: str
    roots: Sequence[x509.Certificate]
    now: Callable[[], datetime]
    tiled: bool = False
    mode: str = "good"
    state: str = "usable"
    since: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    ends_from: datetime | None = None
    ends_before: datetime | None = None
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    url: str = ""
    asked: int = 0
    taken: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # what hangs goes on when it is set

    @property
    def id(self) -> bytes:
        """The log's id."""
        return sha256(spki_of(self.key)).digest()

    async def add_pre_chain(self, request: web.Request) -> web.StreamResponse:
        """POST /ct/v1/add-pre-chain."""
        self.asked += 1
        if self.mode == "hang":
            await self.gate.wait()
        if self.mode == "error":
            return web.Response(status=500, text="out of order")
        if self.mode == "redirect":
            return web.Response(status=307, headers={"Location": "/ct/v1/add-pre-chain?again"})
        if self.mode == "refuse":
            return web.json_response({"error_message": "unknown root"}, status=400)
        chain = [b64decode(text) for text in (await request.json())["chain"]]
        try:
            entry = entry_of(chain, self.roots)
        except Refused as reason:
            return web.json_response({"error_message": str(reason)}, status=400)
        answer = self.taken.setdefault(sha256(entry).digest(), self.sct(entry))
        if self.mode == "stuck":
            await self.gate.wait()
        if self.mode == "lost":
            assert request.transport is not None
            request.transport.abort()
        if self.mode == "garbage":
            return web.Response(text='{"sct_version": 0, "id": "not base64"}')
        if self.mode == "deep":
            return web.Response(text='{"x": ' + "[" * 8000 + "]" * 8000 + "}")
        if self.mode == "huge":
            return web.Response(body=b" " * 10**6)
        return web.json_response(answer)

    def sct(self, entry: bytes) -> dict[str, Any]:
        """The SCT, with the fault of the mode."""
        at = self.now() + {"future": timedelta(hours=1), "old": timedelta(days=-2)}.get(self.mode, timedelta(0))
        stamp = int(at.timestamp() * 1000)
        signature = self.sign(struct.pack(">BBQH", 0, 0, stamp, 1) + entry + b"\0\0")
        if self.mode == "bad_signature":
            signature = self.sign(struct.pack(">BBQH", 0, 0, stamp + 1, 1) + entry + b"\0\0")
        algorithm = b"\x04\x01" if isinstance(self.key, rsa.RSAPrivateKey) else b"\x04\x03"
        log_id = bytes(32) if self.mode == "wrong_log_id" else self.id
        return {
            "sct_version": 1 if self.mode == "version_2" else 0,
            "id": b64encode(log_id).decode(),
            "timestamp": stamp,
            "extensions": "",
            "signature": b64encode(algorithm + struct.pack(">H", len(signature)) + signature).decode(),
        }

    def sign(self, data: bytes) -> bytes:
        """By the log's key."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        signature: bytes = self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        return signature

    def described(self) -> dict[str, Any]:
        """How the list of logs describes it."""
        found: dict[str, Any] = {
            "description": self.name,
            "log_id": b64encode(self.id).decode(),
            "key": b64encode(spki_of(self.key)).decode(),
            "submission_url" if self.tiled else "url": self.url,
            "mmd": 86400,
            "state": {self.state: {"timestamp": f"{self.since:%FT%TZ}"}},
        }
        if self.ends_from and self.ends_before:
            found["temporal_interval"] = {
                "start_inclusive": f"{self.ends_from:%FT%TZ}", "end_exclusive": f"{self.ends_before:%FT%TZ}"
            }  # fmt: skip
        return found


def entry_of(chain: Sequence[bytes], roots: Iterable[x509.Certificate]) -> bytes:
    """Issuer key hash and to-be-signed bytes without the poison, of a chain that ends at a root. RFC 6962 §3.2."""
    certificates = [x509.load_der_x509_certificate(der) for der in chain]
    anchored = [*certificates, *(root for root in roots if root.subject == certificates[-1].issuer)]
    if len(certificates) < 2 or anchored[-1] not in list(roots):
        raise Refused("unknown root")
    try:
        for lower, upper in pairwise(anchored):
            lower.verify_directly_issued_by(upper)
    except (InvalidSignature, ValueError, TypeError) as fault:
        raise Refused(f"chain does not verify: {fault}") from None
    tbs = decode(chain[0], asn1Spec=rfc5280.Certificate())[0]["tbsCertificate"]
    kept = [one for one in tbs["extensions"] if str(one["extnID"]) != POISON]
    if len(kept) != len(tbs["extensions"]) - 1:
        raise Refused("no precertificate")
    tbs["extensions"].clear()
    tbs["extensions"].extend(kept)
    der = encode(tbs)
    spki = certificates[1].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(spki).digest() + len(der).to_bytes(3, "big") + der


def log_list(logs: Iterable[SimulatedLog], at: datetime) -> bytes:
    """The list of these logs, in the format of Google's, version 3."""
    operators: dict[str, dict[str, Any]] = {}
    for log in logs:
        operator = operators.setdefault(log.operator, {"name": log.operator, "email": [], "logs": [], "tiled_logs": []})
        operator["tiled_logs" if log.tiled else "logs"].append(log.described())
    found = {"version": "1.0", "log_list_timestamp": f"{at:%FT%TZ}", "operators": list(operators.values())}
    return json.dumps(found, indent=1).encode()


async def list_logs(conn: Conn | Pool, content: bytes, now: datetime) -> bool:
    """That unsigned list is in the database, as if it had been read."""
    return await log_lists.insert(conn, LogLists(None), Published(content), "test", "process:test", now)


class ListPublisher:
    """Who signs lists of logs, as Google does: RSA with SHA-256, the signature apart."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)

    @property
    def pem(self) -> bytes:
        """The public key."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, content: bytes) -> bytes:
        """What stands in log_list.sig."""
        return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())


@asynccontextmanager
async def running(logs: Sequence[SimulatedLog]) -> AsyncIterator[Sequence[SimulatedLog]]:
    """The logs, each at a port of its own."""
    async with AsyncExitStack() as stack:
        for log in logs:
            app = web.Application()
            app.router.add_post("/ct/v1/add-pre-chain", log.add_pre_chain)
            server = await stack.enter_async_context(TestServer(app))
            log.url = str(server.make_url("/"))
        try:
            yield logs
        finally:
            for log in logs:
                log.gate.set()


def three(roots: Sequence[x509.Certificate], now: Callable[[], datetime]) -> list[SimulatedLog]:
    """Logs of two operators, one of them with static tiles: just enough for a certificate of 199 days."""
    return [
        SimulatedLog("Ume 2027", "Ume", roots, now),
        SimulatedLog("Take 2027", "Take", roots, now),
        SimulatedLog("Take tiles 2027", "Take", roots, now, tiled=True),
    ]


async def serve(root: Path, file: Path) -> None:
    """Three logs run until standard input ends; their list is in the file before the root must be there."""
    now = lambda: datetime.now(UTC)  # noqa: E731
    roots: list[x509.Certificate] = []
    async with running(three(roots, now)) as logs:
        part = file.with_suffix(".part")
        part.write_bytes(log_list(logs, now()))
        part.replace(file)
        reading = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not root.exists() and not reading.done():
            await asyncio.sleep(0.05)
        if root.exists():
            roots.append(x509.load_der_x509_certificate(root.read_bytes()))
        await reading


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
