"""The OCSP side of the signer process: its responder, and answers in the database."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp as library

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, issuance, signer, signer_ocsp, storage
from ca import keys as ca_keys
from ca.certificate import Issuer
from ca.issuance import ToBeSigned
from ca.ocsp_client import OcspClient
from ca.profiles import TLSSERVER_OCSP
from ca.signer_client import Signed, SignerAway, SignerClient, SignRefused
from sql import Pool
from sql.ids import uuid7
from tests.ca.arrange import DEADLINE, LEAF, NOW, PASSPHRASE, SUBJECT, WANTED, admit, record, spki_of
from tests.ca.test_signer import listening

SECONDS = 30.0


class Bench:
    """A CA with its database; starts OCSP signers."""

    def __init__(self, pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> None:
        self.pool, self.folder, self.issuer, self.now = pool, folder, issuer, NOW
        self.dsn = postgres.dsn(user="keiyaku_sign", database=database)
        self.keys = {1: ca_keys.load(hierarchy.key_file(folder / "keys", 1), PASSPHRASE)}

    @asynccontextmanager
    async def signer(self, name: str = "o") -> AsyncIterator[OcspClient]:
        """A signer at work, and a client of it."""
        stop, path = asyncio.Event(), self.folder / name
        task = asyncio.create_task(signer_ocsp.serve(path, self.dsn, self.keys, f"host/{name}", stop, lambda: self.now))
        async with asyncio.timeout(SECONDS):
            while not path.exists():
                await asyncio.sleep(0.001)
        client = OcspClient(path)
        try:
            yield client
        finally:
            await client.close()
            stop.set()
            await task

    async def issued(self, *, ocsp: bool = True, state: str = "signed") -> ToBeSigned:
        """A record that was signed, or is void."""
        row = with_ocsp(self.issuer) if ocsp else record(self.issuer)
        async with self.pool.acquire() as conn:
            await admit(conn, row)
            if state != "admitted":
                await conn.execute("UPDATE ca.to_be_signed SET state = $2 WHERE id = $1", row.id, state)
        return row

    async def revoke(self, row: ToBeSigned, reason: int | None = 4) -> None:
        async with self.pool.acquire() as conn:
            assert await storage.revoke(
                conn, row.serial, reason=reason, ground="A11.1.2", requested_by="account:x", requested_at=self.now,
                now=self.now,
            )  # fmt: skip

    async def answer(self, row: ToBeSigned, column: str = "by_sha1") -> library.OCSPResponse | None:
        """What is stored about the record's serial number."""
        der = await self.pool.fetchval(f"SELECT {column} FROM ca.ocsp_responses WHERE serial = $1", row.serial)
        return None if der is None else library.load_der_ocsp_response(der)


def with_ocsp(issuer: Issuer) -> ToBeSigned:
    """A prepared record of a profile with OCSP."""
    return issuance.prepare(
        issuer, TLSSERVER_OCSP, SUBJECT, ["www.demo.test"], spki_of(LEAF), NOW, WANTED.not_after, uuid7(NOW),
        uuid7(NOW), DEADLINE, NOW,
    )  # fmt: skip


@pytest.fixture
def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


@pytest.mark.std("C-147", "C-150", "C-125")
async def test_what_was_signed_is_answered_good_and_openssl_agrees(bench: Bench, folder: Path) -> None:
    row, plain = await bench.issued(), await bench.issued(ocsp=False)
    async with bench.signer() as client:
        assert await client.due(1, SECONDS) == 1
        assert await client.due(1, SECONDS) == 0
    assert await bench.answer(plain) is None
    for column in ("by_sha1", "by_sha256"):
        found = await bench.answer(row, column)
        assert found is not None
        assert found.certificate_status is library.OCSPCertStatus.GOOD
        assert found.serial_number == int.from_bytes(row.serial, "big")
    der = folder / "answer.der"
    der.write_bytes(await bench.pool.fetchval("SELECT by_sha256 FROM ca.ocsp_responses"))
    chain = await bench.pool.fetch("SELECT certificate FROM ca.issuers WHERE id IN (0, 1) ORDER BY id DESC")
    pems = [x509.load_der_x509_certificate(each["certificate"]).public_bytes(Encoding.PEM) for each in chain]
    (folder / "issuer.pem").write_bytes(pems[0])
    (folder / "root.pem").write_bytes(pems[1])
    said = subprocess.run(  # noqa: ASYNC221
        ["openssl", "ocsp", "-sha256", "-issuer", "issuer.pem", "-serial", f"0x{row.serial.hex()}", "-respin", der,
         "-CAfile", "root.pem", "-verify_other", "issuer.pem", "-attime", str(int(NOW.timestamp())), "-no_nonce"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Response verify OK" in said.stderr, said
    assert f"0x{row.serial.hex()}: good" in said.stdout, said


@pytest.mark.std("C-125", "C-149")
@pytest.mark.parametrize(("state", "known"), [("admitted", False), ("void", True), ("signed", True)])
async def test_only_what_may_have_been_signed_is_answered(bench: Bench, state: str, known: bool) -> None:
    await bench.issued(state=state)
    async with bench.signer() as client:
        assert await client.due(1, SECONDS) == known


@pytest.mark.std("C-143", "C-151")
async def test_a_revocation_is_answered_at_the_next_turn(bench: Bench) -> None:
    row = await bench.issued()
    async with bench.signer() as client:
        assert await client.due(1, SECONDS) == 1
        bench.now = NOW + timedelta(minutes=1)
        await bench.revoke(row)
        assert await client.due(1, SECONDS) == 1
        found = await bench.answer(row)
        assert found is not None
        assert found.certificate_status is library.OCSPCertStatus.REVOKED
        assert (found.revocation_reason, found.revocation_time_utc) == (x509.ReasonFlags.superseded, bench.now)
        await bench.pool.execute("UPDATE ca.revocations SET reason = 1, compromised_at = $1", NOW - timedelta(days=9))
        assert await client.due(1, SECONDS) == 1
    found = await bench.answer(row)
    assert found is not None
    assert found.revocation_reason is x509.ReasonFlags.key_compromise
    assert found.revocation_time_utc == NOW - timedelta(days=9)


@pytest.mark.std("C-149")
async def test_a_revocation_while_the_answer_is_signed_is_not_lost(bench: Bench) -> None:
    """The revocation waits for the row that the signer holds, or the signer leaves the row to the next turn."""
    row = await bench.issued()
    async with bench.signer() as client:
        async with bench.pool.acquire() as conn, conn.transaction():
            await storage.revoke(conn, row.serial, reason=1, ground="g", requested_by="x", requested_at=NOW, now=NOW)
            assert await client.due(1, SECONDS) == 0
        assert await client.due(1, SECONDS) == 1
    found = await bench.answer(row)
    assert found is not None
    assert found.certificate_status is library.OCSPCertStatus.REVOKED


@pytest.mark.std("C-149")
async def test_the_first_answer_knows_of_a_revocation_that_was_under_way(bench: Bench) -> None:
    """Who stores a certificate waits for whoever is revoking its serial number."""
    row = await bench.issued(state="admitted")
    async with bench.signer() as client:
        async with bench.pool.acquire() as conn, conn.transaction():
            await storage.revoke(conn, row.serial, reason=1, ground="g", requested_by="x", requested_at=NOW, now=NOW)
            stored = asyncio.create_task(
                bench.pool.execute("UPDATE ca.to_be_signed SET state = 'signed' WHERE id = $1", row.id)
            )
            async with asyncio.timeout(SECONDS):
                while not stored.done() and not await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')"
                ):
                    pass
            assert await client.due(1, SECONDS) == 0
        await stored
        assert await client.due(1, SECONDS) == 1
    found = await bench.answer(row)
    assert found is not None
    assert found.certificate_status is library.OCSPCertStatus.REVOKED


@pytest.mark.std("C-076", "C-163")
async def test_what_is_stored_while_its_key_is_blocked_waits_for_the_key_before_its_serial(bench: Bench) -> None:
    """Whoever blocks the key revokes the precertificate meanwhile: the two would wait for each other."""
    row = await bench.issued(state="admitted")
    async with bench.pool.acquire() as blocker, asyncio.timeout(SECONDS):
        async with blocker.transaction():
            await storage.block_key(blocker, row.spki_sha256, "proven", NOW, actor="process:test")
            storing = asyncio.create_task(
                bench.pool.execute("UPDATE ca.to_be_signed SET state = 'signed' WHERE id = $1", row.id)
            )
            while not await bench.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
            await blocker.execute("SELECT FROM ca.serials WHERE serial = $1 FOR KEY SHARE NOWAIT", row.serial)
        await storing


@pytest.mark.std("C-148")
async def test_answers_are_signed_anew_before_half_time_until_the_certificate_ends(bench: Bench) -> None:
    await bench.issued()
    end = NOW + timedelta(days=20)
    await bench.pool.execute("UPDATE ca.ocsp_responses SET not_after = $1", end)
    async with bench.signer() as client:
        for at, due in (
            (NOW, 1), (NOW + timedelta(days=3, seconds=-1), 0), (NOW + timedelta(days=3), 1),
            (end - timedelta(seconds=1), 1), (end + timedelta(days=4), 0),
        ):  # fmt: skip
            bench.now = at
            assert await client.due(1, SECONDS) == due, at


@pytest.mark.std("C-118", "C-168")
async def test_a_responder_is_made_when_needed_and_anew_before_it_ends(bench: Bench) -> None:
    row = await bench.issued()
    async with bench.signer() as client:
        for at, number in ((NOW, 1), (NOW + timedelta(days=15), 1), (NOW + timedelta(days=18), 2)):
            bench.now = at
            await client.due(1, SECONDS)
            rows = await bench.pool.fetch("SELECT * FROM ca.responders ORDER BY made_at")
            assert len(rows) == number, at
            found = await bench.answer(row)
            assert found is not None
            assert found.certificates[0].public_bytes(Encoding.DER) == rows[-1]["certificate"]
            assert found.next_update_utc is not None
            assert found.next_update_utc < found.certificates[0].not_valid_after_utc
    assert rows[0]["held_by"] == "host/o"
    assert await bench.pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'responder.made'") == 2
    assert await bench.pool.fetchval("SELECT count(*) FROM ca.serials JOIN ca.responders USING (serial)") == 2


@pytest.mark.std("C-077")
async def test_no_certificate_gets_the_key_of_a_responder(bench: Bench) -> None:
    await bench.issued()
    async with bench.signer() as ocsp:
        assert await ocsp.due(1, SECONDS) == 1
    async with bench.pool.acquire() as conn:
        made = x509.load_der_x509_certificate(await conn.fetchval("SELECT certificate FROM ca.responders"))
        key = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert sha256(key).digest() in await storage.own_keys(conn)
        rows = [
            issuance.prepare(
                bench.issuer, TLSSERVER_OCSP, SUBJECT, ["www.demo.test"], spki, NOW, WANTED.not_after, uuid7(NOW),
                uuid7(NOW), DEADLINE, NOW,
            )
            for spki in (key, spki_of(LEAF))
        ]  # fmt: skip
        for row in rows:
            await admit(conn, row)
    stop, path = asyncio.Event(), bench.folder / "s"
    task = asyncio.create_task(signer.serve(path, bench.dsn, bench.keys, stop, lambda: NOW))
    await listening(path)
    client = SignerClient(path)
    answers = [await client.sign(row.id, SECONDS) for row in rows]
    stop.set()
    await task
    await client.close()
    assert answers == [SignRefused("C-077: key is an issuer's or a responder's"), Signed()]


@pytest.mark.std("C-155", "C-149")
async def test_a_nonce_is_answered_at_once_but_never_about_the_unknown(bench: Bench) -> None:
    row, plain = await bench.issued(), await bench.issued(ocsp=False)
    async with bench.signer() as client:
        made = await client.nonced(1, row.serial, "sha256", b"n" * 20, SECONDS)
        assert isinstance(made, bytes)
        found = library.load_der_ocsp_response(made)
        assert found.certificate_status is library.OCSPCertStatus.GOOD
        assert found.extensions[0].value == x509.OCSPNonce(b"n" * 20)
        for serial in (b"\x01" * 16, plain.serial):
            assert await client.nonced(1, serial, "sha1", b"n" * 16, SECONDS) is None
        assert await client.nonced(0, row.serial, "sha1", b"n" * 16, SECONDS) is None
        bench.now = row.not_after
        assert await client.nonced(1, row.serial, "sha1", b"n" * 16, SECONDS) is None


async def test_two_signers_share_the_work_and_a_lost_one_is_said(bench: Bench) -> None:
    for _ in range(3):
        await bench.issued()
    async with bench.signer("a") as first, bench.signer("b") as second:
        done = await asyncio.gather(first.due(1, SECONDS), second.due(1, SECONDS))
        assert sum(each for each in done if isinstance(each, int)) == 3
        assert await first.due(9, SECONDS) == SignerAway("no key of issuer 9 here")
    assert isinstance(await first.due(1, SECONDS), SignerAway)


@pytest.mark.parametrize("line", ["due\n", "nonce 1 aa sha1 aa\n", "x" * 20_000 + "\n", "sign 1\n"])
async def test_anything_else_ends_the_connection(bench: Bench, line: str) -> None:
    async with bench.signer():
        reader, writer = await asyncio.open_unix_connection(bench.folder / "o")
        writer.write(line.encode())
        assert await reader.read() == b""
        writer.close()
