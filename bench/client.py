"""A light ACME client for load: its own HTTP/1.1 over TLS, one ES256 account, no validation of its own."""

import asyncio
import json
import ssl
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

POLLS = 200
POLL_PAUSE = 0.005


class LoadError(Exception):
    """The server answered what a client can do nothing with."""


def b64(octets: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


class Connection:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self.host, self.port, self.tls = host, port, tls
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body of the answer."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        reader, writer = self.streams
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/jose+json\r\n"
            f"User-Agent: keiyaku-bench\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:]) if name}
        length = int(headers.get("content-length", "0"))
        return int(lines[0].split()[1]), headers, await reader.readexactly(length) if length else b""

    def close(self) -> None:
        """The connection is closed."""
        if self.streams is not None:
            self.streams[1].close()


@dataclass
class Account:
    """An account of the load, on a connection of its own; `record` is told each step's name and milliseconds."""

    connection: Connection
    base: str
    record: Callable[[str, float], None]
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str | None = None
    nonce: str | None = None

    def jwk(self) -> dict[str, str]:
        """The public key."""
        point = self.key.public_key().public_numbers()
        return {
            "crv": "P-256",
            "kty": "EC",
            "x": b64(point.x.to_bytes(32, "big")),
            "y": b64(point.y.to_bytes(32, "big")),
        }

    async def post(self, step: str, url: str, payload: Any = None) -> tuple[dict[str, str], bytes]:
        """A signed POST; raises LoadError for anything but 2xx. A badNonce is tried once more, as clients do."""
        for _ in range(2):
            if self.nonce is None:
                _, headers, _ = await self.connection.request("HEAD", "/new-nonce")
                self.nonce = headers["replay-nonce"]
            body = self.signed(url, payload)
            began = time.perf_counter()
            status, headers, answer = await self.connection.request("POST", url.removeprefix(self.base), body)
            self.record(step, (time.perf_counter() - began) * 1000)
            self.nonce = headers.get("replay-nonce")
            if status < 300:
                return headers, answer
            if b"badNonce" not in answer:
                break
        raise LoadError(f"{step}: {status} {answer[:300]!r}")

    def signed(self, url: str, payload: Any) -> bytes:
        """The JWS."""
        header = {"alg": "ES256", "nonce": self.nonce, "url": url}
        header |= {"kid": self.kid} if self.kid else {"jwk": self.jwk()}
        protected = b64(json.dumps(header).encode())
        content = "" if payload is None else b64(json.dumps(payload).encode())
        r, s = decode_dss_signature(self.key.sign(f"{protected}.{content}".encode(), ec.ECDSA(hashes.SHA256())))
        signature = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return json.dumps({"protected": protected, "payload": content, "signature": signature}).encode()

    async def register(self, kid: str, hmac_key: bytes) -> None:
        """The account exists, bound by the key."""
        url = f"{self.base}/new-account"
        protected = b64(json.dumps({"alg": "HS256", "kid": kid, "url": url}).encode())
        content = b64(json.dumps(self.jwk()).encode())
        mac = hmac.HMAC(hmac_key, hashes.SHA256())
        mac.update(f"{protected}.{content}".encode())
        binding = {"protected": protected, "payload": content, "signature": b64(mac.finalize())}
        headers, _ = await self.post(
            "newAccount", url, {"termsOfServiceAgreed": True, "externalAccountBinding": binding}
        )
        self.kid = headers["location"]

    async def issue(self, name: str, csr: bytes, answer: Callable[[str, str], None] | None = None) -> bytes:
        """A certificate, all the way. `answer` is told token and key authorization before the challenge is answered."""
        wanted = {"identifiers": [{"type": "dns", "value": name}]}
        headers, body = await self.post("newOrder", f"{self.base}/new-order", wanted)
        order_url, order = headers["location"], json.loads(body)
        url = order["authorizations"][0]
        authorization = json.loads((await self.post("getAuthz", url))[1])
        challenge = next(each for each in authorization["challenges"] if each["type"] == "http-01")
        if answer is not None:
            answer(challenge["token"], f"{challenge['token']}.{self.thumbprint()}")
        await self.post("challenge", challenge["url"], {})
        await self.poll("pollAuthz", url, "valid")
        await self.post("finalize", order["finalize"], {"csr": b64(csr)})
        done = await self.poll("pollOrder", order_url, "valid")
        return (await self.post("download", done["certificate"]))[1]

    def thumbprint(self) -> str:
        """RFC 7638."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(json.dumps(self.jwk(), sort_keys=True, separators=(",", ":")).encode())
        return b64(digest.finalize())

    async def poll(self, step: str, url: str, until: str) -> Any:
        """The object once its status is `until`."""
        for turn in range(POLLS):
            found = json.loads((await self.post(step, url))[1])
            if found["status"] == until:
                return found
            if found["status"] == "invalid":
                raise LoadError(f"{step}: {found}")
            await asyncio.sleep(POLL_PAUSE * (turn + 1))
        raise LoadError(f"{step}: still {found['status']}")


def csr(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """A CSR for one name."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
