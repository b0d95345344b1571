from functools import cache
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA224, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol.csr import Csr, decode_field, matches, parse_csr
from acme_server.protocol.errors import AcmeError, ErrorType
from tests.acme_server.protocol.clients import attempt, b64, private_key, refused

KEY = private_key("ES256")
DNS, IP = x509.DNSName, x509.IPAddress


def der(
    *names: x509.GeneralName, key: Any = KEY, cn: str | None = None, digest: Any = None, extra: tuple[Any, ...] = ()
) -> bytes:
    """A CSR with these alternative names."""
    subject = x509.Name([] if cn is None else [x509.NameAttribute(NameOID.COMMON_NAME, cn)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extra:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, SHA256() if digest is None else digest).public_bytes(Encoding.DER)


GOOD = der(DNS("www.demo.test"), DNS("demo.test"))


@cache
def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


@pytest.mark.parametrize(
    ("key", "key_type", "bits"),
    [
        pytest.param(KEY, "P-256", 256, id="P-256"),
        pytest.param(private_key("ES384"), "P-384", 384, id="P-384"),
        pytest.param(private_key("ES512"), "P-521", 521, id="P-521"),
        pytest.param(rsa_key(2048), "RSA", 2048, id="RSA 2048"),
        pytest.param(rsa_key(2056), "RSA", 2056, id="RSA 2056"),
    ],
)
def test_key_of_a_csr(key: Any, key_type: str, bits: int) -> None:
    csr = parse_csr(der(DNS("a.test"), key=key))
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert (csr.key_type, csr.key_bits, csr.spki_der) == (key_type, bits, spki)
    assert len(csr.spki_sha256) == 32


@pytest.mark.std("A-130")
@pytest.mark.parametrize("digest", [SHA256(), SHA384(), SHA512()])
def test_digests_that_are_accepted(digest: Any) -> None:
    assert parse_csr(der(DNS("a.test"), digest=digest)).names == ("a.test",)


def resigned(key: Any, algorithm: bytes, scheme: tuple[Any, ...]) -> bytes:
    """A CSR whose signature verifies, with a signature algorithm that the builder does not offer."""
    inside = x509.load_der_x509_csr(der(DNS("a.test"), key=key)).tbs_certrequest_bytes
    return tlv(0x30, inside + tlv(0x30, algorithm) + tlv(0x03, b"\0" + key.sign(inside, *scheme)))


def tlv(tag: int, octets: bytes) -> bytes:
    length = len(octets)
    size = bytes([length]) if length < 0x80 else b"\x82" + length.to_bytes(2)
    return bytes([tag]) + size + octets


PKCS1 = padding.PKCS1v15()
RSA_WITH, ECDSA_WITH = bytes.fromhex("06092a864886f70d0101"), bytes.fromhex("06072a8648ce3d04")


@pytest.mark.std("A-130")
@pytest.mark.parametrize(
    ("made", "good"),
    [
        pytest.param(resigned(rsa_key(2048), RSA_WITH + b"\x0b\5\0", (PKCS1, SHA256())), True, id="SHA-256, RSA"),
        pytest.param(resigned(rsa_key(2048), RSA_WITH + b"\x05\5\0", (PKCS1, SHA1())), False, id="SHA-1, RSA"),
        pytest.param(resigned(rsa_key(2048), RSA_WITH + b"\x04\5\0", (PKCS1, MD5())), False, id="MD5, RSA"),
        pytest.param(resigned(rsa_key(2048), RSA_WITH + b"\x7f\5\0", (PKCS1, SHA256())), False, id="an unknown one"),
        pytest.param(
            resigned(KEY, ECDSA_WITH[:1] + b"\7" + ECDSA_WITH[2:] + b"\1", (ec.ECDSA(SHA1()),)),
            False,
            id="SHA-1, ECDSA",
        ),
        pytest.param(der(DNS("a.test"), digest=SHA224()), False, id="SHA-224"),
    ],
)
def test_weak_digests_are_refused(made: bytes, good: bool) -> None:
    if good:
        parse_csr(made)
    else:
        with refused(ErrorType.BAD_CSR):
            parse_csr(made)


@pytest.mark.std("A-130")
def test_a_csr_signed_by_another_key_is_refused() -> None:
    parse_csr(GOOD)
    other = GOOD[:-4] + bytes(b ^ 1 for b in GOOD[-4:])
    with refused(ErrorType.BAD_CSR, "signature"):
        parse_csr(other)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(rsa_key(1024), id="RSA 1024"),
        pytest.param(rsa_key(2052), id="RSA of no whole octets"),
        pytest.param(rsa_key(2048, 3), id="RSA with exponent 3"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(ec.generate_private_key(ec.SECP224R1()), id="P-224"),
        pytest.param(dsa.generate_private_key(1024), id="DSA"),
    ],
)
def test_keys_that_are_refused(key: Any) -> None:
    with refused(ErrorType.BAD_CSR, "key"):
        parse_csr(der(DNS("a.test"), key=key))


def test_an_ed25519_key_is_refused() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    with refused(ErrorType.BAD_CSR, "key"):
        parse_csr(made.public_bytes(Encoding.DER))


@pytest.mark.std("A-128")
@pytest.mark.parametrize(
    ("made", "names"),
    [
        pytest.param(GOOD, {"www.demo.test", "demo.test"}, id="alternative names"),
        pytest.param(der(cn="www.demo.test"), {"www.demo.test"}, id="a common name alone counts"),
        pytest.param(der(DNS("a.test"), cn="b.test"), {"a.test", "b.test"}, id="both count"),
        pytest.param(der(DNS("A.Test"), DNS("a.test"), cn="a.TEST"), {"a.test"}, id="case is folded"),
        pytest.param(der(DNS("*.a.test")), {"*.a.test"}, id="a wildcard"),
        pytest.param(der(IP(ip_address("::1")), IP(ip_address("192.0.2.1"))), {"::1", "192.0.2.1"}, id="addresses"),
        pytest.param(
            der(IP(ip_address("192.0.2.1")), cn="192.0.2.1"), {"192.0.2.1"}, id="an address repeated as common name"
        ),
    ],
)
def test_names_of_a_csr(made: bytes, names: set[str]) -> None:
    csr = parse_csr(made)
    assert set(csr.names) == names
    assert len(csr.names) == len(names)
    matches(csr, sorted(names, reverse=True))
    with refused(ErrorType.BAD_CSR, "lacks more.test"):
        matches(csr, [*names, "more.test"])
    with refused(ErrorType.BAD_CSR, "not in the order"):
        matches(csr, sorted(names)[1:])


def test_a_mismatch_names_a_few_on_each_side() -> None:
    csr = Csr(tuple(f"extra{n}.test" for n in range(9)), b"", b"", "P-256", 256)
    with refused(ErrorType.BAD_CSR, "lacks a.test of the order and has extra0.test, extra1.test") as it:
        matches(csr, ["a.test"])
    assert "and 4 more, not in the order" in it.error.detail


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(der(DNS("192.0.2.1")), id="A-206 an address as dNSName"),
        pytest.param(der(DNS("2001:db8::1")), id="A-206 an IPv6 address as dNSName"),
        pytest.param(der(cn="192.0.2.1"), id="A-206 an address as common name"),
        pytest.param(der(IP(ip_address("::1")), cn="192.0.2.1"), id="A-206 an address as common name, beside another"),
        pytest.param(der(), id="no names"),
        pytest.param(der(DNS("a.test"), x509.RFC822Name("a@a.test")), id="a mail address"),
        pytest.param(der(DNS("a.test"), x509.UniformResourceIdentifier("https://a.test")), id="an URI"),
        pytest.param(der(DNS("a.test"), x509.RegisteredID(ObjectIdentifier("1.2.3"))), id="a registered id"),
        pytest.param(der(*(DNS(f"{n}.test") for n in range(101))), id="101 names"),
    ],
)
def test_names_that_are_refused(made: bytes) -> None:
    with refused(ErrorType.BAD_CSR):
        parse_csr(made)


@pytest.mark.std("A-132")
def test_other_extensions_and_subject_fields_are_ignored() -> None:
    asked = (
        x509.BasicConstraints(ca=True, path_length=None),
        x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    )
    assert parse_csr(der(DNS("a.test"), extra=asked)) == parse_csr(der(DNS("a.test")))


@pytest.mark.std("A-126")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("-----BEGIN CERTIFICATE REQUEST-----\nMII", id="PEM"),
        pytest.param(b64(GOOD) + "=", id="padding"),
        pytest.param(b64(GOOD)[:60] + "\n" + b64(GOOD)[60:], id="a line break"),
    ],
)
def test_the_csr_field_is_plain_base64url(value: str) -> None:
    assert decode_field(b64(GOOD)) == GOOD
    with refused(ErrorType.MALFORMED, "csr"):
        decode_field(value)


@pytest.mark.std("A-178")
@pytest.mark.parametrize("value", ["-----BEGIN CERTIFICATE-----", "MIIB==", "MI+/"])
def test_the_certificate_field_is_plain_base64url(value: str) -> None:
    with refused(ErrorType.MALFORMED, "certificate"):
        decode_field(value, "certificate")


@pytest.mark.std("A-126")
@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b64(GOOD).encode(), id="base64url twice"),
        pytest.param(b"-----BEGIN CERTIFICATE REQUEST-----", id="PEM"),
        pytest.param(GOOD[:-1], id="cut short"),
        pytest.param(GOOD + b"\0", id="more after it"),
        pytest.param(GOOD[:1] + b"\x83\x00" + GOOD[2:], id="BER"),
        pytest.param(bytes(16 * 1024 + 1), id="too long"),
    ],
)
def test_what_is_not_der_is_refused(octets: bytes) -> None:
    with refused(ErrorType.BAD_CSR):
        parse_csr(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_refused(octets: bytes) -> None:
    assert isinstance(attempt(lambda: parse_csr(octets)), AcmeError)


RICH = der(DNS("a.test"), IP(ip_address("::1")), cn="a.test", extra=(x509.BasicConstraints(ca=True, path_length=None),))


@given(st.integers(0, len(RICH) - 1), st.integers(1, 255))
def test_a_csr_with_any_octet_changed_is_refused(index: int, change: int) -> None:
    octets = bytearray(RICH)
    octets[index] ^= change
    assert isinstance(attempt(lambda: parse_csr(bytes(octets))), AcmeError)


@pytest.mark.std("A-126", "A-130")
def test_a_signature_of_other_than_whole_octets_is_refused() -> None:
    """Its last bits are zero, so that leaving them out changes no octet of it, and it verifies all the same."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("www.demo.test")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    made = next(each for each in iter(lambda: builder.sign(key, SHA256()), None) if not each.signature[-1] & 1)
    der = made.public_bytes(Encoding.DER)
    place = len(der) - len(made.signature) - 1
    assert parse_csr(der).names == ("www.demo.test",)
    with pytest.raises(AcmeError, match="whole octets"):
        parse_csr(der[:place] + b"\1" + der[place + 1 :])
