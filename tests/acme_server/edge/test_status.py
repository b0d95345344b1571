from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509

from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.status import status_application
from acme_server.use_cases.ocsp import Allowance, Answers
from ca import hierarchy
from ca.certificate import Issuer
from sql import Pool
from tests.ca.arrange import NAMES, NOW, PASSPHRASE

UNLIMITED = Allowance(0, timedelta(0))


class Clock:
    """The time of the listener."""

    now = NOW

    def __call__(self):  # type: ignore[no-untyped-def]
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Issuer:
    return await hierarchy.init(tmp_path, postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)


@pytest.fixture
async def client(
    postgres: EmbeddedPostgres, database: str, issuer: Issuer, clock: Clock
) -> "AsyncIterator[TestClient]":  # type: ignore[type-arg]
    dsn = postgres.dsn(user="keiyaku_status", database=database)
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool,
        TestClient(TestServer(status_application(pool, clock, Answers(pool, clock, None, UNLIMITED)))) as made,
    ):
        yield made


@pytest.mark.std("C-104", "C-133")
async def test_what_certificates_point_to_is_there(client: TestClient, issuer: Issuer) -> None:  # type: ignore[type-arg]
    base = NAMES.status_url
    crl = await client.get(issuer.crl_url(3).removeprefix(base))
    assert (crl.status, crl.content_type) == (200, "application/pkix-crl")
    made = x509.load_der_x509_crl(await crl.read())
    own = x509.load_der_x509_certificate(issuer.certificate)
    assert made.is_signature_valid(own.public_key())  # type: ignore[arg-type]
    cer = await client.get(issuer.certificate_url.removeprefix(base))
    assert (cer.status, cer.content_type) == (200, "application/pkix-cert")
    assert await cer.read() == issuer.certificate
    chain = await client.get("/chain/1.pem")
    assert (chain.status, chain.content_type) == (200, "application/pem-certificate-chain")
    first, root = x509.load_pem_x509_certificates(await chain.read())
    first.verify_directly_issued_by(root)


@pytest.mark.std("C-154")
async def test_crl_may_be_kept_until_its_next_update_at_most(client: TestClient, clock: Clock) -> None:  # type: ignore[type-arg]
    for now, age in (
        (NOW, 3600),
        (NOW + timedelta(days=7) - timedelta(minutes=1), 60),
        (NOW + timedelta(days=7), 0),
        (NOW + timedelta(days=8), 0),
    ):
        clock.now = now
        answer = await client.get("/crl/1/0.crl")
        assert answer.headers["Cache-Control"] == f"public, max-age={age}"
        assert answer.headers["Expires"] == format_datetime(now + timedelta(seconds=age), usegmt=True)
        assert answer.headers["Last-Modified"] == format_datetime(NOW, usegmt=True)


@pytest.mark.parametrize("path", ["/crl/1/0.crl", "/issuer/1.cer", "/chain/1.pem"])
async def test_head_and_not_modified(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    full = await client.get(path)
    body = await full.read()
    head = await client.head(path)
    assert (head.status, await head.read(), head.headers["Content-Length"]) == (200, b"", str(len(body)))
    same = await client.get(path, headers={"If-None-Match": f'"other", {full.headers["ETag"]}'})
    assert (same.status, await same.read(), same.headers["ETag"]) == (304, b"", full.headers["ETag"])
    assert (await client.get(path, headers={"If-None-Match": "*"})).status == 304
    assert (await client.get(path, headers={"If-None-Match": '"other"'})).status == 200


async def test_not_modified_since(client: TestClient) -> None:  # type: ignore[type-arg]
    for at, other, status in (
        (NOW, None, 304),
        (NOW + timedelta(seconds=1), None, 304),
        (NOW - timedelta(seconds=1), None, 200),
        (NOW, '"other"', 200),  # If-None-Match goes first, RFC 9110 §13.2.2
    ):
        headers = {"If-Modified-Since": format_datetime(at, usegmt=True)} | ({"If-None-Match": other} if other else {})
        assert (await client.get("/crl/1/0.crl", headers=headers)).status == status


async def test_a_new_crl_is_seen_within_5_seconds(client: TestClient, clock: Clock, pool: Pool) -> None:  # type: ignore[type-arg]
    first = await (await client.get("/crl/1/0.crl")).read()
    await pool.execute("INSERT INTO ca.crls SELECT 1, 0, 2, this_update, next_update, 'new' FROM ca.crls LIMIT 1")
    assert await (await client.get("/crl/1/0.crl")).read() == first
    clock.now = NOW + timedelta(seconds=5)
    assert await (await client.get("/crl/1/0.crl")).read() == b"new"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crl/1/4.crl", 404),
        ("GET", "/crl/9/0.crl", 404),
        ("GET", "/crl/9999/9999.crl", 404),
        ("GET", "/crl/01/0.crl", 404),
        ("GET", "/crl/1/99999.crl", 404),
        ("GET", "/issuer/9.cer", 404),
        ("GET", "/chain/9.pem", 404),
        ("GET", "/", 404),
        ("POST", "/crl/1/0.crl", 405),
        ("DELETE", "/issuer/1.cer", 405),
    ],
)
async def test_problems(client: TestClient, method: str, path: str, status: int) -> None:  # type: ignore[type-arg]
    answer = await client.request(method, path)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (await answer.json(content_type=None))["status"] == status
    assert ("Allow" in answer.headers) is (status == 405)


async def test_the_role_sees_nothing_else(postgres: EmbeddedPostgres, database: str) -> None:
    conn = await asyncpg.connect(postgres.dsn(user="keiyaku_status", database=database))
    for table in ("ca.certificates", "ca.to_be_signed", "ca.revocations", "gate.contracts", "acme.orders"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch(f"SELECT * FROM {table}")
    await conn.close()
