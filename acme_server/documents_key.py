"""The key under which the office keeps documents: `office.documents_key_file`."""

import os

from acme_server.config import Settings
from acme_server.database import within

OCTETS = 32


class NoKey(Exception):
    """There is no such key; the text says why."""


def documents_key(settings: Settings) -> bytes:
    """32 octets of a file; made at first use, except in production. Raises NoKey."""
    path = within(settings, settings.office.documents_key_file)
    try:
        if not path.exists() and settings.environment == "development":
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(os.urandom(OCTETS))
        key = path.read_bytes()
    except OSError as error:
        raise NoKey(f"office.documents_key_file: {error}") from error
    if len(key) != OCTETS:
        raise NoKey(f"office.documents_key_file: {path} must hold {OCTETS} octets")
    return key
