"""Files that settings name: what is wrong with one stops the start, in a line with file or variable, key and reason."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from acme_server import evidence_key
from acme_server.config import Settings, load
from acme_server.config_files import FILES, Process, unfit_files
from acme_server.config_source import known_keys
from ca import hierarchy
from tests.acme_server.test_config import COMPANIONS
from tests.acme_server.test_start_refused import one_line, start
from tests.simulators.ct_log import ListPublisher

ALL: tuple[Process, ...] = ("acme", "office", "status", "work", "sign")
PEM = (Encoding.PEM, PrivateFormat.PKCS8)
OTHER_PATHS = {  # of folders, sockets, what others write, and what is read again and again with its faults logged
    "acme.tls_key", "status.publish_directory", "ca.folder", "pkcs11.module", "ct.log_list", "ct.log_list_signature",
    "signer.socket", "signer.ocsp_socket", "evidence.checkpoint_file", "metrics.folder", "mail.folder",
}  # fmt: skip


def key_of_issuer(folder: Path) -> None:
    """The issuing CA's key under the passphrase `good`."""
    file = hierarchy.key_file(folder / "ca", hierarchy.ISSUING)
    file.parent.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(key.private_bytes(*PEM, BestAvailableEncryption(b"good")))


def certificate(folder: Path) -> bytes:
    """A certificate for localhost; its key is beside it."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=localhost", "-keyout", folder / "tls.key", "-out", folder / "tls.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "tls.pem").read_bytes()


def sealing(folder: Path) -> bytes:
    evidence_key.create(folder / "made")
    return (folder / "made").read_bytes()


def plain_key(_folder: Path) -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM, NoEncryption())


def octets(content: bytes) -> Callable[[Path], bytes]:
    return lambda _folder: content


# The key, a good content, and bad ones with what is said of them.
CASES: dict[str, tuple[Callable[[Path], bytes], dict[str, tuple[Callable[[Path], bytes], str]]]] = {
    "acme.tls_certificate": (certificate, {"no PEM": (octets(b"x"), "certificate and key in PEM")}),
    "office.documents_key_file": (octets(b"k" * 32), {"short": (octets(b"k" * 31), "must hold 32 octets")}),
    "status.publish_key_file": (octets(b"id\nsecret\n"), {"no secret": (octets(b"id\n"), "a line with its secret")}),
    "mpic.key_file": (octets(b"secret\n"), {"two lines": (octets(b"a\nb\n"), "must hold one line of text")}),
    "mail.password_file": (octets(b"secret\n"), {"empty": (octets(b"\n"), "must hold one line of text")}),
    "register.id_file": (
        octets(b"id\n"),
        {"no text": (octets(b"\xff\xfe"), "is no text in UTF-8"), "long": (octets(b"a" * 5000), "longer than 4096")},
    ),
    "ca.passphrase_file": (octets(b"good\n"), {"wrong": (octets(b"bad\n"), "the passphrase is wrong")}),
    "pkcs11.pin_file": (octets(b"1234\n"), {"empty": (octets(b""), "must hold one line of text")}),
    "keys.blocklist": (
        octets(b"a" * 16 + b"b" * 16),
        {"cut": (octets(b"a" * 17), "no whole number of blocks"), "unsorted": (octets(b"b" * 16 + b"a" * 16), "order")},
    ),
    "ct.log_list_key": (
        lambda _: ListPublisher().pem,
        {"no PEM": (octets(b"no key"), "must hold RSA public keys"), "private": (plain_key, "no public key in PEM")},
    ),
    "evidence.key_file": (
        sealing,
        {"other": (plain_key, "is not an Ed25519 key"), "no PEM": (octets(b"x"), "PEM key")},
    ),
}


def named(folder: Path, key: str) -> Settings:
    """Settings whose `key` names the file `it` of the folder, and what else it takes for that to be read."""
    section, _, name = key.partition(".")
    beside = dict(COMPANIONS.get(key, {}))
    if key == "pkcs11.pin_file":
        beside = {**COMPANIONS["ca.keys"], "KEIYAKU_CA__KEYS": "pkcs11"}
    if key == "acme.tls_certificate":
        beside["KEIYAKU_ACME__TLS_KEY"] = str(folder / "tls.key")
    if key == "ct.log_list_key":
        beside = {
            "KEIYAKU_CT__REQUIRED": "true",
            "KEIYAKU_CT__LOG_LIST": "/logs",
            "KEIYAKU_CT__LOG_LIST_SIGNATURE": "/s",
        }
    variable = f"KEIYAKU_{section}__{name}".upper()
    return load(None, {"KEIYAKU_DATA": str(folder), **beside, variable: str(folder / "it")})


def faults(folder: Path, key: str) -> list[str]:
    """What is said of the file that `key` names."""
    readers = next(each.readers for each in FILES if each.key == key)
    found = [unfit_files(named(folder, key), (reader,)).get(key) for reader in readers]
    assert not any(unfit_files(named(folder, key), (other,)).get(key) for other in ALL if other not in readers)
    assert len(set(found)) == 1
    return [text for text in found[:1] if text is not None]


def put(folder: Path, content: bytes) -> None:
    (folder / "it").write_bytes(content)
    (folder / "it").chmod(0o600)


@pytest.mark.parametrize("key", CASES)
def test_a_file_that_cannot_be_used_is_a_fault_of_its_setting(tmp_path: Path, key: str) -> None:
    key_of_issuer(tmp_path)
    good, bad = CASES[key]
    put(tmp_path, good(tmp_path))
    assert faults(tmp_path, key) == []
    for content, reason in bad.values():
        put(tmp_path, content(tmp_path))
        [said] = faults(tmp_path, key)
        assert reason in said
        assert str(tmp_path) in said
        assert "\n" not in said
    (tmp_path / "it").unlink()
    missed = faults(tmp_path, key)
    assert len(missed) == (key != "office.documents_key_file")  # the first document makes it, but not in production
    assert all(f"{tmp_path / 'it'}" in said and "No such file" in said for said in missed)


def test_what_development_makes_is_not_missed_there(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert unfit_files(settings, ALL, making=True) == {}
    assert unfit_files(settings, ALL).keys() == {"ca.passphrase_file", "evidence.key_file"}
    production = replace(settings, environment="production")
    assert "No such file" in unfit_files(production, ("office",))["office.documents_key_file"]


def test_every_path_of_the_settings_is_looked_at_or_is_no_file_that_is_read_at_the_start() -> None:
    paths = {key for key, kind in known_keys(Settings).items() if "." in key and "Path" in str(kind)}
    assert {each.key for each in FILES} | OTHER_PATHS == paths
    assert {each.key for each in FILES} - {"acme.tls_key"} == CASES.keys()


COMMANDS: list[tuple[str, tuple[str, ...], str, str]] = [
    ("keys.blocklist", ("serve", "--only", "acme"), "[keys]\nblocklist = 'it'\n", "keiyaku.toml:2"),
    ("keys.blocklist", ("dev",), "[keys]\nblocklist = 'it'\n", "keiyaku.toml:2"),
    ("evidence.key_file", ("work",), "", "default of KEIYAKU_EVIDENCE__KEY_FILE"),
    ("ca.passphrase_file", ("sign",), "", "default of KEIYAKU_CA__PASSPHRASE_FILE"),
    ("office.documents_key_file", ("serve", "--only", "office"), "[office]\ndocuments_key_file = 'it'\n",
     "keiyaku.toml:2"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "command", "text", "where"), COMMANDS, ids=[" ".join(each[1]) for each in COMMANDS])
def test_the_program_says_it_in_one_line(
    tmp_path: Path, key: str, command: tuple[str, ...], text: str, where: str
) -> None:
    (tmp_path / "keiyaku.toml").write_text(text)
    (tmp_path / "keiyaku-data").mkdir()
    put(tmp_path / "keiyaku-data", b"odd")
    line = one_line(start(tmp_path, "--config", "keiyaku.toml", *command))
    assert line.startswith(f"{where}: {key}: {tmp_path / 'keiyaku-data'}/")
    assert [each.name for each in (tmp_path / "keiyaku-data").iterdir()] == ["it"]


def test_a_token_that_does_not_let_the_signer_in_is_said_in_one_line(tmp_path: Path) -> None:
    """The database is not asked before the token is open."""
    put(tmp_path, b"1234\n")
    line = one_line(
        start(
            tmp_path, "sign", KEIYAKU_CA__KEYS="pkcs11", KEIYAKU_PKCS11__MODULE="/no/module.so",
            KEIYAKU_PKCS11__TOKEN="issuing", KEIYAKU_PKCS11__PIN_FILE=str(tmp_path / "it"),
        )
    )  # fmt: skip
    assert line.startswith("KEIYAKU_PKCS11__TOKEN: pkcs11.token: token ")
    assert "/no/module.so" in line
