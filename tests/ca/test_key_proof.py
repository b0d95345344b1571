"""Who has the private key, and only they, proves that it is compromised. C-076."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA224, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ca.key_proof import LONGEST, NAME, STATEMENT, NotProven, of_csr, of_statement

EC, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
RSA = rsa.generate_private_key(65537, 2048)
EDWARDS = ed25519.Ed25519PrivateKey.generate()
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def spki(key: Private) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(key: Private, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, form)


def csr(key: Private = EC, name: str = NAME, more: str = "", digest: HashAlgorithm | None = None) -> bytes:
    """A request as openssl req makes it."""
    parts = [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]
    parts += [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, more)] if more else []
    used = None if isinstance(key, ed25519.Ed25519PrivateKey) else digest or SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts)).sign(key, used)
    return made.public_bytes(Encoding.PEM)


def signature(key: Private, text: bytes = STATEMENT) -> bytes:
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(text, padding.PKCS1v15(), SHA256())
        case ec.EllipticCurvePrivateKey():
            return key.sign(text, ec.ECDSA(SHA256()))
        case ed25519.Ed25519PrivateKey():
            return key.sign(text)


@pytest.mark.std("C-076")
@pytest.mark.parametrize("key", [EC, RSA, EDWARDS], ids=["EC", "RSA", "Ed25519"])
def test_a_signature_by_the_key_proves_it(key: Private) -> None:
    text = csr(key)
    der = x509.load_pem_x509_csr(text).public_bytes(Encoding.DER)
    assert of_csr(text).spki == of_csr(der).spki == of_statement(pem(key), signature(key)).spki == spki(key)
    assert of_csr(text).proof == der


@pytest.mark.std("C-076")
@pytest.mark.parametrize(
    ("octets", "why"),
    [
        pytest.param(csr(name="www.example.jp"), "common name", id="a request for a certificate"),
        pytest.param(csr(more="Rei K.K."), "common name", id="more than the name"),
        pytest.param(csr(name=NAME.lower()), "common name", id="another spelling"),
        pytest.param(csr(RSA, digest=SHA224()), "SHA-256", id="another digest"),
        pytest.param(pem(EC), "no certificate signing request", id="a key without a signature"),
        pytest.param(b"\x30\x03\x02\x01\x00", "no certificate signing request", id="DER of something else"),
        pytest.param(b"0" * (LONGEST + 1), "too many", id="too long"),
    ],
)
def test_what_is_no_proof_says_why(octets: bytes, why: str) -> None:
    with pytest.raises(NotProven, match=why):
        of_csr(octets)


def test_a_request_that_was_edited_proves_nothing() -> None:
    der = bytearray(x509.load_pem_x509_csr(csr()).public_bytes(Encoding.DER))
    mine = EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    point = bytes(der).index(mine)
    der[point : point + 65] = OTHER.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(NotProven, match="not by its key"):
        of_csr(bytes(der))


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        pytest.param(EC, signature(OTHER), id="by another key"),
        pytest.param(EC, signature(EC, STATEMENT[:-1]), id="another text"),
        pytest.param(RSA, signature(EC), id="of another kind"),
        pytest.param(EDWARDS, b"", id="nothing"),
    ],
)
def test_a_signature_that_does_not_verify_proves_nothing(key: Private, signed: bytes) -> None:
    with pytest.raises(NotProven, match="not by this key"):
        of_statement(pem(key), signed)


@pytest.mark.parametrize("send", [of_csr, lambda octets: of_statement(octets, b"")])
def test_the_private_key_itself_is_not_wanted(send) -> None:  # type: ignore[no-untyped-def]
    private = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(NotProven, match="do not send the private key"):
        send(private)


@pytest.mark.std("C-110")
def test_the_key_is_named_as_certificates_have_it_whatever_form_it_came_in() -> None:
    other_form = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert of_statement(other_form, signature(RSA)).spki == spki(RSA)
