"""Signing keys behind one small interface. A file key is for `dev`; `pkcs11_keys.py` has those of a PKCS#11 module."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ECDSA = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class KeyUnusable(Exception):
    """A key file cannot be used; says which and why."""


class KeyAway(Exception):
    """A key cannot sign now, and nothing was signed; says why. It may sign later."""


class SigningKey(Protocol):
    """A key of a CA; used by one thread at a time."""

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""

    @property
    def repeatable(self) -> bool:
        """Whether the same bytes get the same signature again (design §4.5)."""

    def sign(self, tbs: bytes) -> bytes:
        """ecdsa-with-SHA256 over `tbs`, as DER. Raises KeyAway."""


class FileKey:
    """An ECDSA P-256 key in this process. The same bytes get the same signature (RFC 6979; design §4.5)."""

    repeatable = True

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self.private_key = private_key
        self.spki = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, tbs: bytes) -> bytes:
        return self.private_key.sign(tbs, ECDSA)


class SharedKey:
    """A key for several threads, one after the other; several keys with one `turn` are as one key."""

    def __init__(self, key: SigningKey, turn: Lock) -> None:
        self.key, self.turn = key, turn
        self.spki, self.repeatable = key.spki, key.repeatable

    def sign(self, tbs: bytes) -> bytes:
        """As the key itself. Raises KeyAway."""
        with self.turn:
            return self.key.sign(tbs)


def generate() -> FileKey:
    """A fresh key."""
    return FileKey(ec.generate_private_key(ec.SECP256R1()))


def load(path: Path, passphrase: bytes) -> FileKey:
    """The key in an encrypted PKCS#8 PEM file. Raises KeyUnusable."""
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase)
    except OSError as fault:
        raise KeyUnusable(f"{path}: {fault.strerror}") from None
    except TypeError:
        raise KeyUnusable(f"{path}: is not encrypted; signing keys on disk must be") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable(f"{path}: no PKCS#8 PEM private key, or the passphrase is wrong") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnusable(f"{path}: not a P-256 key")
    return FileKey(key)


class FileVault:
    """Where keys are made and found: encrypted files of a folder, `<label>.key.pem`."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        self.folder, self.passphrase = folder, passphrase

    def describe(self) -> str:
        """For a record."""
        return f"encrypted files in {self.folder}"

    def has(self, label: str) -> bool:
        """Whether there is a key with this label."""
        return self._path(label).exists()

    def make(self, label: str) -> None:
        """There is a key with this label. Raises KeyUnusable when there was one."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            store(generate(), self._path(label), self.passphrase)
        except OSError as fault:
            raise KeyUnusable(f"{self._path(label)}: {fault.strerror}") from None

    @contextmanager
    def open(self, label: str) -> Iterator[FileKey]:
        """The key. Raises KeyUnusable."""
        yield load(self._path(label), self.passphrase)

    def _path(self, label: str) -> Path:
        return self.folder / f"{label}.key.pem"


def store(key: FileKey, path: Path, passphrase: bytes) -> None:
    """The encrypted key is on disk at `path`, for the owner alone: whole or not at all, nothing overwritten.

    Raises FileExistsError.
    """
    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    finally:
        part.unlink()
