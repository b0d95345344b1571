import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from ca import keys
from ca.keys import ECDSA, KeyUnusable
from tests.ca.arrange import PASSPHRASE


def pem(key: ec.EllipticCurvePrivateKey, encryption: BestAvailableEncryption | NoEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_store_and_load(tmp_path: Path) -> None:
    made = keys.generate()
    keys.store(made, tmp_path / "key.pem", PASSPHRASE)
    loaded = keys.load(tmp_path / "key.pem", PASSPHRASE)
    assert loaded.spki == made.spki
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert (tmp_path / "key.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_store_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("precious")
    with pytest.raises(FileExistsError):
        keys.store(keys.generate(), tmp_path / "key.pem", PASSPHRASE)
    assert (tmp_path / "key.pem").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.std("C-112")
def test_sign_is_deterministic_ecdsa_with_sha256() -> None:
    key = keys.generate()
    signature = key.sign(b"bytes")
    assert key.sign(b"bytes") == signature
    assert key.sign(b"other") != signature
    public = load_der_public_key(key.spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, b"bytes", ECDSA)


P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "no PKCS#8 PEM private key"),
        (pem(P256, BestAvailableEncryption(b"another")), "passphrase is wrong"),
        (pem(P256, NoEncryption()), "is not encrypted"),
        (pem(P384, BestAvailableEncryption(PASSPHRASE)), "not a P-256 key"),
    ],
)
def test_load_says_why_a_file_is_unusable(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(KeyUnusable, match=says):
        keys.load(tmp_path / "key.pem", PASSPHRASE)
