"""CRLs, certificates and chains on shelves: a directory, and a bucket that verifies what it is sent."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from cryptography import x509

from acme_server import status_work
from acme_server.config import Settings
from acme_server.config_sections import Status
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.protocol.sigv4 import AccessKey
from acme_server.storage import shelves as shelves_of
from acme_server.storage.shelves import Directory, Shelf, ShelfAway
from acme_server.use_cases.backlog import publication_lag
from acme_server.use_cases.check_ca import publication
from acme_server.use_cases.publish import publish
from ca import crl, hierarchy, storage
from ca.certificate import Issuer, assemble
from sql import Pool
from tests.ca.arrange import ISSUER, KEY, NAMES, NOW, PASSPHRASE
from tests.simulators.bucket import Bucket

ALL = 7 + 2 * 4  # CRLs of four shards and three roots, certificates and chains of four issuers


@pytest.fixture
async def issuer(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Issuer:
    return await hierarchy.init(tmp_path / "keys", postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)


@pytest.fixture
async def working(postgres: EmbeddedPostgres, database: str, issuer: Issuer) -> AsyncIterator[Pool]:
    """A pool of the worker's role."""
    dsn = postgres.dsn(user="keiyaku_work", database=database)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as made:
        yield made  # type: ignore[misc]


@pytest.fixture
def simulated() -> Bucket:
    return Bucket()


@pytest.fixture
async def bucket(simulated: Bucket) -> AsyncIterator[shelves_of.Bucket]:
    """A shelf in the simulated bucket, under a prefix."""
    key = AccessKey(simulated.id, simulated.secret, simulated.region)
    async with TestServer(simulated.app()) as server, ClientSession() as session:
        yield shelves_of.Bucket(session, str(server.make_url("/keiyaku/a b")).replace("%20", " "), key, lambda: NOW)


async def new_crl(pool: Pool, number: int, minutes: int) -> bytes:
    """A further CRL of shard 0 is stored."""
    at = NOW + timedelta(minutes=minutes)
    tbs = crl.to_be_signed(ISSUER, 0, number, (), at, at + crl.NEXT_UPDATE)
    async with pool.acquire() as conn:
        await storage.insert_crl(conn, 1, 0, number, at, at + crl.NEXT_UPDATE, der := assemble(tbs, KEY.sign(tbs)))
    return der


@pytest.mark.std("C-133", "C-159")
async def test_a_directory_has_the_newest_of_everything(pool: Pool, working: Pool, tmp_path: Path) -> None:
    shelf = Directory(tmp_path / "www")
    assert await publish(working, [shelf], NOW) == ALL
    assert await publish(working, [shelf], NOW) == 0
    files = sorted(str(path.relative_to(shelf.folder)) for path in shelf.folder.rglob("*") if path.is_file())
    assert len(files) == ALL
    assert [name for name in files if name.startswith(".") or "/." in name] == []
    assert (shelf.folder / "crl/1/3.crl").read_bytes() == await pool.fetchval(
        "SELECT der FROM ca.crls WHERE issuer_id = 1 AND shard = 3"
    )
    first, root = x509.load_pem_x509_certificates((shelf.folder / "chain/1.pem").read_bytes())
    first.verify_directly_issued_by(root)
    assert os.stat(shelf.folder / "crl/1/3.crl").st_mode & 0o777 == 0o644
    der, later = await new_crl(pool, 2, 1), NOW + timedelta(minutes=2)
    assert await publish(working, [shelf], later) == 1
    assert (shelf.folder / "crl/1/0.crl").read_bytes() == der
    row = await pool.fetchrow("SELECT number, published_at FROM ca.publications WHERE path = 'crl/1/0.crl'")
    assert tuple(row) == (2, later)
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'status.published'") == ALL + 1


@pytest.mark.std("C-133")
async def test_a_bucket_has_them_with_their_types_and_every_request_is_signed(
    pool: Pool, working: Pool, bucket: shelves_of.Bucket, simulated: Bucket
) -> None:
    assert await publish(working, [bucket], NOW) == ALL
    body, headers = simulated.objects["/keiyaku/a b/crl/1/0.crl"]
    assert crl.number_of(body) == 1
    assert headers["Content-Type"] == "application/pkix-crl"
    assert headers["Cache-Control"] == "public, max-age=3600"
    assert simulated.objects["/keiyaku/a b/issuer/1.cer"][1]["Content-Type"] == "application/pkix-cert"
    der = await new_crl(pool, 2, 1)
    assert await publish(working, [bucket], NOW) == 1
    assert simulated.objects["/keiyaku/a b/crl/1/0.crl"][0] == der


async def test_a_wrong_secret_publishes_nothing_and_is_said(
    working: Pool, bucket: shelves_of.Bucket, simulated: Bucket
) -> None:
    simulated.secret = "another"
    assert await publish(working, [bucket], NOW) == 0
    assert simulated.objects == {}
    with pytest.raises(ShelfAway, match="status 403"):
        await bucket.put("x", b"x", "text/plain", 0)


@pytest.mark.std("C-136")
@pytest.mark.parametrize("kind", ["directory", "bucket"])
async def test_an_older_crl_never_replaces_a_newer_one(
    kind: str, pool: Pool, bucket: shelves_of.Bucket, simulated: Bucket, tmp_path: Path, issuer: Issuer
) -> None:
    shelf: Shelf = bucket if kind == "bucket" else Directory(tmp_path / "www")
    old, new = await new_crl(pool, 8, 1), await new_crl(pool, 9, 2)

    def there() -> bytes:
        if kind == "bucket":
            return simulated.objects["/keiyaku/a b/c.crl"][0]
        return (tmp_path / "www/c.crl").read_bytes()

    await shelf.put("c.crl", old, "application/pkix-crl", 8)
    await shelf.put("c.crl", new, "application/pkix-crl", 9)
    assert there() == new
    await shelf.put("c.crl", old, "application/pkix-crl", 8)
    assert there() == new
    await shelf.put("c.crl", new, "application/pkix-crl", 9)
    assert there() == new


async def test_what_changed_between_look_and_put_is_left_alone(
    bucket: shelves_of.Bucket, simulated: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another node puts a newer one just then: our PUT has its condition and fails."""
    await bucket.put("c.crl", b"1", "application/pkix-crl", 1)
    asking = bucket._ask

    async def slow(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        found = await asking(method, url, headers, body)
        if method == "HEAD":
            await asking("PUT", url, {"content-type": "application/pkix-crl", "x-amz-meta-crl-number": "3"}, b"3")
        return found

    monkeypatch.setattr(bucket, "_ask", slow)
    with pytest.raises(ShelfAway, match="status 412"):
        await bucket.put("c.crl", b"2", "application/pkix-crl", 2)
    assert simulated.objects["/keiyaku/a b/c.crl"][0] == b"3"


async def test_a_shelf_that_is_away_holds_up_no_other_and_is_tried_again(
    pool: Pool, working: Pool, bucket: shelves_of.Bucket, simulated: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    wrong, right = Directory(tmp_path / "file"), Directory(tmp_path / "www")
    simulated.answer = 503
    assert await publish(working, [wrong, bucket, right], NOW) == ALL
    simulated.answer = None
    assert await publish(working, [wrong, bucket, right], NOW) == ALL
    assert await pool.fetchval("SELECT count(DISTINCT target) FROM ca.publications") == 2


async def test_one_node_at_a_time_sees_to_a_shelf(working: Pool, tmp_path: Path) -> None:
    shelf = Directory(tmp_path / "www")
    async with working.acquire() as conn:
        await conn.execute("SELECT pg_advisory_lock(7105, hashtext($1))", shelf.name)
        assert await publish(working, [shelf], NOW) == 0
        await conn.execute("SELECT pg_advisory_unlock(7105, hashtext($1))", shelf.name)
    assert await publish(working, [shelf], NOW) == ALL


@pytest.mark.std("C-134")
async def test_late_publication_is_a_fault_and_a_metric(pool: Pool, working: Pool, tmp_path: Path) -> None:
    shelf = Directory(tmp_path / "www")
    settings = Settings(data=tmp_path, status=Status(publish_directory=shelf.folder))
    await publish(working, [shelf], NOW)
    await new_crl(pool, 2, 1)
    await new_crl(pool, 3, 4)  # that a newer one is there makes the lack no younger
    async with working.acquire() as conn:
        for minutes, faults in ((6, 0), (7, 1)):
            now = NOW + timedelta(minutes=minutes)
            assert len(await publication(settings, conn, now)) == faults
            assert await publication_lag(conn, now) == {shelf.name: timedelta(minutes=minutes - 1)}
        (fault,) = await publication(settings, conn, NOW + timedelta(minutes=7))
        assert fault.what == f"{shelf.name} lacks the newest crl/1/0.crl"
    await publish(working, [shelf], NOW)
    async with working.acquire() as conn:
        assert await publication(settings, conn, NOW + timedelta(days=1)) == []
        assert await publication_lag(conn, NOW + timedelta(days=1)) == {shelf.name: timedelta(0)}


@pytest.mark.std("C-136", "C-145")
async def test_the_newest_crls_of_each_shard_stay(pool: Pool, working: Pool) -> None:
    for number in range(2, 25):
        await new_crl(pool, number, number)
    await status_work.forget_crls(working)
    kept = await pool.fetch("SELECT number FROM ca.crls WHERE issuer_id = 1 AND shard = 0 ORDER BY number")
    assert [row["number"] for row in kept] == list(range(5, 25))
    assert await pool.fetchval("SELECT count(*) FROM ca.crls WHERE number = 1") == 6
