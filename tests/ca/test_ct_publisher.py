"""Who signs lists of logs. C-130."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ca.ct_publisher import PublisherUnfit, publisher
from tests.simulators.ct_log import ListPublisher

LIST = b'{"version": "1"}'
OURS, NEXT, STRANGER = ListPublisher(), ListPublisher(), ListPublisher()


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.std("C-130")
@pytest.mark.parametrize(
    ("content", "signature", "expected"),
    [
        pytest.param(LIST, OURS.sign(LIST), True, id="as published"),
        pytest.param(LIST, NEXT.sign(LIST), True, id="by the key that comes after"),
        pytest.param(LIST, STRANGER.sign(LIST), False, id="by another key"),
        pytest.param(LIST + b" ", OURS.sign(LIST), False, id="another list"),
        pytest.param(LIST, OURS.sign(LIST)[:-1], False, id="cut short"),
        pytest.param(LIST, b"", False, id="none"),
    ],
)
def test_a_signature_is_by_the_publisher_and_of_the_list(content: bytes, signature: bytes, expected: bool) -> None:
    assert publisher(OURS.pem + b"\n" + NEXT.pem).signed(content, signature) is expected


@pytest.mark.std("C-130")
def test_what_openssl_signs_is_believed(tmp_path: Path) -> None:
    """The command of docs/transparency.md."""
    key, public, listed, signature = (tmp_path / name for name in ("key.pem", "public.pem", "logs.json", "logs.sig"))
    listed.write_bytes(LIST)
    for command in (
        ("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key),
        ("pkey", "-in", key, "-pubout", "-out", public),
        ("dgst", "-sha256", "-sign", key, "-out", signature, listed),
    ):
        subprocess.run(["openssl", *command], check=True)
    assert publisher(public.read_bytes()).signed(LIST, signature.read_bytes())
    assert not publisher(OURS.pem).signed(LIST, signature.read_bytes())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "RSA public keys of 2048 bits", id="empty"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key", id="no key"),
        pytest.param(pem(ec.generate_private_key(ec.SECP256R1())), "RSA public keys", id="another kind"),
        pytest.param(pem(rsa.generate_private_key(65537, 1024)), "of 2048 bits", id="too small"),
        pytest.param(OURS.pem + pem(ec.generate_private_key(ec.SECP256R1())), "nothing else", id="one of two"),
    ],
)
def test_a_file_without_a_fit_key_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(PublisherUnfit, match=says):
        publisher(content)
