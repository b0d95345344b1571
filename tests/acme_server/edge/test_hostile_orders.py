"""Anything at all as the payload for orders, challenges and certificates, rightly signed. RFC 8555 §7.4 to §7.6."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server.clock import utc_now
from tests.acme_server.client import Json, b64, csr, der, leaf, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready
from tests.acme_server.edge.hostile import check, nothing_unexpected, refused, stored
from tests.acme_server.edge.odd import TEXTS

DATES = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "20260101T000000Z",
    "2026-01-01T00:00:00.000000000000001Z", "2026-01-01T00:00:00+99:99", "２０２６-01-01T00:00:00Z", "now", "", "\0",
)  # fmt: skip
NAMES = (
    *TEXTS, "www.demo.test.", "www..demo.test", "-a.demo.test", "a_b.demo.test", "a" * 64 + ".demo.test", "demo", "*.",
    ".".join(["a" * 60] * 5), "xn--zz--.test", "xn--\u00fc.test", "WWW.DEMO.TEST\0.evil.test", "*.*.demo.test",
    "0x7f.1",
    "1.1.1.1/24", "fe80::1%eth0", "[::1]", "::ffff:1.2.3.4", "0177.0.0.1", "1" * 300, "evil.onion", "a.in-addr.arpa",
    "www.demo.test:443", "https://www.demo.test", "www.demo.test/..", "www.demo.test@evil.test", "ｗｗｗ.demo.test",
)  # fmt: skip
GOOD = {"identifiers": [{"type": "dns", "value": "www.demo.test"}]}


async def test_no_odd_date_name_or_predecessor_is_ordered(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    with nothing_unexpected(caplog):
        before = await stored(served.owner)
        for at in DATES:
            refused(await client.post("/new-order", {**GOOD, "notBefore": at}), at)
            refused(await client.post("/new-order", {**GOOD, "notAfter": at}), at)
        for name in NAMES:
            for type in {"dns", "ip", name} - ({"ip"} if name == "::1" else set()):
                refused(await client.post("/new-order", {"identifiers": [{"type": type, "value": name}]}), (type, name))
        for replaced in (*TEXTS[1:], ".", "AA.", ".AA", "AA.AA", "AA.AA.AA", "gA.gA", "é.AA", "A" * 400 + ".AA"):
            refused(await client.post("/new-order", {**GOOD, "replaces": replaced}), replaced)
        assert await stored(served.owner) == before


async def test_no_other_type_is_a_challenge(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    order = (await client.order("www.demo.test")).json
    authorization = order["authorizations"][0]
    with nothing_unexpected(caplog):
        for kind in ("", "dns-02", "%00", "dns-01%00", "%ff", "é", "..", "DNS-01", "a" * 5000):
            url = f"{authorization.replace('/authorization/', '/challenge/')}/{kind}"
            refused(await client.post(url, {}), kind)


def odd_csrs(names: list[str]) -> list[bytes]:
    """CSRs that can be read but not granted, and some that no parser likes."""
    key, small, other = new_key(), rsa.generate_private_key(65537, 1024), dsa.generate_private_key(1024)

    def made(
        *extensions: x509.ExtensionType, subject: tuple[Any, ...] = (), signer: Any = key, digest: Any = None
    ) -> bytes:
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(signer, digest or hashes.SHA256()).public_bytes(Encoding.DER)

    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    others = [
        x509.RFC822Name("a@demo.test"), x509.UniformResourceIdentifier("https://demo.test"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")), x509.DirectoryName(x509.Name([])),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), x509.DNSName("9" * 5000), x509.DNSName("\x00"),
    ]  # fmt: skip
    common, texts = x509.NameOID.COMMON_NAME, ("\0", "é", "a" * 64, "1.2.3.4", "x\u202e")
    return [
        made(), made(san, signer=small), made(san, signer=other), made(san, digest=hashes.SHA3_256()),
        made(san, signer=ec.generate_private_key(ec.SECP256K1())),
        made(x509.SubjectAlternativeName([x509.DNSName(f"n{n}.demo.test") for n in range(500)])),
        made(x509.SubjectAlternativeName([x509.DNSName(f"{n}.demo.test") for n in range(3000)])),
        *(made(x509.SubjectAlternativeName([one])) for one in others),
        *(made(san, subject=(x509.NameAttribute(common, text),)) for text in texts),
        made(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\xff" * 9000)),
        ed_csr(ed25519.Ed25519PrivateKey.generate(), san), ed_csr(ed448.Ed448PrivateKey.generate(), san),
    ]  # fmt: skip


def ed_csr(key: Any, san: x509.SubjectAlternativeName) -> bytes:
    """A CSR signed with an Edwards key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.add_extension(san, critical=False).sign(key, None).public_bytes(Encoding.DER)


def big_rsa(good: bytes, modulus: bytes, exponent: bytes) -> bytes:
    """The CSR with an RSA key of any size in place of its key: no such key could be made in time."""
    key = sequence(tlv(0x02, modulus), tlv(0x02, exponent))
    spki = sequence(bytes.fromhex("300d06092a864886f70d0101010500"), tlv(0x03, b"\0" + key))
    return sequence(sequence(bytes.fromhex("0201003000"), spki, bytes.fromhex("a000")),
                    bytes.fromhex("300d06092a864886f70d01010b0500"), tlv(0x03, b"\0" + bytes(256)))  # fmt: skip


def tlv(tag: int, content: bytes) -> bytes:
    """DER."""
    size = len(content)
    length = bytes((size,)) if size < 128 else bytes((0x80 | (size.bit_length() + 7) // 8,)) + size.to_bytes(
        (size.bit_length() + 7) // 8, "big")  # fmt: skip
    return bytes((tag,)) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(0x30, b"".join(parts))


async def test_an_odd_csr_is_refused(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    _, order = await ready(client, "www.demo.test", "*.demo.test")
    names, url = ["www.demo.test", "*.demo.test"], order["finalize"]
    good = csr(new_key(), names)
    before = await stored(served.owner)
    odd = [
        *odd_csrs(names), *(good[:n] for n in range(0, len(good), 9)),
        b"\x30" * 8000, b"\x30\x80" * 4000, b"\xa0\x84\xff\xff\xff\xff", bytes(16 * 1024), bytes(16 * 1024 + 1),
        big_rsa(good, b"\x7f" + b"\xff" * 2000, b"\x01\x00\x01"), big_rsa(good, b"\xff" * 256, b"\x01\x00\x01"),
        big_rsa(good, b"\x7f" + b"\xff" * 255, b"\x7f" * 2000), big_rsa(good, b"\0", b"\0"), big_rsa(good, b"", b""),
        good.replace(b"\x02\x01\x00", b"\x02\x01\xff", 1), good.replace(b"\x02\x01\x00", b"\x02\x01\x7f", 1),
    ]  # fmt: skip
    with nothing_unexpected(caplog):
        for octets in set(odd) - {good}:
            refused(await client.post(url, {"csr": b64(octets)}), octets)
    assert await stored(served.owner) == before
    assert (await client.post(url, {"csr": b64(good)})).status == 200


async def test_an_odd_certificate_is_not_revoked(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.registered()
    own = leaf(await client.certificate("www.demo.test"))
    good: Json = {"certificate": der(own)}
    octets, stranger, now = own.public_bytes(Encoding.DER), new_key(), utc_now()
    forged = (
        x509.CertificateBuilder(own.issuer, own.subject, stranger.public_key(), own.serial_number, now - timedelta(1),
                                now + timedelta(1)).sign(stranger, hashes.SHA256())
    )  # fmt: skip
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for wrong in (
            forged.public_bytes(Encoding.DER), octets + b"\0", octets[:-1], b"\x30\x00", b"", octets[4:],
            octets.replace(b"\x02\x10", b"\x02\x11\x00", 1),
            served.context.issuer.certificate, octets.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\xff", 1),
        ):  # fmt: skip
            refused(await client.post("/revoke-cert", {"certificate": b64(wrong)}), wrong)
        for reason in (True, -1, 10**40, "1", {}, 2, 6, 7, 8, 9, 10, 11, 255, [1], 1.0 + 1e-9):
            refused(await client.post("/revoke-cert", {**good, "reason": reason}), reason)
        for id in ("", "x", "%00", "0" * 36, str(own.serial_number), "..", "%2e%2e%2fdir", "é", "%ff"):
            check(await client.post(f"/certificate/{id}"), id)
            check(await client.post(f"/certificate/{id}/1"), id)
    assert await stored(served.owner) == before
    assert (await client.post("/revoke-cert", good)).status == 200
