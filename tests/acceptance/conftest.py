"""One `keiyaku dev` for all acceptance tests of a worker."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.clients import Certbot
from tests.acceptance.dev import Dev, running

NewCertbot = Callable[[tuple[str, str] | None], Certbot]


@pytest.fixture(scope="session")
def dev() -> Iterator[Dev]:
    """The whole product, running: supervisor, ACME twice, signer, worker, pages, status, management, PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder, running(Path(folder) / "data") as started:
        yield started


@pytest.fixture
def certbot(dev: Dev, tmp_path: Path) -> NewCertbot:
    """Makes a certbot with folders of its own."""

    def made(key: tuple[str, str] | None) -> Certbot:
        client = Certbot(dev, tmp_path / f"certbot-{len(list(tmp_path.iterdir()))}", key)
        client.folder.mkdir()
        return client

    return made
