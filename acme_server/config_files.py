"""Files that settings name, read before anything starts: what is wrong with one stops the start (design §3).

What `dev` makes when it is not there is looked at there only if it is. A token is asked by the signer alone.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from acme_server import evidence_key
from acme_server.config import Settings
from acme_server.database import within
from acme_server.documents_key import NoKey, documents_key
from acme_server.file_texts import access_key, secret
from acme_server.serving import tls_of
from acme_server.use_cases.log_list import publisher_of
from ca import hierarchy, keys
from ca.blocklist import Blocklist, BlocklistUnusable
from ca.ct_publisher import PublisherUnfit

Process = Literal["acme", "office", "status", "work", "sign"]
UNUSABLE = (OSError, PublisherUnfit, BlocklistUnusable, NoKey, keys.KeyUnusable, evidence_key.KeyUnusable, ValueError)


class Named(NamedTuple):
    """The key of a setting, who reads its file, the file (None: it is not asked for), and how it is read."""

    key: str
    readers: tuple[Process, ...]
    file: Callable[[Settings], Path | None]
    read: Callable[[Settings, Path], object]
    made: bool = False  # by development, when it is not there


def certificate(settings: Settings, file: Path) -> object:
    """With its key, if that can be read: else its own line says why not. Raises OSError."""
    file.open("rb").close()
    key = settings.acme.tls_key
    return tls_of(settings) if key is not None and within(settings, key).is_file() else None


def publishers_key(settings: Settings) -> Path | None:
    """Asked for while certificates need SCTs."""
    return settings.ct.log_list_key if settings.ct.required else None


def passphrase(settings: Settings) -> Path | None:
    """Asked for while the issuing CA's key is in a file."""
    return settings.ca.passphrase_file if settings.ca.keys == "file" else None


def pin(settings: Settings) -> Path | None:
    """Asked for while that key is in a token."""
    return settings.pkcs11.pin_file if settings.ca.keys == "pkcs11" else None


def issuing_keys(settings: Settings, file: Path) -> object:
    """Each key in the folder; when there is none, the first issuing CA's is missed. Raises KeyUnusable, OSError."""
    folder, secret = within(settings, settings.ca.folder), file.read_bytes().strip()
    found = sorted(folder.glob(hierarchy.KEY_FILES)) or [hierarchy.key_file(folder, hierarchy.ISSUING)]
    return [keys.load(each, secret) for each in found]


def documents(settings: Settings, file: Path) -> object:
    """The key, or None where the first document makes it. Raises NoKey."""
    return documents_key(settings) if file.exists() or settings.environment == "production" else None


FILES = (
    Named("acme.tls_certificate", ("acme",), lambda s: s.acme.tls_certificate, certificate),
    Named("acme.tls_key", ("acme",), lambda s: s.acme.tls_key, lambda _, f: f.open("rb").close()),
    Named("office.documents_key_file", ("office",), lambda s: s.office.documents_key_file, documents, made=True),
    Named("status.publish_key_file", ("work",), lambda s: s.status.publish_key_file, lambda _, f: access_key(f)),
    Named("mpic.key_file", ("acme", "work"), lambda s: s.mpic.key_file, lambda _, f: secret(f)),
    Named("mail.password_file", ("work",), lambda s: s.mail.password_file, lambda _, f: secret(f)),
    Named("register.id_file", ("work",), lambda s: s.register.id_file, lambda _, f: secret(f)),
    Named("ca.passphrase_file", ("sign",), passphrase, issuing_keys, made=True),
    Named("pkcs11.pin_file", ("sign",), pin, lambda _, f: secret(f)),
    Named("keys.blocklist", ("acme", "work", "sign"), lambda s: s.keys.blocklist, lambda _, f: Blocklist(f)),
    Named("ct.log_list_key", ("acme", "work", "sign"), publishers_key, lambda s, _: publisher_of(s)),
    Named(
        "evidence.key_file", ("work",), lambda s: s.evidence.key_file, lambda _, f: evidence_key.load(f), made=True
    ),
)  # fmt: skip


def unfit_files(settings: Settings, processes: Iterable[Process], *, making: bool = False) -> Mapping[str, str]:
    """What is wrong with the files that these processes read, by the setting's key.

    `making`: what development makes is not missed.
    """
    asked, found = set(processes), dict[str, str]()
    for each in FILES:
        named = each.file(settings) if asked & set(each.readers) else None
        if named is None or (making and each.made and not within(settings, named).exists()):
            continue
        if why := fault(each, settings, within(settings, named)):
            found[each.key] = why
    return found


def fault(named: Named, settings: Settings, file: Path) -> str | None:
    """Why the file cannot be used, in one line that names it."""
    try:
        named.read(settings, file)
    except UNUSABLE as error:
        said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        if isinstance(error, ssl.SSLError):
            said = "certificate and key in PEM that belong together are needed"
        said = " ".join(said.removeprefix(named.key).lstrip(": ").split())
        return said if str(file) in said else f"{file}: {said}"
    return None
