"""Keys in a PKCS#11 module, SoftHSM2 here: what they sign, and what happens when the module fails."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from ca.keys import ECDSA, KeyAway, KeyUnusable
from ca.pkcs11_keys import Login, Place, TokenKey, TokenVault
from tests.simulators.hsm import PIN, Hsm, Module

LABEL = "issuer-1"
TBS = b"to be signed"


@pytest.fixture
def hsm(tmp_path: Path) -> Hsm:
    return Hsm(tmp_path)


@pytest.fixture
def place(hsm: Hsm) -> Place:
    """A token with a key."""
    vault = hsm.vault("issuing")
    vault.make(LABEL)
    return vault.place


def verify(key: TokenKey, signature: bytes) -> None:
    load_der_public_key(key.spki).verify(signature, TBS, ECDSA)  # type: ignore[union-attr, call-arg, arg-type]


@pytest.mark.std("C-112")
def test_sign_is_ecdsa_with_sha256_in_der_and_never_the_same_again(place: Place) -> None:
    key = TokenKey(place, LABEL)
    first, second = key.sign(TBS), key.sign(TBS)
    verify(key, first)
    verify(key, second)
    assert first != second
    assert not key.repeatable
    key.close()


@pytest.mark.std("C-119")
def test_a_key_that_is_made_never_leaves_its_token(place: Place) -> None:
    with pkcs11.lib(str(place.module)).get_token(token_label=place.token).open(user_pin=PIN) as session:
        key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=LABEL)
        assert key[Attribute.LOCAL]
        assert key[Attribute.NEVER_EXTRACTABLE]
        assert key[Attribute.ALWAYS_SENSITIVE]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]


def test_a_label_has_one_key(place: Place) -> None:
    vault = TokenVault(place)
    assert vault.has(LABEL)
    assert not vault.has("issuer-2")
    with pytest.raises(KeyUnusable, match="has a key 'issuer-1' already"):
        vault.make(LABEL)


def test_describe_says_module_and_token(place: Place) -> None:
    said = TokenVault(place).describe()
    assert str(place.module) in said
    assert "SoftHSM" in said
    assert "token 'issuing', serial " in said


def wrong_curve(place: Place) -> None:
    with pkcs11.lib(str(place.module)).get_token(token_label=place.token).open(user_pin=PIN, rw=True) as session:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp384r1")}
        session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(store=True, label="issuer-9")


@pytest.mark.parametrize(
    ("change", "label", "said"),
    [
        (lambda place: None, "issuer-7", "NoSuchKey"),
        (wrong_curve, "issuer-9", "not a P-256 key"),
        (lambda place: place.pin_file.write_text("999999"), LABEL, "PinIncorrect"),
        (lambda place: place.pin_file.unlink(), LABEL, "No such file"),
    ],
    ids=["no such key", "P-384", "wrong PIN", "no PIN"],
)
def test_a_key_that_cannot_be_used_says_why(
    place: Place, change: Callable[[Place], Any], label: str, said: str
) -> None:
    change(place)
    with pytest.raises(KeyUnusable, match=said):
        TokenKey(place, label)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"token": "elsewhere"}, "NoSuchToken"), ({"module": Path("/nowhere/lib.so")}, "nowhere")],
    ids=["token", "module"],
)
def test_a_place_that_is_not_there_says_so(place: Place, changes: dict[str, Any], said: str) -> None:
    given = {"module": place.module, "token": place.token, "pin_file": place.pin_file} | changes
    with pytest.raises(KeyUnusable, match=said):
        TokenKey(Place(**given), LABEL)
    with pytest.raises(KeyUnusable, match=said):
        TokenVault(Place(**given)).has(LABEL)


LOST = [pkcs11.SessionHandleInvalid, pkcs11.DeviceRemoved, pkcs11.UserNotLoggedIn, pkcs11.GeneralError]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_session_is_opened_anew_once(place: Place, fault: type[Exception]) -> None:
    module = Module()
    key = TokenKey(place, LABEL, module.load)
    module.faults = [fault()]
    verify(key, key.sign(TBS))
    assert (module.asked, module.opened) == (2, 2)
    module.faults = [fault(), fault()]
    with pytest.raises(KeyAway, match=f"token 'issuing' .*{fault.__name__}"):
        key.sign(TBS)
    verify(key, key.sign(TBS))
    key.close()


def test_a_session_that_the_module_really_ended_is_opened_anew(place: Place) -> None:
    key = TokenKey(place, LABEL)
    pkcs11.lib(str(place.module)).reinitialize()
    verify(key, key.sign(TBS))
    key.close()


def test_a_token_that_is_gone_comes_back(place: Place) -> None:
    module = Module()
    key = TokenKey(place, LABEL, module.load)
    module.away = True
    for _ in range(3):
        with pytest.raises(KeyAway, match="NoSuchToken"):
            key.sign(TBS)
    module.away = False
    verify(key, key.sign(TBS))
    key.close()


def test_a_refused_pin_is_not_tried_twice(place: Place) -> None:
    module = Module()
    key = TokenKey(place, LABEL, module.load)
    place.pin_file.write_text("999999")
    module.faults = [pkcs11.DeviceRemoved()]
    with pytest.raises(KeyAway, match="PinIncorrect"):
        key.sign(TBS)
    tried = module.opened
    for _ in range(5):
        with pytest.raises(KeyAway, match=r"refused the PIN in .*; it is tried again when it changes"):
            key.sign(TBS)
    assert module.opened == tried
    place.pin_file.write_text(PIN)
    verify(key, key.sign(TBS))
    key.close()


def replace(place: Place) -> None:
    """Another key has the label now."""
    library = pkcs11.lib(str(place.module))
    library.reinitialize()
    with library.get_token(token_label=place.token).open(user_pin=PIN, rw=True) as session:
        for each in list(session.get_objects({Attribute.LABEL: LABEL})):
            each.destroy()
    TokenVault(place).make(LABEL)


def test_a_signature_that_does_not_verify_never_leaves(place: Place) -> None:
    key = TokenKey(place, LABEL)
    replace(place)
    with pytest.raises(KeyAway, match="does not verify"):
        key.sign(TBS)
    key.close()


@pytest.mark.std("C-119")
def test_keys_of_a_token_share_one_session(place: Place) -> None:
    """A module logs in and out for all sessions at once: a second one would be refused, or end the first."""
    TokenVault(place).make("issuer-2")
    module = Module()
    login = Login(place, module.load)
    first = TokenKey(place, LABEL, login=login)
    second = TokenKey(place, "issuer-2", login=login)
    with pytest.raises(KeyUnusable, match="NoSuchKey"):
        TokenKey(place, "issuer-3", login=login)
    for key in (first, second, first):
        verify(key, key.sign(TBS))
    assert module.opened == 1
    module.faults = [pkcs11.SessionHandleInvalid()]
    for key in (first, second, first):
        verify(key, key.sign(TBS))
    assert module.opened == 2
    module.lost = [pkcs11.SessionHandleInvalid()]
    third = TokenKey(place, "issuer-2", login=login)  # the session it would share is lost
    verify(third, third.sign(TBS))
    for key in (second, first):
        verify(key, key.sign(TBS))
    assert module.opened == 3
    first.close()
