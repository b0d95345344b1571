import asyncio
import socket
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography import x509

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, storage
from ca import keys as ca_keys
from ca.blocklist import Blocklist, digest_of
from ca.certificate import Issuer, Subject
from ca.der import tlv
from ca.issuance import ToBeSigned
from ca.keyring import Keyring
from ca.keys import SigningKey
from ca.signer import serve
from ca.signer_client import CrlMade, Signed, SignerAway, SignerClient, SignRefused
from sql import Pool, statements
from sql.ids import uuid7
from tests.ca.arrange import LEAF, NOW, PASSPHRASE, admit, certificate_of, record, write_pem

SECONDS = 30.0


class Bench:
    """A CA with its database; starts signers and looks at what they did."""

    def __init__(self, pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> None:
        self.pool, self.folder, self.issuer, self.server, self.database = pool, folder, issuer, postgres, database
        self.dsn = postgres.dsn(user="keiyaku_sign", database=database)
        self.keys: Mapping[int, SigningKey] = {1: ca_keys.load(hierarchy.key_file(folder / "keys", 1), PASSPHRASE)}
        self.now = NOW

    @asynccontextmanager
    async def signer(self, name: str = "a", **changes: Any) -> AsyncIterator[SignerClient]:
        """A signer at work, and a client of it."""
        stop = asyncio.Event()
        settings: dict[str, Any] = {"dsn": self.dsn, "keys": self.keys, "now": lambda: self.now} | changes
        task = asyncio.create_task(serve(self.folder / name, stop=stop, **settings))
        await listening(self.folder / name)
        client = SignerClient(self.folder / name)
        try:
            yield client
        finally:
            stop.set()
            await task
            await client.close()

    async def admit(self, row: ToBeSigned, **changes: Any) -> UUID:
        async with self.pool.acquire() as conn:
            return await admit(conn, row, **changes)

    async def admitted(self) -> ToBeSigned:
        """A record that may be signed."""
        row = record(self.issuer)
        await self.admit(row)
        return row

    async def state(self, row: ToBeSigned) -> tuple[str, str | None, int, int]:
        """State of the record, status of its order, number of certificates and of evidence rows."""
        found = await self.pool.fetchrow(
            """SELECT t.state, o.status, (SELECT count(*) FROM ca.certificates c WHERE c.id = t.id),
                   (SELECT count(*) FROM evidence.records e WHERE e.kind = 'certificate.signed'
                    AND position(t.id::text::bytea IN e.content) > 0)
               FROM ca.to_be_signed t JOIN acme.issuances i ON i.to_be_signed_id = t.id
               JOIN acme.orders o ON o.id = i.order_id WHERE t.id = $1""",
            row.id,
        )
        assert found is not None
        return tuple(found)


async def listening(path: Path) -> None:
    """Somebody takes connections at `path`."""
    while True:
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except OSError:
            await asyncio.sleep(0)
        else:
            writer.close()
            return


SIGNED = ("signed", "valid", 1, 1)
UNSIGNED = ("admitted", "processing", 0, 0)


@pytest.fixture
async def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


async def der_of(bench: Bench, row: ToBeSigned) -> bytes:
    der: bytes = await bench.pool.fetchval("SELECT der FROM ca.certificates WHERE id = $1", row.id)
    return der


# signing --------------------------------------------------------------------------------------------------------------
@pytest.mark.std("C-084", "C-112")
async def test_sign_stores_what_was_recorded(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.state(row) == SIGNED
    certificate = certificate_of(await der_of(bench, row))
    assert certificate.tbs_certificate_bytes == row.tbs
    certificate.verify_directly_issued_by(certificate_of(bench.issuer.certificate))


async def test_sign_again_answers_the_same_and_stores_nothing(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()
        der = await der_of(bench, row)
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.state(row) == SIGNED
    assert await der_of(bench, row) == der


def other_tbs(row: ToBeSigned) -> ToBeSigned:
    """The record with an octet of its bytes changed: certSign instead of digitalSignature."""
    return msgspec.structs.replace(row, tbs=row.tbs.replace(bytes.fromhex("03020780"), bytes.fromhex("03020204")))


def with_clientauth(row: ToBeSigned) -> ToBeSigned:
    return msgspec.structs.replace(
        row, tbs=row.tbs.replace(bytes.fromhex("06082b06010505070301"), bytes.fromhex("06082b06010505070302"))
    )


REFUSALS: list[tuple[str, str, Callable[[ToBeSigned], ToBeSigned], dict[str, Any]]] = [
    ("refused by the gate", "did not admit", lambda row: row, {"outcome": "refused"}),
    ("names of another decision", "names are not", lambda row: row, {"names": ["other.demo.test", "*.demo.test"]}),
    ("fewer names admitted", "names are not", lambda row: row, {"names": ["www.demo.test"]}),
    ("beyond the limit", "later than", lambda row: row, {"not_after_limit": record().not_after - timedelta(seconds=1)}),
    ("an old admission", "too old", lambda row: row, {"decided_at": NOW - timedelta(minutes=3)}),
    (
        "another organisation",
        "C-092",
        lambda row: row,
        {"reviewed": Subject("株式会社デモ2", "JP", "Tokyo", "千代田区")},
    ),
    ("admitted for an order only", "not for signing", lambda row: row, {"stage": "new_order"}),
    ("contract ended", "contract is ended", lambda row: row, {"contract_state": "ended"}),
    ("contract held", "contract is held", lambda row: row, {"hold": "suspected"}),
    ("customer not told", "T4-5", lambda row: row, {"told": False}),
    ("screening hit", "contract is held", lambda row: row, {"screening": "negative"}),
    ("term over", "T12-5", lambda row: row, {"started_at": NOW - timedelta(days=365 * 20)}),
    ("fee overdue", "T8-15", lambda row: row, {"fee_due_on": (NOW - timedelta(days=20)).date()}),
    ("no name listed", "contract's names: www.demo.test, *.demo.test", lambda row: row, {"listed": []}),
    ("wildcard not listed", "names: *.demo.test", lambda row: row, {"listed": [("host", "www.demo.test")]}),
    ("another domain listed", "contract's names", lambda row: row, {"listed": [("domain", "emo.test")]}),
    ("nobody reviewed", "no reviewed subject", lambda row: row, {"reviewed": None}),
    ("void", "is void", lambda row: row, {"state": "void"}),
    ("C-064 key usage", "lint: C-102", other_tbs, {}),
    ("C-064 clientAuth", "lint: C-100", with_clientauth, {}),
    ("garbage", "lint: no DER", lambda row: msgspec.structs.replace(row, tbs=b"\x30\x05garbage"), {}),
    ("not a certificate", "lint: C-084", lambda row: msgspec.structs.replace(row, tbs=tlv(0x30, b"\x05\0")), {}),
    ("another serial", "lint: C-079", lambda row: msgspec.structs.replace(row, serial=bytes([1] * 16)), {}),
    ("another key", "C-110", lambda row: msgspec.structs.replace(row, spki_sha256=sha256(b"").digest()), {}),
    ("another shard", "lint: C-106", lambda row: msgspec.structs.replace(row, shard=(row.shard + 1) % 4), {}),
    ("another profile", "lint: C-080", lambda row: msgspec.structs.replace(row, profile="shortlived"), {}),
    ("no profile", "no profile", lambda row: msgspec.structs.replace(row, profile="root"), {}),
    ("deadline", "deadline is over", lambda row: msgspec.structs.replace(row, deadline_at=NOW), {}),
]


@pytest.mark.std("C-064", "C-065", "C-078")
async def test_sign_refuses_each_fault_and_signs_the_rest_of_the_batch(bench: Bench) -> None:
    good = [await bench.admitted() for _ in range(3)]
    bad = [change(record(bench.issuer)) for _, _, change, _ in REFUSALS]
    for row, (_, _, _, how) in zip(bad, REFUSALS, strict=True):
        await bench.admit(row, **how)
    async with bench.signer() as client:
        answers = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in (good[0], *bad, *good[1:])))
    assert [answers[0], *answers[-2:]] == [Signed()] * 3
    assert {await bench.state(row) for row in good} == {SIGNED}
    for row, answer, (name, says, _, _) in zip(bad, answers[1:-2], REFUSALS, strict=True):
        assert isinstance(answer, SignRefused), name
        assert says in answer.reason, name
        assert (await bench.state(row))[1:] == ("processing", 0, 0), name


@pytest.mark.rule("T8-15", "T12-5")
@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"started_at": NOW - timedelta(days=100)}, id="the term goes on"),
        pytest.param({"fee_due_on": (NOW - timedelta(days=14)).date()}, id="closed days may have moved the last day"),
        pytest.param({"screening": "positive"}, id="no hit"),
        pytest.param({"told": True}, id="T4-5 the notice of formation left"),
        pytest.param({"hold": "reported"}, id="T3-4 a report"),
    ],
)
async def test_sign_refuses_nothing_that_a_gate_may_admit(bench: Bench, how: dict[str, Any]) -> None:
    row = record(bench.issuer)
    await bench.admit(row, **how)
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()


@pytest.mark.rule("T4-8")
async def test_sign_asks_for_addresses_and_names_as_the_contract_lists_them_now(bench: Bench) -> None:
    names = ["www.demo.test", "127.0.0.1", "::1"]
    listed = [("host", "www.demo.test"), ("network", "127.0.0.0/8"), ("network", "::1/128")]
    good, foreign, removed, unrouted = [record(bench.issuer, names) for _ in range(4)]
    await bench.admit(good, listed=listed)
    await bench.admit(foreign, listed=[*listed[:2], ("network", "::2/128")])
    for row, kind in ((removed, "host"), (unrouted, "network")):
        await bench.admit(row, listed=listed)
        await bench.pool.execute(
            """UPDATE gate.contract_names n SET removed_at = $2 FROM gate.decisions d
               WHERE d.id = $1 AND n.contract_id = d.contract_id AND n.kind = $3""",
            row.admission_id, NOW, kind,
        )  # fmt: skip
    async with bench.signer() as client:
        assert await client.sign(good.id, SECONDS) == Signed()
        assert await client.sign(foreign.id, SECONDS) == SignRefused("not among the contract's names: ::1")
        assert await client.sign(removed.id, SECONDS) == SignRefused("not among the contract's names: www.demo.test")
        assert await client.sign(unrouted.id, SECONDS) == SignRefused("not among the contract's names: 127.0.0.1, ::1")


@pytest.mark.std("C-079", "C-124")
async def test_sign_refuses_a_serial_number_that_is_not_the_records_own(bench: Bench) -> None:
    """Else one number could stand in two certificates, or in one that nobody can revoke."""
    good, unknown, anothers, of_other_issuer = [await bench.admitted() for _ in range(4)]
    for statement, row in (
        ("DELETE FROM ca.serials WHERE serial = $1", unknown),
        ("UPDATE ca.serials SET to_be_signed_id = gen_random_uuid() WHERE serial = $1", anothers),
        ("UPDATE ca.serials SET issuer_id = 2 WHERE serial = $1", of_other_issuer),
    ):
        await bench.pool.execute(statement, row.serial)
    async with bench.signer() as client:
        for row in (unknown, anothers, of_other_issuer):
            assert await client.sign(row.id, SECONDS) == SignRefused("C-079: its serial number is not its own")
            assert await bench.state(row) == UNSIGNED
        assert await client.sign(good.id, SECONDS) == Signed()


@pytest.mark.std("C-076")
async def test_sign_refuses_a_blocked_key(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.pool.acquire() as conn:
        await storage.block_key(conn, row.spki_sha256, "reported", NOW, actor="person:a")
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == SignRefused("C-076: key is blocked")
    assert await bench.state(row) == UNSIGNED


@pytest.mark.std("C-076", "C-163")
async def test_no_certificate_is_stored_behind_the_back_of_who_blocks_its_key(bench: Bench) -> None:
    row, other = await bench.admitted(), await bench.admitted()
    async with bench.signer() as client, bench.pool.acquire() as conn:
        async with conn.transaction():
            await storage.block_key(conn, row.spki_sha256, "reported", NOW, actor="person:a")
            asked = asyncio.gather(client.sign(row.id, SECONDS), client.sign(other.id, SECONDS))
            async with asyncio.timeout(SECONDS):
                while not await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND classid = 7103)"
                ):
                    pass
            assert await storage.live_with_key(conn, row.spki_sha256, NOW) == []
        for answer in await asked:
            assert isinstance(answer, SignRefused)
            assert "C-076" in answer.reason
    assert await bench.state(row) == UNSIGNED


@pytest.mark.std("C-082")
async def test_sign_refuses_49_hours_later(bench: Bench) -> None:
    early, late = (record(bench.issuer, deadline_at=NOW + timedelta(days=9)) for _ in range(2))
    async with bench.signer() as client:
        bench.now = NOW + timedelta(hours=47)
        await bench.admit(early, decided_at=bench.now)
        assert await client.sign(early.id, SECONDS) == Signed()
        bench.now = NOW + timedelta(hours=49)
        await bench.admit(late, decided_at=bench.now)
        answer = await client.sign(late.id, SECONDS)
    assert isinstance(answer, SignRefused)
    assert "C-082" in answer.reason


async def test_sign_refuses_what_it_does_not_know(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(uuid7(NOW), SECONDS) == SignRefused("no such record")
    async with bench.signer(keys={}) as client:
        assert await client.sign(row.id, SECONDS) == SignerAway("no key of issuer 1 here")
    async with bench.signer(keys={1: ca_keys.generate()}) as client:
        assert await client.sign(row.id, SECONDS) == SignerAway("no key of issuer 1 here")
        assert await client.crl(1, 0, SECONDS) == SignerAway("no key of issuer 1 here")
    assert await bench.state(row) == UNSIGNED


class Failing:
    """A key that fails, as a module or a disk may, when it is to sign these bytes."""

    repeatable = True

    def __init__(self, key: SigningKey, at: bytes) -> None:
        self.key, self.at, self.spki = key, at, key.spki

    def sign(self, data: bytes) -> bytes:
        if data == self.at:
            raise ZeroDivisionError("the key failed")
        return self.key.sign(data)


async def test_one_record_whose_signing_fails_stops_neither_its_batch_nor_the_signer(bench: Bench) -> None:
    rows = [await bench.admitted() for _ in range(4)]
    async with bench.signer(keys={1: Failing(bench.keys[1], rows[1].tbs)}) as client:
        answers = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in rows))
        assert answers.pop(1) == SignerAway("fault of the signer: ZeroDivisionError")
        assert answers == [Signed()] * 3
        later = await bench.admitted()
        assert await client.sign(later.id, SECONDS) == Signed()
        assert await bench.state(rows[1]) == UNSIGNED
    async with bench.signer("b") as client:
        assert await client.sign(rows[1].id, SECONDS) == Signed()


async def test_a_batch_with_one_that_cannot_be_stored(bench: Bench) -> None:
    rows = [await bench.admitted() for _ in range(20)]
    await bench.pool.execute(
        """UPDATE acme.orders SET status = 'invalid' FROM acme.issuances i
           WHERE i.order_id = id AND i.to_be_signed_id = $1""",
        rows[7].id,
    )
    async with bench.signer() as client:
        answers = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in rows))
    refused = answers.pop(7)
    assert isinstance(refused, SignRefused)
    assert "is not processing" in refused.reason
    assert answers == [Signed()] * 19
    assert await bench.state(rows.pop(7)) == ("admitted", "invalid", 0, 0)
    assert {await bench.state(row) for row in rows} == {SIGNED}


async def test_two_signers_on_one_record_make_one_certificate(bench: Bench) -> None:
    rows = [await bench.admitted() for _ in range(30)]
    async with bench.signer("a") as first, bench.signer("b") as second:
        answers = await asyncio.gather(
            *(first.sign(row.id, SECONDS) for row in rows), *(second.sign(row.id, SECONDS) for row in reversed(rows))
        )
    assert set(answers) <= {Signed()}
    assert {await bench.state(row) for row in rows} == {SIGNED}


async def test_the_same_bytes_are_signed_alike(bench: Bench) -> None:
    row = await bench.admitted()
    assert bench.keys[1].sign(row.tbs) == bench.keys[1].sign(row.tbs)
    async with bench.signer() as client:
        await client.sign(row.id, SECONDS)
    certificate = certificate_of(await der_of(bench, row))
    assert certificate.signature == bench.keys[1].sign(row.tbs)


# kill points: the step fails before and after it took effect; a retry finds the truth ---------------------------------
async def test_store_fails_before_its_commit(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        async with bench.pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE ca.certificates IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(client.sign(row.id, SECONDS))
            await ended(bench, "Lock")
        answer = await asked
        assert isinstance(answer, SignerAway)
        assert await bench.state(row) == UNSIGNED
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.state(row) == SIGNED


async def ended(bench: Bench, wait: str) -> None:
    """The signer's backend was waiting for `wait` and has been ended by the server."""
    while not await bench.pool.fetchval(
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE usename = 'keiyaku_sign' AND datname = current_database() AND wait_event_type = $1""",
        wait,
    ):
        await asyncio.sleep(0)


async def test_store_took_effect_but_nobody_was_told(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        await client._connection()
        assert client.writer is not None
        asked = asyncio.create_task(client.sign(row.id, SECONDS))
        await asyncio.sleep(0)
        client.writer.close()
        assert await asked == SignerAway("connection lost")
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.state(row) == SIGNED


async def test_a_lost_database_fails_and_comes_back(bench: Bench) -> None:
    first, second, third = [await bench.admitted() for _ in range(3)]
    async with bench.signer() as client:
        assert await client.sign(first.id, SECONDS) == Signed()
        await ended(bench, "Client")
        await bench.pool.execute("ALTER ROLE keiyaku_sign NOLOGIN")
        try:
            answer = await client.sign(second.id, SECONDS)
            assert isinstance(answer, SignerAway)
            assert isinstance(await client.crl(1, 0, SECONDS), SignerAway)
        finally:
            await bench.pool.execute("ALTER ROLE keiyaku_sign LOGIN")
        assert await client.sign(second.id, SECONDS) == Signed()
        assert await client.sign(third.id, SECONDS) == Signed()
    assert {await bench.state(row) for row in (first, second, third)} == {SIGNED}


async def test_void_and_store_compete(bench: Bench) -> None:
    rows = [await bench.admitted() for _ in range(20)]

    async def void(row: ToBeSigned) -> bool:
        async with bench.pool.acquire() as conn:
            return await storage.void(conn, row.id, ground="deadline", actor="process:work", now=NOW) is not None

    async with bench.signer() as client:
        results = await asyncio.gather(*(asyncio.gather(void(row), client.sign(row.id, SECONDS)) for row in rows))
    for row, (voided, answer) in zip(rows, results, strict=True):
        revoked = await bench.pool.fetchval("SELECT count(*) FROM ca.revocations WHERE to_be_signed_id = $1", row.id)
        assert (voided, revoked) in ((True, 1), (False, 0))
        assert voided is isinstance(answer, SignRefused)
        assert await bench.state(row) == (("void", "processing", 0, 0) if voided else SIGNED)


async def test_stop_finishes_what_was_asked(bench: Bench) -> None:
    rows = [await bench.admitted() for _ in range(40)]
    stop = asyncio.Event()
    task = asyncio.create_task(serve(bench.folder / "a", bench.dsn, bench.keys, stop, lambda: NOW))
    await listening(bench.folder / "a")
    client = SignerClient(bench.folder / "a")
    assert await client.sign(rows[0].id, SECONDS) == Signed()
    asked = [asyncio.create_task(client.sign(row.id, SECONDS)) for row in rows[1:]]
    while not client.pending:
        await asyncio.sleep(0)
    stop.set()
    await task
    answers = await asyncio.gather(*asked)
    assert not (bench.folder / "a").exists()
    for row, answer in zip(rows[1:], answers, strict=True):
        assert await bench.state(row) == (SIGNED if answer == Signed() else UNSIGNED)
    assert isinstance(await client.sign(rows[0].id, SECONDS), SignerAway)


# the socket -----------------------------------------------------------------------------------------------------------
async def test_socket_is_for_its_owner_alone(bench: Bench) -> None:
    async with bench.signer():
        assert stat.S_IMODE((bench.folder / "a").stat().st_mode) == 0o600


async def test_socket_of_a_dead_signer_is_replaced(bench: Bench) -> None:
    row = await bench.admitted()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(bench.folder / "a"))
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()


GARBAGE = [
    b"sign\n", b"sign 1\n", b"SIGN 019ab000-0000-7000-8000-000000000000\n", b"crl 1\n", b"crl -1 0\n", b"\n",
    b"crl 01 0\n", b"GET / HTTP/1.1\r\n", b"\xff\xfe\n", b"sign 019ab000-0000-7000-8000-000000000000 x\n",
    b"x" * 5000, b"crl 1 0",
]  # fmt: skip


async def test_garbage_ends_its_connection_only(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()
        for line in GARBAGE:
            reader, writer = await asyncio.open_unix_connection(bench.folder / "a")
            writer.write(line)
            writer.write_eof()
            said = await reader.read()
            assert said.startswith(b"error "), line
            assert said.count(b"\n") == 1, line
            writer.close()
        assert await client.sign(row.id, SECONDS) == Signed()


async def test_answers_over_the_wire(bench: Bench) -> None:
    row = await bench.admitted()
    missing = uuid7(NOW)
    async with bench.signer():
        reader, writer = await asyncio.open_unix_connection(bench.folder / "a")
        writer.write(f"sign {row.id}\nsign {missing}\ncrl 1 3\ncrl 1 4\ncrl 9 0\nsign {row.id}\n".encode())
        said = {(await reader.readline()).decode() for _ in range(6)}
        writer.close()
    assert said == {
        f"signed {row.id}\n",
        f"refused {missing} no such record\n",
        "crl 1 3 2\n",
        "refused 1/4 issuer 1 has no shard 4\n",
        "failed 9/0 no key of issuer 9 here\n",
    }


async def test_client_without_a_signer(tmp_path: Path) -> None:
    answer = await SignerClient(tmp_path / "none").sign(uuid7(NOW), SECONDS)
    assert isinstance(answer, SignerAway)


async def test_client_does_not_wait_for_ever(folder: Path) -> None:
    silent = await asyncio.start_unix_server(lambda reader, writer: asyncio.Event().wait(), folder / "silent")
    client = SignerClient(folder / "silent")
    assert await client.sign(uuid7(NOW), 0.01) == SignerAway("no answer within 0.01 s")
    await client.close()
    silent.close()


# CRLs -----------------------------------------------------------------------------------------------------------------
async def revoke(bench: Bench, row: ToBeSigned, reason: int | None = 1) -> None:
    async with bench.pool.acquire() as conn:
        assert await storage.revoke(
            conn, row.serial, reason=reason, ground="A11.1.2", requested_by="account:x", requested_at=NOW, now=NOW
        )


async def crl_of(bench: Bench, shard: int) -> x509.CertificateRevocationList:
    async with bench.pool.acquire() as conn:
        found = await storage.newest_crl(conn, 1, shard)
    assert found is not None
    return x509.load_der_x509_crl(found.der)


def serials(made: x509.CertificateRevocationList) -> set[int]:
    return {entry.serial_number for entry in made}


async def test_no_certificate_waits_for_a_crl(bench: Bench) -> None:
    """Another node makes the shard's CRL all this while: ours waits for it, and whoever asks for others does."""
    lock = statements("ca/signer_crl")["lock_shard"]
    async with bench.signer() as client, bench.pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute(lock, 1, 0)
            making = [asyncio.create_task(client.crl(1, shard, SECONDS)) for shard in (0, 1)]
            for _ in range(3):
                assert await client.sign((await bench.admitted()).id, SECONDS) == Signed()
            assert not any(each.done() for each in making)
        assert await asyncio.gather(*making) == [CrlMade(2), CrlMade(2)]


@pytest.mark.std("C-134", "C-137", "C-159")
async def test_crl_carries_the_revoked_of_its_shard(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()
        await revoke(bench, row)
        bench.now = NOW + timedelta(minutes=1)
        assert await client.crl(1, row.shard, SECONDS) == CrlMade(2)
        assert await client.crl(1, (row.shard + 1) % 4, SECONDS) == CrlMade(2)
    made = await crl_of(bench, row.shard)
    assert serials(made) == {int.from_bytes(row.serial, "big")}
    assert serials(await crl_of(bench, (row.shard + 1) % 4)) == set()
    points = certificate_of(await der_of(bench, row)).extensions.get_extension_for_class(x509.CRLDistributionPoints)
    scope = made.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    assert scope.full_name == points.value[0].full_name
    assert await bench.pool.fetchval("SELECT published_at FROM ca.revocations") == bench.now
    assert await bench.pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'crl.signed'") == 2


@pytest.mark.std("C-136")
async def test_crl_number_strictly_increases(bench: Bench) -> None:
    async with bench.signer("a") as first, bench.signer("b") as second:
        for _ in range(5):
            await asyncio.gather(first.crl(1, 0, SECONDS), second.crl(1, 0, SECONDS), first.crl(1, 1, SECONDS))
    async with bench.signer("c") as third:
        assert await third.crl(1, 0, SECONDS) == CrlMade(12)
    numbers = await bench.pool.fetch("SELECT number, der FROM ca.crls WHERE issuer_id = 1 AND shard = 0 ORDER BY 1")
    assert [row["number"] for row in numbers] == list(range(1, 13))
    inside = [x509.load_der_x509_crl(row["der"]).extensions.get_extension_for_class(x509.CRLNumber) for row in numbers]
    assert [one.value.crl_number for one in inside] == list(range(1, 13))


@pytest.mark.std("C-141", "C-142", "C-145")
async def test_crl_keeps_an_entry_until_one_after_the_end_carried_it(bench: Bench) -> None:
    row = await bench.admitted()
    await bench.pool.execute("SELECT keiyaku.ensure_partitions($1, 9)", NOW)
    steps = [
        (row.not_after - timedelta(days=100), True),
        (row.not_after - timedelta(seconds=1), True),
        (row.not_after, True),
        (row.not_after + timedelta(seconds=1), True),
        (row.not_after + timedelta(seconds=2), False),
        (row.not_after + timedelta(days=2), False),
    ]
    async with bench.signer() as client:
        await client.sign(row.id, SECONDS)
        await revoke(bench, row, None)
        for at, carried in steps:
            bench.now = at
            assert isinstance(await client.crl(1, row.shard, SECONDS), CrlMade)
            assert (len(serials(await crl_of(bench, row.shard))) == 1) is carried, at


@pytest.mark.std("C-141")
async def test_crl_carries_at_least_once_what_was_revoked_after_its_end(bench: Bench) -> None:
    row = await bench.admitted()
    await bench.pool.execute("SELECT keiyaku.ensure_partitions($1, 9)", NOW)
    bench.now = row.not_after + timedelta(days=3)
    async with bench.signer() as client:
        await client.crl(1, row.shard, SECONDS)
        await revoke(bench, row)
        bench.now += timedelta(days=1)
        await client.crl(1, row.shard, SECONDS)
        assert len(serials(await crl_of(bench, row.shard))) == 1
        await client.crl(1, row.shard, SECONDS)
        assert len(serials(await crl_of(bench, row.shard))) == 0


@pytest.mark.std("C-133", "C-143")
async def test_openssl_agrees(bench: Bench) -> None:
    good, bad = await bench.admitted(), await bench.admitted()
    async with bench.signer() as client:
        for row in (good, bad):
            assert await client.sign(row.id, SECONDS) == Signed()
        await revoke(bench, bad, None)
        async with bench.pool.acquire() as conn:
            await storage.upgrade_reason_to_key_compromise(conn, bad.serial, requested_by="account:x", now=NOW)
        for shard in range(4):
            assert await client.crl(1, shard, SECONDS) == CrlMade(2)
    rows = await bench.pool.fetch("SELECT id, certificate FROM ca.issuers WHERE kind = 'root' OR id = 1 ORDER BY id")
    ders = {row["id"]: row["certificate"] for row in rows}
    roots = write_pem(bench.folder / "roots.pem", ders[0])
    for row, verdict in ((good, "OK"), (bad, "certificate revoked")):
        async with bench.pool.acquire() as conn:
            newest = await storage.newest_crl(conn, 1, row.shard)
            above = await storage.chains_above(conn, bench.issuer.id, NOW)
        chains = [[await der_of(bench, row), *each] for each in above]
        assert newest is not None
        crl = write_pem(bench.folder / "crl.pem", newest.der, label="X509 CRL")
        said = verify(bench, roots, chains[0], "-CRLfile", str(crl), "-crl_check", "-extended_crl")
        assert verdict in said
        for number, anchor in ((1, 2), (2, 3)):
            alternate = write_pem(bench.folder / "alternate.pem", ders[anchor])
            assert "OK" in verify(bench, alternate, chains[number])


def verify(bench: Bench, roots: Path, chain: list[bytes], *options: str) -> str:
    """What openssl says of the first certificate of a chain."""
    leaf = write_pem(bench.folder / "leaf.pem", chain[0])
    rest = write_pem(bench.folder / "rest.pem", *chain[1:])
    at = str(int((NOW + timedelta(minutes=1)).timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime", at, *options]
    done = subprocess.run(
        [*command, "-CAfile", str(roots), "-untrusted", str(rest), str(leaf)], capture_output=True, text=True
    )
    return done.stdout + done.stderr


@pytest.mark.std("C-143", "C-159")
async def test_a_reason_that_changes_while_its_crl_is_made_is_on_the_next_one(bench: Bench) -> None:
    """The entry with the old reason does not count as the publication of the new one."""
    row = await bench.admitted()
    async with bench.signer() as client, bench.pool.acquire() as owner:
        assert await client.sign(row.id, SECONDS) == Signed()
        await revoke(bench, row, 4)
        async with owner.transaction():
            await owner.execute("UPDATE ca.revocations SET reason = 1")
            making = asyncio.create_task(client.crl(1, row.shard, SECONDS))
            await somebody_waits(bench)
        assert await making == CrlMade(2)
        assert await owner.fetchval("SELECT published_at FROM ca.revocations") is None
        assert await client.crl(1, row.shard, SECONDS) == CrlMade(3)
        assert await owner.fetchval("SELECT published_at FROM ca.revocations") == bench.now
    (entry,) = await crl_of(bench, row.shard)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise


async def somebody_waits(bench: Bench) -> None:
    """Returns once a session waits for a row that another one holds."""
    async with asyncio.timeout(20):
        while not await bench.pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        ):
            await asyncio.sleep(0.01)


@pytest.mark.std("C-073", "C-078")
async def test_a_key_that_is_public_is_not_certified(bench: Bench, tmp_path: Path) -> None:
    row = await bench.admitted()
    path = tmp_path / "blocklist.dat"
    path.write_bytes(digest_of(LEAF.public_key()) + b"\1")
    async with bench.signer(blocklist=Blocklist(path)) as client:
        assert await client.sign(row.id, SECONDS) == SignRefused(
            "C-073: the private key is public (Debian's OpenSSL of 2006 to 2008, CVE-2008-0166)"
        )
    assert (await bench.state(row))[0] == "admitted"
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()


@pytest.mark.std("C-117")
async def test_a_roots_key_signs_nothing_here_though_it_lies_beside(bench: Bench) -> None:
    keys = Keyring(lambda number: ca_keys.load(hierarchy.key_file(bench.folder / "keys", number), PASSPHRASE))
    assert keys.get(0) is not None
    async with bench.signer(keys=keys) as client:
        assert await client.crl(1, 0, SECONDS) == CrlMade(2)
        assert await client.crl(0, 0, SECONDS) == SignerAway("no key of issuer 0 here")
