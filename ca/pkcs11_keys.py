"""Keys in a PKCS#11 module: made there, used there, never out of it (C-119).

The module is loaded when a key is first opened: in the process that uses it, never before a fork. Modules are opened
with C_Initialize(NULL), so one thread of a process talks to them, with one session for each key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pkcs11
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, PKCS11Error
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from ca.keys import KeyAway, KeyUnusable

PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
PIN_REFUSED = (
    pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired, pkcs11.PinLocked,
)  # fmt: skip
NOT_OUT = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
Load: TypeAlias = Callable[[str], Any]


class Place(msgspec.Struct, frozen=True):
    """A token of a module, and the file with the PIN of its user."""

    module: Path
    token: str
    pin_file: Path

    def __str__(self) -> str:
        return f"token {self.token!r} of {self.module}"


class Login:
    """This process's one session with a token: a module logs in and out for all of its sessions at once."""

    def __init__(self, place: Place, load: Load = pkcs11.lib) -> None:
        self.place, self.load = place, load
        self.session: Any = None
        self.refused_pin: str | None = None

    def enter(self) -> None:
        """There is a session. Raises KeyUnusable."""
        try:
            self.open()
        except (RuntimeError, KeyAway) as fault:
            raise KeyUnusable(f"{self.place}: {said(fault)}") from None

    def open(self) -> Any:
        """The session, a new one when there was none. A PIN that was refused is not tried again, or the token would
        lock it. Raises KeyAway.
        """
        if self.session is not None:
            return self.session
        pin = pin_of(self.place)
        if pin == self.refused_pin:
            raise KeyAway(f"{self.place} refused the PIN in {self.place.pin_file}; it is tried again when it changes")
        try:
            self.session = token_of(self.place, self.load).open(user_pin=pin)
        except PIN_REFUSED:
            self.refused_pin = pin
            raise
        return self.session

    def close(self) -> None:
        """The session has ended."""
        session, self.session = self.session, None
        if session is not None:
            with suppress(RuntimeError):
                session.close()


class TokenKey:
    """A P-256 key in a token. A lost session is opened anew, once for each signature that needs it."""

    repeatable = False

    def __init__(self, place: Place, label: str, load: Load = pkcs11.lib, login: Login | None = None) -> None:
        """`login` is that of other keys of the place. Raises KeyUnusable when the key cannot be used now."""
        self.place, self.label, self.login = place, label, login or Login(place, load)
        self.found_in: Any = None  # which session its private key is of
        try:
            self.spki = self._spki()
            self.public_key = load_der_public_key(self.spki)
        except (RuntimeError, KeyAway) as fault:
            self._give_up(login)
            raise KeyUnusable(f"key {label!r} in {place}: {said(fault)}") from None
        if not isinstance(self.public_key, ec.EllipticCurvePublicKey) or self.public_key.curve.name != "secp256r1":
            self._give_up(login)
            raise KeyUnusable(f"key {label!r} in {place}: not a P-256 key")

    def sign(self, tbs: bytes) -> bytes:
        """ecdsa-with-SHA256 over `tbs`, as DER, verified. Raises KeyAway: then there is no signature."""
        digest = sha256(tbs).digest()
        try:
            signature = self._signature(digest)
        except RuntimeError:
            signature = self._signature_of_new_session(digest)
        try:
            self.public_key.verify(signature, digest, PREHASHED)  # type: ignore[union-attr, arg-type, call-arg]
        except InvalidSignature:
            raise KeyAway(f"{self.place} gave a signature that key {self.label!r} does not verify") from None
        return signature

    def close(self) -> None:
        """The session has ended."""
        self.login.close()

    def _give_up(self, shared: Login | None) -> None:
        """Without the key; a session that others have goes on."""
        if shared is None:
            self.close()

    def _spki(self) -> bytes:
        """SubjectPublicKeyInfo; when the session of other keys was lost meanwhile, in a new one."""
        shared = self.login.session is not None
        try:
            self._find()
        except RuntimeError as fault:
            if not shared or isinstance(fault, pkcs11.NoSuchKey):
                raise
            self.login.close()
            self._find()
        return spki_of(self.login.session, self.label)

    def _find(self) -> None:
        """There is a session, and the private key in it."""
        session = self.login.open()
        self.private_key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.label)
        self.found_in = session

    def _signature(self, digest: bytes) -> bytes:
        if self.login.session is None:
            raise PKCS11Error("no session")
        if self.found_in is not self.login.session:
            self._find()
        both = self.private_key.sign(digest, mechanism=Mechanism.ECDSA)
        r, s = both[: len(both) // 2], both[len(both) // 2 :]
        return utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))

    def _signature_of_new_session(self, digest: bytes) -> bytes:
        try:
            self.close()
            self._find()
            return self._signature(digest)
        except RuntimeError as fault:
            self.close()
            raise KeyAway(f"{self.place}: {said(fault)}") from None


def token_of(place: Place, load: Load) -> Any:
    """The token. A module that does not see it is started anew, once: some look for tokens at their start only."""
    library = load(str(place.module))
    try:
        return library.get_token(token_label=place.token)
    except RuntimeError:
        library.reinitialize()
        return library.get_token(token_label=place.token)


def pin_of(place: Place) -> str:
    """The PIN. Raises KeyAway."""
    try:
        return place.pin_file.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise KeyAway(f"{place.pin_file}: {fault.strerror}") from None


def spki_of(session: Any, label: str) -> bytes:
    """SubjectPublicKeyInfo in DER of the pair with this label."""
    return bytes(encode_ec_public_key(session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)))


def said(fault: BaseException) -> str:
    """What a module's fault is called, and what it says of it."""
    return str(fault) if isinstance(fault, KeyAway) else ": ".join(filter(None, (type(fault).__name__, str(fault))))


@contextmanager
def writing(place: Place, load: Load) -> Iterator[Any]:
    """A session that may make keys. Raises KeyUnusable."""
    try:
        session = token_of(place, load).open(user_pin=pin_of(place), rw=True)
    except (RuntimeError, KeyAway) as fault:
        raise KeyUnusable(f"{place}: {said(fault)}") from None
    try:
        yield session
    except RuntimeError as fault:
        raise KeyUnusable(f"{place}: {said(fault)}") from None
    finally:
        with suppress(RuntimeError):
            session.close()


class TokenVault:
    """Where keys are made and found: one token."""

    def __init__(self, place: Place, load: Load = pkcs11.lib) -> None:
        self.place, self.load = place, load

    def describe(self) -> str:
        """The module, its version, and the token, for a record."""
        with writing(self.place, self.load) as session:
            library, token = self.load(str(self.place.module)), session.token
            version = ".".join(map(str, library.library_version))
            return (
                f"PKCS#11 module {self.place.module} ({library.manufacturer_id} {version}), "
                f"token {token.label!r}, serial {token.serial.decode('ascii', 'replace')}"
            )

    def has(self, label: str) -> bool:
        """Whether there is any object with this label."""
        with writing(self.place, self.load) as session:
            return any(True for _ in session.get_objects({Attribute.LABEL: label}))

    def make(self, label: str) -> None:
        """There is a P-256 key with this label, which never leaves the token. Raises KeyUnusable when there was one."""
        with writing(self.place, self.load) as session:
            if any(True for _ in session.get_objects({Attribute.LABEL: label})):
                raise KeyUnusable(f"{self.place} has a key {label!r} already")
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(
                store=True, label=label, id=label.encode(), private_template=NOT_OUT,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            )  # fmt: skip

    @contextmanager
    def open(self, label: str) -> Iterator[TokenKey]:
        """The key, with a session until the end of the block. Raises KeyUnusable."""
        key = TokenKey(self.place, label, self.load)
        try:
            yield key
        finally:
            key.close()
