"""OCSP over http as clients see it, openssl among them. RFC 6960 appendix A, RFC 9919."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import asyncpg
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library
from yarl import URL

from acme_server import status_work
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.status import status_application
from acme_server.use_cases.ocsp import Allowance, Answers
from ca.certificate import Issuer
from ca.issuance import ToBeSigned
from ca.ocsp_client import OcspClient
from ca.status_storage import ocsp_late
from sql import Pool
from tests.ca.arrange import NOW
from tests.ca.conftest import folder as folder
from tests.ca.conftest import issuer as issuer
from tests.ca.test_signer_ocsp import SECONDS, Bench

Status = library.OCSPResponseStatus


class Listener:
    """The status listener over the database of a bench, and what asks it."""

    def __init__(self, bench: Bench, client: "TestClient", answers: Answers) -> None:  # type: ignore[type-arg]
        self.bench, self.client, self.answers = bench, client, answers

    async def post(self, der: bytes, issuer: int = 1) -> ClientResponse:
        return await self.client.post(f"/ocsp/{issuer}", data=der, headers={"Content-Type": "application/ocsp-request"})

    async def get(self, der: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> ClientResponse:
        path = f"/ocsp/1/{quote(b64encode(der).decode(), safe='')}"
        return await self.client.get(URL(path, encoded=True), headers=headers)


@pytest.fixture
def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


@pytest.fixture
async def listener(bench: Bench, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Listener]:
    dsn = postgres.dsn(user="keiyaku_status", database=database)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        answers = Answers(pool, lambda: bench.now, None, Allowance(2, timedelta(seconds=1)))
        async with TestClient(TestServer(status_application(pool, lambda: bench.now, answers))) as client:
            yield Listener(bench, client, answers)


def request(bench: Bench, serial: bytes, nonce: bytes | None = None, *, of: bytes | None = None) -> bytes:
    """A request by SHA-1 about the serial number of an issuer."""
    issuer = x509.load_der_x509_certificate(of or bench.issuer.certificate)
    asked = library.OCSPRequestBuilder().add_certificate_by_hash(
        hash_of(issuer.subject.public_bytes()), x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest,  # type: ignore[arg-type]
        int.from_bytes(serial, "big"), hashes.SHA1(),
    )  # fmt: skip
    if nonce is not None:
        asked = asked.add_extension(x509.OCSPNonce(nonce), critical=False)
    return asked.build().public_bytes(Encoding.DER)


def hash_of(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA1())
    digest.update(data)
    return digest.finalize()


async def said(response: ClientResponse) -> library.OCSPResponse:
    assert (response.status, response.content_type) == (200, "application/ocsp-response")
    return library.load_der_ocsp_response(await response.read())


async def signed_ahead(bench: Bench) -> ToBeSigned:
    """A certificate about which there is an answer."""
    row = await bench.issued()
    async with bench.signer() as client:
        assert await client.due(1, SECONDS) == 1
    return row


@pytest.mark.std("C-146", "C-154")
async def test_get_and_post_answer_alike_and_say_how_long(listener: Listener) -> None:
    bench = listener.bench
    row = await signed_ahead(bench)
    bench.now = NOW + timedelta(hours=1)
    der = request(bench, row.serial)
    assert len(b64encode(der)) <= 255
    bodies = set()
    for response in (await listener.get(der), await listener.post(der)):
        assert (await said(response)).certificate_status is library.OCSPCertStatus.GOOD
        bodies.add(await response.read())
        assert response.headers["Last-Modified"] == format_datetime(NOW, usegmt=True)
        assert response.headers["Expires"] == format_datetime(NOW + timedelta(days=7), usegmt=True)
        assert response.headers["Cache-Control"] == "max-age=3600, public, no-transform, must-revalidate"
        assert response.headers["ETag"]
    assert len(bodies) == 1
    assert len(library.load_der_ocsp_response(bodies.pop()).certificates) == 1
    again = await listener.get(der, {"If-None-Match": response.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.std("C-146")
async def test_base64_with_slashes_is_understood_escaped_or_not(listener: Listener) -> None:
    bench = listener.bench
    row = await signed_ahead(bench)
    for number in range(200):
        der = request(bench, row.serial, bytes((number,)) * 15)
        if b"/" in b64encode(der) and b"+" in b64encode(der):
            break
    assert (await said(await listener.get(der))).response_status is Status.SUCCESSFUL
    plain = await listener.client.get(f"/ocsp/1/{b64encode(der).decode()}")
    assert (await said(plain)).response_status is Status.SUCCESSFUL


@pytest.mark.std("C-149", "C-153")
async def test_what_is_not_known_is_unauthorized_and_not_kept(listener: Listener) -> None:
    bench = listener.bench
    row, plain = await signed_ahead(bench), await bench.issued(ocsp=False)
    root = await bench.pool.fetchval("SELECT certificate FROM ca.issuers WHERE id = 0")
    for der, asked_of in (
        (request(bench, b"\x05" * 16), 1), (request(bench, plain.serial), 1), (request(bench, row.serial, of=root), 1),
        (request(bench, row.serial), 0), (request(bench, row.serial), 7), (request(bench, b"\x05" * 40), 1),
    ):  # fmt: skip
        response = await listener.post(der, asked_of)
        assert (await said(response)).response_status is Status.UNAUTHORIZED
        assert response.headers["Cache-Control"] == "no-store"
    assert (await said(await listener.post(request(bench, row.serial)))).response_status is Status.SUCCESSFUL


@pytest.mark.std("C-155")
@pytest.mark.parametrize("nonce", [b"", b"n" * 129])
async def test_what_is_no_request_is_malformed(listener: Listener, nonce: bytes) -> None:
    wrong = [request(listener.bench, b"\x05" * 16, nonce), b"", b"x"]
    for der in wrong:
        assert (await said(await listener.post(der))).response_status is Status.MALFORMED_REQUEST
    for path in ("!!!", "abc", "A" * 4000):
        found = await said(await listener.client.get(f"/ocsp/1/{path}"))
        assert found.response_status is Status.MALFORMED_REQUEST
    assert (await listener.post(b"x" * 5000)).status == 413


async def test_an_answer_that_is_not_there_yet_or_too_old_is_said_to_come(listener: Listener) -> None:
    bench = listener.bench
    row = await bench.issued()
    assert (await said(await listener.post(request(bench, row.serial)))).response_status is Status.TRY_LATER
    async with bench.signer() as client:
        await client.due(1, SECONDS)
    assert (await said(await listener.post(request(bench, row.serial)))).response_status is Status.SUCCESSFUL
    bench.now = NOW + timedelta(days=7)
    assert (await said(await listener.post(request(bench, row.serial)))).response_status is Status.TRY_LATER
    bench.now = row.not_after
    assert (await said(await listener.post(request(bench, row.serial)))).response_status is Status.UNAUTHORIZED


@pytest.mark.std("C-155")
async def test_nonces_are_answered_within_the_allowance_and_ignored_beyond(listener: Listener) -> None:
    bench = listener.bench
    row = await signed_ahead(bench)
    der = request(bench, row.serial, b"n" * 32)

    async def nonces() -> list[int]:
        return [len((await said(await listener.post(der))).extensions) for _ in range(3)]

    assert await nonces() == [0, 0, 0]  # no signer to ask
    listener.answers.nonces.full_at = NOW - timedelta(days=1)
    async with bench.signer("n"):
        listener.answers.signer = OcspClient(bench.folder / "n")
        assert await nonces() == [1, 1, 0]
        bench.now = NOW + timedelta(seconds=1)
        unknown = await listener.post(request(bench, b"\x05" * 16, b"n" * 32))
        assert (await said(unknown)).response_status is Status.UNAUTHORIZED
        await listener.answers.signer.close()


@pytest.mark.std("C-146", "C-150", "C-153")
async def test_openssl_asks_and_is_answered(listener: Listener, folder: Path) -> None:
    bench = listener.bench
    row = await signed_ahead(bench)
    bench.now = NOW + timedelta(minutes=2)
    await bench.revoke(row, 1)
    async with bench.signer() as client:
        await client.due(1, SECONDS)
    for number, name in ((0, "root"), (1, "issuer")):
        der = await bench.pool.fetchval("SELECT certificate FROM ca.issuers WHERE id = $1", number)
        (folder / f"{name}.pem").write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    process = await asyncio.create_subprocess_exec(
        "openssl", "ocsp", "-issuer", "issuer.pem", "-serial", f"0x{row.serial.hex()}", "-CAfile", "root.pem",
        "-verify_other", "issuer.pem", "-attime", str(int(bench.now.timestamp())), "-no_nonce",
        "-url", str(listener.client.make_url("/ocsp/1")),
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out = (await process.communicate())[0].decode()
    assert "Response verify OK" in out, out
    assert f"0x{row.serial.hex()}: revoked" in out, out
    assert "Reason: keyCompromise" in out, out


@pytest.mark.std("C-147", "C-148")
async def test_the_worker_signs_what_is_due_and_says_what_is_late(
    listener: Listener, postgres: EmbeddedPostgres, database: str
) -> None:
    bench = listener.bench
    for _ in range(3):
        await bench.issued()
    dsn = postgres.dsn(user="keiyaku_work", database=database)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, bench.signer() as client:
        later = NOW + timedelta(minutes=16)
        assert await ocsp_late(bench.pool, later - timedelta(minutes=15), later) == 3  # type: ignore[arg-type]
        await status_work.refresh_ocsp(pool, client, NOW, asyncio.Event())  # type: ignore[arg-type]
        assert await ocsp_late(bench.pool, later - timedelta(minutes=15), later) == 0  # type: ignore[arg-type]
        await status_work.refresh_ocsp(pool, client, later, asyncio.Event())  # type: ignore[arg-type]
    assert await bench.pool.fetchval("SELECT count(*) FROM ca.ocsp_responses WHERE this_update = $1", NOW) == 3
