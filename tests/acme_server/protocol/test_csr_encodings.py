"""A public key reaches a certificate in one encoding only, whatever encoding the CSR has. C-070, C-071, C-110."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from acme_server.protocol.csr import parse_csr
from acme_server.protocol.errors import AcmeError, ErrorType
from ca.der import BIT_STRING, NULL, OCTET_STRING, SEQUENCE, SET, UTF8_STRING, integer, oid, tlv
from ca.public_keys import CURVES

EC, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
RSA_ID, PSS_ID = oid("1.2.840.113549.1.1.1"), oid("1.2.840.113549.1.1.10")
EC_ID, P256 = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")
ECDSA_SHA256 = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
RSA_SHA256 = tlv(SEQUENCE, oid("1.2.840.113549.1.1.11"), tlv(NULL))
NAME = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid("2.5.4.3"), tlv(UTF8_STRING, b"www.demo.test"))))
POINT = EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
COMPRESSED = EC.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
MODULUS = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
P, B = CURVES["P-256"]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
EXPLICIT = tlv(
    SEQUENCE, integer(1), tlv(SEQUENCE, oid("1.2.840.10045.1.1"), integer(P)),
    tlv(SEQUENCE, tlv(OCTET_STRING, (P - 3).to_bytes(32, "big")), tlv(OCTET_STRING, B.to_bytes(32, "big"))),
    tlv(OCTET_STRING, BASE), integer(ORDER), integer(1),
)  # fmt: skip


def spki(algorithm: bytes, parameters: bytes, key: bytes) -> bytes:
    return tlv(SEQUENCE, tlv(SEQUENCE, algorithm, parameters), tlv(BIT_STRING, b"\0", key))


def csr(public: bytes) -> bytes:
    """A request with that key, whose signature is by the key that it encodes."""
    info = tlv(SEQUENCE, integer(0), NAME, public, tlv(0xA0))
    if RSA_ID in public or PSS_ID in public:
        signed = tlv(BIT_STRING, b"\0", RSA.sign(info, padding.PKCS1v15(), SHA256()))
        return tlv(SEQUENCE, info, RSA_SHA256, signed)
    return tlv(SEQUENCE, info, ECDSA_SHA256, tlv(BIT_STRING, b"\0", EC.sign(info, ec.ECDSA(SHA256()))))


def canonical(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.std("C-110")
@pytest.mark.parametrize(
    ("public", "key"),
    [
        pytest.param(spki(EC_ID, P256, POINT), EC, id="P-256"),
        pytest.param(spki(RSA_ID, tlv(NULL), MODULUS), RSA, id="RSA"),
    ],
)
def test_the_one_encoding_is_taken_as_it_is(public: bytes, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    found = parse_csr(csr(public))
    assert found.spki_der == public == canonical(key)
    assert found.spki_sha256 == sha256(public).digest()


@pytest.mark.std("C-110", "C-076")
@pytest.mark.parametrize(
    ("public", "key"),
    [
        pytest.param(spki(EC_ID, P256, COMPRESSED), EC, id="compressed point"),
        pytest.param(spki(EC_ID, P256, bytes([6 + POINT[-1] % 2]) + POINT[1:]), EC, id="hybrid point"),
        pytest.param(spki(EC_ID, EXPLICIT, POINT), EC, id="explicit curve"),
        pytest.param(spki(RSA_ID, b"", MODULUS), RSA, id="RSA without NULL"),
        pytest.param(spki(PSS_ID, b"", MODULUS), RSA, id="RSASSA-PSS"),
    ],
)
def test_another_encoding_becomes_the_one_by_which_keys_are_compared(
    public: bytes, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
) -> None:
    found = parse_csr(csr(public))
    assert found.spki_der == canonical(key) != public
    assert found.spki_sha256 == sha256(canonical(key)).digest()


@pytest.mark.std("C-070")
@pytest.mark.parametrize(
    "public",
    [
        pytest.param(spki(EC_ID, tlv(NULL), POINT), id="no curve"),
        pytest.param(spki(EC_ID, P256, POINT[:-1] + bytes([POINT[-1] ^ 1])), id="not on the curve"),
        pytest.param(spki(EC_ID, P256, b"\0"), id="point at infinity"),
        pytest.param(spki(EC_ID, P256, POINT[:-1]), id="cut point"),
    ],
)
def test_what_is_no_point_of_the_curve_is_refused(public: bytes) -> None:
    assert parse_csr(csr(spki(EC_ID, P256, POINT)))
    with pytest.raises(AcmeError) as refused:
        parse_csr(csr(public))
    assert refused.value.type is ErrorType.BAD_CSR


@pytest.mark.std("C-071")
@pytest.mark.parametrize(
    "public",
    [
        pytest.param(ec.generate_private_key(ec.SECP256K1()).public_key(), id="secp256k1"),
        pytest.param(ec.generate_private_key(ec.SECP224R1()).public_key(), id="P-224"),
        pytest.param(ed25519.Ed25519PrivateKey.generate().public_key(), id="Ed25519"),
        pytest.param(dsa.generate_private_key(2048).public_key(), id="DSA"),
    ],
)
def test_another_kind_of_key_is_refused(
    public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | dsa.DSAPublicKey,
) -> None:
    with pytest.raises(AcmeError) as refused:
        parse_csr(csr(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))
    assert refused.value.type is ErrorType.BAD_CSR
