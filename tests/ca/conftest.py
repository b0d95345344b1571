"""A CA in a database, its keys in a folder, and signers at work on them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy
from ca.certificate import Issuer
from tests.ca.arrange import NAMES, NOW, PASSPHRASE


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="k-") as made:
        yield Path(made)


@pytest.fixture
async def issuer(postgres: EmbeddedPostgres, database: str, folder: Path) -> Issuer:
    """The issuing CA, its keys under `folder`."""
    return await hierarchy.init(folder / "keys", postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)
