"""A TLS server on loopback that presents scripted acme-tls/1 certificates (RFC 8737), good and bad.

async with TlsAlpnSimulator.start(challenge_certificate(["a.test"], digest)) as tls:
    tls.port
"""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
STAND_IN = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.30")  # renamed in the DER, to have one extension twice
NOT_BEFORE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def octet_string(digest: bytes) -> bytes:
    """The DER OCTET STRING of the digest."""
    return bytes((4, len(digest))) + digest


def challenge_certificate(
    names: Sequence[str], value: bytes | None, *, critical: bool = True, twice: bool = False
) -> bytes:
    """A self-signed certificate, DER. `value` is that of the acmeIdentifier extension; None leaves it out."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "challenge")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_BEFORE + datetime.timedelta(days=3650))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(n) for n in names]), False)
    if value is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, value), critical)
    if twice and value is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(STAND_IN, value), critical)
    der = builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)
    return der.replace(bytes.fromhex("06082b0601050507011e"), bytes.fromhex("06082b0601050507011f"))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def server_context(certificate: bytes) -> ssl.SSLContext:
    """A server context that presents the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder, "both.pem")
        pem.write_text(key + ssl.DER_cert_to_PEM_cert(certificate))
        context.load_cert_chain(pem)
    return context


@dataclass
class TlsAlpnSimulator:
    """What came: the SNI of each handshake, and every byte of application data."""

    port: int = 0
    server_names: list[str | None] = field(default_factory=list)
    handshakes: int = 0
    data: bytes = b""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        certificate: bytes,
        *,
        host: str = "127.0.0.1",
        alpn: Sequence[str] = ("acme-tls/1",),
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> AsyncIterator["TlsAlpnSimulator"]:
        """A running server on a free port, whose newest protocol version is `newest`."""
        simulator = cls()
        context = server_context(certificate)
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = newest
        context.maximum_version = newest
        if alpn:
            context.set_alpn_protocols(list(alpn))
        context.sni_callback = lambda _sock, name, _context: simulator.server_names.append(name)
        sock = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        simulator.port = sock.getsockname()[1]
        server = await asyncio.get_running_loop().create_server(lambda: _Recorder(simulator), sock=sock, ssl=context)
        try:
            yield simulator
        finally:
            server.close()
            await server.wait_closed()


class _Recorder(asyncio.Protocol):
    def __init__(self, simulator: TlsAlpnSimulator) -> None:
        self._simulator = simulator

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._simulator.handshakes += 1

    def data_received(self, data: bytes) -> None:
        self._simulator.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._simulator.closed.set()
