"""The key that signs checkpoints: a file that no role of the database can read (design §6)."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class KeyUnusable(Exception):
    """There is no key to seal with; says what to do."""


def create(path: Path) -> None:
    """A new key is in `path`, readable by this user only. Raises FileExistsError rather than replace one."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def load(path: Path) -> Ed25519PrivateKey:
    """The key in `path`. Raises KeyUnusable when it is not there, not ours alone, or not Ed25519."""
    try:
        with path.open("rb") as file:
            mode, pem = os.fstat(file.fileno()).st_mode, file.read(10_000)
    except OSError as error:
        makes = "; `keiyaku evidence init` makes it" if isinstance(error, FileNotFoundError) else ""
        raise KeyUnusable(f"evidence.key_file {path} cannot be read: {error.strerror}{makes}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyUnusable(f"evidence.key_file {path} is open to others: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable(f"evidence.key_file {path} is not an unencrypted PEM key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"evidence.key_file {path} is not an Ed25519 key")
    return key
