"""tls-alpn-01 against a real TLS server. Each refusal stands beside the good certificate that differs in one thing."""

import asyncio
import hashlib
import socket
import ssl

import msgspec
import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation import tls_alpn_01
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from acme_server.validation.tls_alpn_01 import Presented, expected_extension, fault_of, server_name
from tests.simulators.dns import Behaviour, DnsSimulator
from tests.simulators.tls_alpn import TlsAlpnSimulator, challenge_certificate, octet_string

NAME = "www.demo.test"
KEY_AUTHORIZATION = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
DIGEST = hashlib.sha256(KEY_AUTHORIZATION.encode()).digest()
VALUE = octet_string(DIGEST)
GOOD = challenge_certificate([NAME], VALUE)


async def look(
    port: int, dns: DnsSimulator, settings: ValidationSettings, name: str = NAME, **changed: object
) -> Proven | NotProven:
    settings = msgspec.structs.replace(settings, tls_port=port, **changed)
    return await tls_alpn_01.look(name, KEY_AUTHORIZATION, Resolver([dns.address]), settings)


@pytest.mark.std("A-197")
def test_expected_extension_is_the_octet_string_of_the_digest() -> None:
    assert expected_extension(KEY_AUTHORIZATION) == b"\x04\x20" + DIGEST


@pytest.mark.std("A-204")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, NAME),
        ("192.0.2.7", "7.2.0.192.in-addr.arpa"),
        ("2001:db8::1", "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"),
    ],
)
def test_server_name(name: str, expected: str) -> None:
    assert server_name(name) == expected


@pytest.mark.std("A-195", "A-196", "A-197")
@pytest.mark.parametrize(
    ("protocol", "certificate", "fault"),
    [
        pytest.param("acme-tls/1", GOOD, None, id="good"),
        pytest.param("acme-tls/1", challenge_certificate(["WWW.Demo.TEST"], VALUE), None, id="case of the name"),
        pytest.param(None, GOOD, "did not select", id="no ALPN"),
        pytest.param("h2", GOOD, "did not select", id="another protocol"),
        pytest.param("acme-tls/1", challenge_certificate([], VALUE), "exactly one", id="no SAN"),
        pytest.param("acme-tls/1", challenge_certificate([NAME, NAME], VALUE), "exactly one", id="the name twice"),
        pytest.param("acme-tls/1", challenge_certificate([NAME, "a.test"], VALUE), "exactly one", id="an extra name"),
        pytest.param("acme-tls/1", challenge_certificate(["demo.test"], VALUE), "another name", id="parent"),
        pytest.param("acme-tls/1", challenge_certificate(["*.demo.test"], VALUE), "another name", id="wildcard"),
        pytest.param("acme-tls/1", challenge_certificate(["a." + NAME], VALUE), "another name", id="subdomain"),
        pytest.param("acme-tls/1", challenge_certificate(["192.0.2.1"], VALUE), "another name", id="address"),
        pytest.param("acme-tls/1", challenge_certificate([NAME], None), "no acmeIdentifier", id="no extension"),
        pytest.param(
            "acme-tls/1", challenge_certificate([NAME], VALUE, critical=False), "not critical", id="not critical"
        ),
        pytest.param("acme-tls/1", challenge_certificate([NAME], VALUE, twice=True), "repeats", id="extension twice"),
        pytest.param("acme-tls/1", challenge_certificate([NAME], DIGEST), "must be 0420", id="bare digest"),
        pytest.param("acme-tls/1", challenge_certificate([NAME], VALUE + b"\0"), "must be 0420", id="trailing byte"),
        pytest.param("acme-tls/1", challenge_certificate([NAME], VALUE[:-1]), "must be 0420", id="cut off"),
        pytest.param(
            "acme-tls/1", challenge_certificate([NAME], b"\x04\x81\x20" + DIGEST), "must be 0420", id="BER, not DER"
        ),
        pytest.param(
            "acme-tls/1", challenge_certificate([NAME], octet_string(bytes(32))), "must be 0420", id="other digest"
        ),
        pytest.param("acme-tls/1", b"junk", "cannot be read", id="no certificate"),
    ],
)
def test_fault_of(protocol: str | None, certificate: bytes, fault: str | None) -> None:
    found = fault_of(Presented(protocol, certificate), NAME, KEY_AUTHORIZATION)
    assert found is None if fault is None else fault in (found or "")


@pytest.mark.std("A-204")
@pytest.mark.parametrize(
    ("address", "names", "good"),
    [
        ("192.0.2.1", ["192.0.2.1"], True),
        ("2001:db8::1", ["2001:db8::1"], True),
        ("192.0.2.1", ["192.0.2.2"], False),
        ("192.0.2.1", ["192.0.2.1", "192.0.2.2"], False),
        ("192.0.2.1", ["1.2.0.192.in-addr.arpa"], False),
        ("192.0.2.1", ["::ffff:192.0.2.1"], False),
    ],
)
def test_fault_of_an_address(address: str, names: list[str], good: bool) -> None:
    presented = Presented("acme-tls/1", challenge_certificate(names, VALUE))
    assert (fault_of(presented, address, KEY_AUTHORIZATION) is None) is good


@pytest.mark.std("A-194", "A-199")
async def test_look_proves_by_the_handshake_alone(dns: DnsSimulator, settings: ValidationSettings) -> None:
    dns.add(NAME, "A", "127.0.0.1")
    async with TlsAlpnSimulator.start(GOOD) as tls:
        outcome = await look(tls.port, dns, settings)
        await tls.closed.wait()
        assert (tls.server_names, tls.handshakes, tls.data) == ([NAME], 1, b"")
    assert outcome == Proven(
        "127.0.0.1",
        {
            "method": "tls-alpn-01",
            "name": NAME,
            "addresses": ["127.0.0.1"],
            "address": "127.0.0.1",
            "certificate_sha256": hashlib.sha256(GOOD).hexdigest(),
        },
    )


@pytest.mark.std("A-194")
async def test_look_offers_one_protocol_only(dns: DnsSimulator, settings: ValidationSettings) -> None:
    """The ALPN extension of the ClientHello, as RFC 7301 §3.1 writes it. Port 443 unless set otherwise."""
    hello: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.append(await reader.read(65536))
        writer.close()

    dns.add(NAME, "A", "127.0.0.1")
    async with await asyncio.start_server(record, "127.0.0.1", 0) as server:
        outcome = await look(server.sockets[0].getsockname()[1], dns, settings)
    assert isinstance(outcome, NotProven)
    assert (outcome.type, outcome.temporary) == (ErrorType.TLS, True)
    assert b"\x00\x10\x00\x0d\x00\x0b\x0aacme-tls/1" in hello[0]
    assert ValidationSettings(()).tls_port == 443


@pytest.mark.std("A-195")
@pytest.mark.parametrize(("alpn", "proven"), [(["acme-tls/1"], True), (["http/1.1", "acme-tls/1"], True), ([], False)])
async def test_look_needs_the_protocol_selected(
    dns: DnsSimulator, settings: ValidationSettings, alpn: list[str], proven: bool
) -> None:
    dns.add(NAME, "A", "127.0.0.1")
    async with TlsAlpnSimulator.start(GOOD, alpn=alpn) as tls:
        outcome = await look(tls.port, dns, settings)
    assert isinstance(outcome, Proven) is proven
    if isinstance(outcome, NotProven):
        assert outcome.type is ErrorType.INCORRECT_RESPONSE
        assert (
            outcome.detail
            == f"{NAME} (127.0.0.1 port {tls.port}): the server did not select the ALPN protocol acme-tls/1"
        )


@pytest.mark.std("A-198", "A-165")
@pytest.mark.parametrize(
    ("newest", "proven"),
    [(ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_look_needs_tls_12(
    dns: DnsSimulator, settings: ValidationSettings, newest: ssl.TLSVersion, proven: bool
) -> None:
    dns.add(NAME, "A", "127.0.0.1")
    async with TlsAlpnSimulator.start(GOOD, newest=newest) as tls:
        outcome = await look(tls.port, dns, settings)
        assert isinstance(outcome, Proven) is proven
        if isinstance(outcome, NotProven):
            assert (outcome.type, tls.handshakes) == (ErrorType.TLS, 0)


@pytest.mark.std("A-204")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_look_at_an_address(dns: DnsSimulator, settings: ValidationSettings, address: str) -> None:
    async with TlsAlpnSimulator.start(challenge_certificate([address], VALUE), host=address) as tls:
        outcome = await look(tls.port, dns, settings, address)
        assert isinstance(outcome, Proven), outcome
        assert tls.server_names == [server_name(address)]
        assert dns.queries == []


@pytest.mark.std("A-161")
async def test_look_dials_no_internal_address(dns: DnsSimulator, settings: ValidationSettings) -> None:
    dns.add(NAME, "A", "127.0.0.1")
    async with TlsAlpnSimulator.start(GOOD) as tls:
        outcome = await look(tls.port, dns, settings, allow_private=False)
        assert isinstance(outcome, NotProven)
        assert outcome.type is ErrorType.CONNECTION
        assert tls.server_names == []
        assert isinstance(await look(tls.port, dns, settings), Proven)


@pytest.mark.std("A-165")
async def test_look_tells_failures_apart(dns: DnsSimulator, settings: ValidationSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # completes connections, never answers
        port = silent.getsockname()[1]
        dns.add(NAME, "A", "127.0.0.1")
        slow = await look(port, dns, settings, timeout=0.2)
    refused = await look(port, dns, settings)
    dns.behave(NAME, Behaviour.SERVFAIL)
    failed = await look(port, dns, settings)
    assert [(o.type, o.temporary) for o in (slow, refused, failed) if isinstance(o, NotProven)] == [
        (ErrorType.CONNECTION, True),
        (ErrorType.CONNECTION, True),
        (ErrorType.DNS, True),
    ]
