import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, storage
from ca.certificate import Issuer
from ca.signer import serve
from ca.signer_client import CrlMade, Signed, SignerClient
from sql import Pool
from tests.ca.arrange import NAMES, NOW, PASSPHRASE, admit, record

SECONDS = 20.0


@pytest.fixture
def folder() -> "AsyncIterator[Path]":
    """A folder with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="k-") as made:
        yield Path(made)


@pytest.fixture
async def issuer(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path) -> Issuer:
    return await hierarchy.init(folder / "keys", postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)


@asynccontextmanager
async def signing(folder: Path, dsn: str, name: str = "s", keys=None) -> AsyncIterator[SignerClient]:
    """A signer at work, and a client of it."""
    from ca import keys as ca_keys

    stop = asyncio.Event()
    key = ca_keys.load(hierarchy.key_file(folder / "keys", 1), PASSPHRASE)
    path = folder / name
    task = asyncio.create_task(serve(path, dsn, {1: key} if keys is None else keys, stop, lambda: NOW))
    while not path.exists():
        await asyncio.sleep(0)
    client = SignerClient(path)
    yield client
    stop.set()
    await task
    await client.close()


async def test_sign(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        order = await admit(conn, row)
        async with signing(folder, postgres.dsn(user="keiyaku_sign", database=database)) as client:
            assert await client.sign(row.id, SECONDS) == Signed()
            assert await client.sign(row.id, SECONDS) == Signed()
            assert await client.crl(1, 0, SECONDS) == CrlMade(2)
        assert await conn.fetchval("SELECT status FROM acme.orders WHERE id = $1", order) == "valid"
        chains = await storage.certificate_chain(conn, row.id)
        assert [len(c) for c in chains] == [2, 2, 2]
