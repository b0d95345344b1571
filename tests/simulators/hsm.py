"""SoftHSM2 with its tokens in a folder, and a module before it that is slow or away when a test says so."""

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import NoSuchToken, ObjectClass

from ca.keys import FileKey
from ca.pkcs11_keys import Place, TokenVault

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
)  # fmt: skip
PIN = "123456"


def module() -> Path:
    """The library of SoftHSM2."""
    return next(path for path in map(Path, MODULES) if path.exists())


class Hsm:
    """A SoftHSM2 of its own, for this process and for the children that get `environ`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tokens").mkdir()
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
        self.environ = {"SOFTHSM2_CONF": str(configuration)}
        os.environ.update(self.environ)

    def token(self, label: str, pin: str = PIN) -> Place:
        """A new token."""
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"],
            check=True, capture_output=True, env=os.environ | self.environ,
        )  # fmt: skip
        pkcs11.lib(str(module())).reinitialize()
        pin_file = self.folder / f"{label}.pin"
        pin_file.write_text(f"{pin}\n")
        return Place(module(), label, pin_file)

    def put(self, place: Place, label: str, key: FileKey) -> None:
        """The token has this key."""
        pem = self.folder / "plain.pem"
        pem.write_bytes(key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        subprocess.run(
            ["softhsm2-util", "--import", pem, "--token", place.token, "--label", label, "--id", "01", "--pin", PIN],
            check=True, capture_output=True, env=os.environ | self.environ,
        )  # fmt: skip
        pem.unlink()

    def vault(self, label: str) -> TokenVault:
        """A new token, as a place for keys."""
        return TokenVault(self.token(label))


@dataclass
class Module:
    """What `pkcs11.lib` gives, and stands before it."""

    delay: float = 0.0
    away: bool = False
    faults: list[Exception] = field(default_factory=list)  # of the next signatures, in order
    lost: list[Exception] = field(default_factory=list)  # of the next looks for a key
    asked: int = 0
    opened: int = 0

    def load(self, so: str) -> "Library":
        return Library(self, pkcs11.lib(so))

    def ask(self) -> None:
        self.asked += 1
        time.sleep(self.delay)
        if self.away:
            raise pkcs11.DeviceRemoved
        if self.faults:
            raise self.faults.pop(0)


@dataclass
class Library:
    """A library whose token may be away."""

    module: Module
    real: Any

    def get_token(self, **kwargs: Any) -> "Token":
        if self.module.away:
            raise NoSuchToken("No token matching")
        return Token(self.module, self.real.get_token(**kwargs))

    def reinitialize(self) -> None:
        self.real.reinitialize()


@dataclass
class Token:
    """A token that counts its sessions."""

    module: Module
    real: Any

    def open(self, **kwargs: Any) -> "Session":
        self.module.opened += 1
        return Session(self.module, self.real.open(**kwargs))


@dataclass
class Session:
    """A session whose private keys take their time."""

    module: Module
    real: Any

    def get_key(self, **kwargs: Any) -> Any:
        if self.module.lost:
            raise self.module.lost.pop(0)
        found = self.real.get_key(**kwargs)
        return Key(self.module, found) if kwargs["object_class"] is ObjectClass.PRIVATE_KEY else found

    def close(self) -> None:
        self.real.close()


@dataclass
class Key:
    """A private key that asks the module first."""

    module: Module
    real: Any

    def sign(self, data: bytes, **kwargs: Any) -> bytes:
        self.module.ask()
        signature: bytes = self.real.sign(data, **kwargs)
        return signature
