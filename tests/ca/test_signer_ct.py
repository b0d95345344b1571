"""The signer and Certificate Transparency: a precertificate is stored as issued, and leads to one certificate only."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from acme_server.dev.postgres import EmbeddedPostgres
from ca import ct_logs, ct_storage, issuance, log_lists, storage
from ca.certificate import Issuer, to_be_signed
from ca.ct import Given, sct_of
from ca.ct_publisher import publisher
from ca.issuance import ToBeSigned
from ca.keys import FileKey
from ca.log_lists import LogLists, Published
from ca.precertificate import entry_of, final_tbs
from ca.profiles import TLSSERVER, TLSSERVER_OCSP, Profile
from ca.signer_client import CrlMade, Precertified, Signed, SignerClient, SignRefused
from ca.signer_lint import NO_PRECERTIFICATE, Demands
from sql import Pool
from sql.ids import uuid7
from tests.ca.arrange import DEADLINE, ISSUER, LEAF, NOW, SUBJECT, WANTED, certificate_of, record, spki_of
from tests.ca.test_signer import SECONDS, SIGNED, UNSIGNED, Bench, der_of
from tests.simulators.ct_log import ListPublisher, SimulatedLog, list_logs, log_list, three
from tests.simulators.ct_log import entry_of as seen_by_log

SOON = timedelta(seconds=1)


class CtBench(Bench):
    """A CA, its logs, and their list."""

    logs: Sequence[SimulatedLog]

    async def precertified(self, client: SignerClient, **how: Any) -> ToBeSigned:
        """A record whose precertificate is stored."""
        row = record(self.issuer, precertificate=True)
        await self.admit(row, **how)
        assert await client.sign(row.id, SECONDS) == Precertified()
        return row

    async def held(self, row: ToBeSigned) -> ct_storage.Precertificate:
        """The stored precertificate."""
        found = await ct_storage.precertificate(self.pool, row.id)
        assert found is not None
        return found

    async def given(self, row: ToBeSigned, logs: Sequence[SimulatedLog]) -> list[Given]:
        """SCTs of the logs, as they are; signed by what each log computes of the stored precertificate."""
        entry = seen_by_log([(await self.held(row)).der, self.issuer.certificate], self.logs[0].roots)
        listed = {log.id: log for log in ct_logs.parse(log_list(self.logs, NOW)).logs}
        return [Given(listed.get(log.id) or next(iter(listed.values())), sct_of(json.dumps(log.sct(entry)).encode()))
                for log in logs]  # fmt: skip

    async def record_final(self, row: ToBeSigned, tbs: bytes | None = None) -> bytes:
        """The certificate that the logs' SCTs lead to is recorded, or the given bytes."""
        given = await self.given(row, self.logs)
        tbs = tbs or final_tbs(row.tbs, [one.sct for one in given])
        await ct_storage.insert_final(self.pool, row.id, await self.held(row), tbs, given, "process:test", NOW)
        return tbs

    async def precertificates(self, row: ToBeSigned) -> tuple[int, int]:
        """How many precertificates of the record are stored, and how many evidence rows say that one was signed."""
        found = await self.pool.fetchrow(
            """SELECT (SELECT count(*) FROM ca.precertificates WHERE id = $1),
                   (SELECT count(*) FROM evidence.records e WHERE e.kind = 'precertificate.signed'
                    AND position($1::text::bytea IN e.content) > 0)""",
            row.id,
        )
        assert found is not None
        return tuple(found)


@pytest.fixture
async def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> CtBench:
    made = CtBench(pool, postgres, database, folder, issuer)
    root = certificate_of(await pool.fetchval("SELECT certificate FROM ca.issuers WHERE kind = 'root'"))
    made.logs = three([root], lambda: NOW)
    for log in made.logs:
        log.url = "https://log.test/"
    assert await list_logs(pool, log_list(made.logs, NOW), NOW)
    return made


async def test_a_precertificate_is_stored_once_with_evidence_before_anybody_sees_it(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        first = await bench.held(row)
        assert await client.sign(row.id, SECONDS) == Precertified()
    assert await bench.held(row) == first
    assert await bench.precertificates(row) == (1, 1)
    assert await bench.state(row) == UNSIGNED  # no certificate: the order goes on


@pytest.mark.std("C-121", "C-123", "C-125")
async def test_what_is_stored_is_the_record_signed_by_the_issuing_ca(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
    made = certificate_of((await bench.held(row)).der)
    assert made.tbs_certificate_bytes == row.tbs
    assert made.extensions.get_extension_for_class(x509.PrecertPoison).critical
    made.verify_directly_issued_by(certificate_of(bench.issuer.certificate))


@pytest.mark.std("C-122", "C-124", "C-126")
async def test_its_certificate_is_signed_and_stored(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        await bench.record_final(row)
        assert await client.sign(row.id, SECONDS) == Signed()
        der = await der_of(bench, row)
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await der_of(bench, row) == der
    assert await bench.state(row) == SIGNED
    assert await bench.precertificates(row) == (1, 1)
    made = certificate_of(der)
    made.verify_directly_issued_by(certificate_of(bench.issuer.certificate))
    assert made.tbs_precertificate_bytes == entry_of(row.tbs)
    assert made.serial_number == int.from_bytes(row.serial, "big")
    scts = made.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    assert [sct.log_id for sct in scts] == [log.id for log in bench.logs]


@pytest.mark.std("C-124")
async def test_one_certificate_at_most_goes_with_a_precertificate(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        first = await bench.record_final(row)
        await bench.record_final(row, first + b"other")
        assert await bench.pool.fetchval("SELECT tbs FROM ca.final_records WHERE id = $1", row.id) == first
        with pytest.raises(asyncpg.UniqueViolationError):
            await bench.pool.execute("INSERT INTO ca.final_records VALUES ($1, $2, $3)", row.id, b"other", NOW)
        assert await client.sign(row.id, SECONDS) == Signed()
        kinds = [r["kind"] for r in await bench.pool.fetch("SELECT kind FROM evidence.records ORDER BY id")]
        assert kinds.count("scts.recorded") == 1


def other_name(row: ToBeSigned, final: bytes) -> bytes:
    return final.replace(b"www.demo.test", b"xxx.demo.test")


def with_sct_of(change: Callable[[list[Any]], list[Any]]) -> Callable[[ToBeSigned, list[Any]], bytes]:
    return lambda row, scts: final_tbs(row.tbs, change(scts))


FAULTS: list[tuple[str, Callable[[ToBeSigned, list[Any]], bytes], str]] = [
    ("another name", lambda row, scts: other_name(row, final_tbs(row.tbs, scts)), "C-122"),
    ("poison", lambda row, scts: row.tbs, "C-126"),
    ("no SCTs", lambda row, scts: entry_of(row.tbs), "C-122"),
    ("another certificate", lambda row, scts: final_tbs(
        to_be_signed(ISSUER, msgspec.structs.replace(WANTED, precertificate=True)), scts), "C-122"),
    ("two of three SCTs", with_sct_of(lambda scts: scts[:2]), "C-128"),
    ("one SCT three times", with_sct_of(lambda scts: scts[:1] * 3), "C-128"),
    ("one operator", with_sct_of(lambda scts: scts[1:]), "C-128"),
    ("a signature that is wrong", with_sct_of(
        lambda scts: [msgspec.structs.replace(scts[0], timestamp_ms=scts[0].timestamp_ms + 1), *scts[1:]]), "C-127"),
    ("an unknown log", with_sct_of(lambda scts: [msgspec.structs.replace(scts[0], log_id=bytes(32)), *scts[1:]]),
     "C-129"),
    ("no DER", lambda row, scts: b"\x30\x05garbage", "C-126"),
]  # fmt: skip


@pytest.mark.std("C-066", "C-122", "C-127")
async def test_the_signer_signs_nothing_else_in_its_place(bench: CtBench) -> None:
    async with bench.signer() as client:
        rows = [await bench.precertified(client) for _ in FAULTS]
        for row, (_, spoil, _) in zip(rows, FAULTS, strict=True):
            scts = [one.sct for one in await bench.given(row, bench.logs)]
            await bench.record_final(row, spoil(row, scts))
        good = await bench.precertified(client)
        await bench.record_final(good)
        *answers, last = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in (*rows, good)))
    assert last == Signed()
    for row, answer, (name, _, says) in zip(rows, answers, FAULTS, strict=True):
        assert isinstance(answer, SignRefused), name
        assert answer.reason.startswith(says), (name, answer)
        assert await bench.state(row) == UNSIGNED, name


@pytest.mark.std("C-127", "C-128")
@pytest.mark.parametrize(
    ("mode", "says"), [("bad_signature", "C-127"), ("future", "C-127"), ("old", "C-127"), ("wrong_log_id", "C-129")]
)
async def test_the_signer_verifies_each_sct_itself(bench: CtBench, mode: str, says: str) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        bench.logs[1].mode = mode
        await bench.record_final(row)
        answer = await client.sign(row.id, SECONDS)
    assert isinstance(answer, SignRefused)
    assert answer.reason.startswith(says)


@pytest.mark.std("C-129")
@pytest.mark.parametrize(
    ("retired", "since", "says"),
    [
        pytest.param(1, NOW - SOON, "C-129: Ume 2027 was retired", id="retired before"),
        pytest.param(3, NOW + SOON, "C-129: all its SCTs", id="no other"),
        pytest.param(2, NOW + SOON, None, id="retired after, beside one that is not"),
    ],
)
async def test_scts_of_logs_that_are_retired(bench: CtBench, retired: int, since: datetime, says: str | None) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        await bench.record_final(row)
        for log in bench.logs[:retired]:
            log.state, log.since = "retired", since
        newer = log_list(bench.logs, NOW + SOON)
        assert await list_logs(bench.pool, newer, NOW)
        answer = await client.sign(row.id, SECONDS)
    assert answer == Signed() if says is None else isinstance(answer, SignRefused) and answer.reason.startswith(says)


REFUSED: list[tuple[str, str, str]] = [
    ("held meanwhile", """INSERT INTO gate.holds (id, contract_id, kind, status, reason, set_by, set_at)
        SELECT gen_random_uuid(), c.id, 'antisocial', 'suspected', 'grounds', c.accepted_by_first, now()
        FROM gate.contracts c JOIN acme.issuances i ON i.contract_id = c.id WHERE i.to_be_signed_id = $1""",
     "contract is held"),
    ("key blocked meanwhile", """INSERT INTO ca.blocked_keys (spki_sha256, cause, blocked_at)
        SELECT spki_sha256, 'reported', now() FROM ca.to_be_signed WHERE id = $1""", "C-076"),
    ("revoked meanwhile", """INSERT INTO ca.revocations
        (serial, issuer_id, to_be_signed_id, shard, ground, requested_by, requested_at, revoked_at, not_after)
        SELECT serial, issuer_id, id, shard, 'test', 'process:test', now(), now(), not_after
        FROM ca.to_be_signed WHERE id = $1""", "C-142"),
    ("ended meanwhile", "UPDATE ca.to_be_signed SET state = 'void' WHERE id = $1", "record is void"),
]  # fmt: skip


@pytest.mark.std("C-124", "C-125")
@pytest.mark.parametrize(("change", "says"), [pytest.param(change, says, id=name) for name, change, says in REFUSED])
async def test_a_precertificate_leads_to_nothing_once_it_may_not(bench: CtBench, change: str, says: str) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        await bench.record_final(row)
        await bench.pool.execute(change, row.id)
        answer = await client.sign(row.id, SECONDS)
    assert isinstance(answer, SignRefused)
    assert says in answer.reason
    assert (await bench.state(row))[2] == 0
    assert await bench.precertificates(row) == (1, 1)


@pytest.mark.std("C-125", "C-132")
async def test_a_precertificate_without_certificate_is_revoked_and_on_the_crl(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
        async with bench.pool.acquire() as conn:
            assert await storage.void(conn, row.id, ground="deadline", actor="process:test", now=NOW)
        assert await ct_storage.precertificate(bench.pool, row.id) is None
        assert await client.sign(row.id, SECONDS) == SignRefused("record is void")
        made = await client.crl(1, row.shard, SECONDS)
        assert isinstance(made, CrlMade)
    crl = x509.load_der_x509_crl(
        await bench.pool.fetchval("SELECT der FROM ca.crls WHERE shard = $1 AND number = $2", row.shard, made.number)
    )
    serial = certificate_of(
        await bench.pool.fetchval("SELECT der FROM ca.precertificates WHERE id = $1", row.id)
    ).serial_number
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None


@pytest.mark.std("C-125")
@pytest.mark.parametrize(("profile", "answers"), [(TLSSERVER_OCSP, 1), (TLSSERVER, 0)], ids=["with OCSP", "without"])
async def test_the_status_of_a_precertificate_is_answered_at_once(
    bench: CtBench, profile: Profile, answers: int
) -> None:
    row = issuance.prepare(
        bench.issuer, profile, SUBJECT, ["www.demo.test"], spki_of(LEAF), NOW, WANTED.not_after, uuid7(NOW), uuid7(NOW),
        DEADLINE, NOW, precertificate=True,
    )  # fmt: skip
    await bench.admit(row)
    count = "SELECT count(*) FROM ca.ocsp_responses WHERE serial = $1"
    assert await bench.pool.fetchval(count, row.serial) == 0
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == Precertified()
        assert await bench.pool.fetchval(count, row.serial) == answers
        await bench.record_final(row)
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.pool.fetchval(count, row.serial) == answers


async def test_no_certificate_is_recorded_for_what_has_ended(bench: CtBench) -> None:
    async with bench.signer() as client:
        row = await bench.precertified(client)
    held = await bench.held(row)
    await bench.pool.execute("UPDATE ca.to_be_signed SET state = 'void' WHERE id = $1", row.id)
    await ct_storage.insert_final(bench.pool, row.id, held, b"tbs", [], "process:test", NOW)
    assert await bench.pool.fetchval("SELECT count(*) FROM ca.final_records") == 0


@pytest.mark.std("C-076", "C-078")
async def test_no_precertificate_is_stored_for_a_key_that_was_blocked_meanwhile(bench: CtBench) -> None:
    row = record(bench.issuer, precertificate=True)
    await bench.admit(row)
    conn = await asyncpg.connect(bench.dsn)
    async with bench.pool.acquire() as owner:
        await storage.block_key(owner, row.spki_sha256, "reported", NOW, actor="person:a")
    with pytest.raises(asyncpg.CheckViolationError, match="C-076"):
        await conn.execute(
            "INSERT INTO ca.precertificates VALUES ($1, $2, $3, $4)", row.id, b"der", NOW, row.spki_sha256
        )
    await conn.close()
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == SignRefused("C-076: key is blocked")
    assert await bench.precertificates(row) == (0, 0)


@pytest.mark.std("C-131", "C-128")
async def test_where_scts_are_demanded_nothing_is_signed_without(bench: CtBench) -> None:
    plain = await bench.admitted()
    async with bench.signer(demands=Demands(transparency=True)) as client:
        assert await client.sign(plain.id, SECONDS) == SignRefused(NO_PRECERTIFICATE)
        row = await bench.precertified(client)
        await bench.record_final(row)
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await bench.state(plain) == UNSIGNED


async def test_a_batch_of_every_kind(bench: CtBench) -> None:
    async with bench.signer() as client:
        finals = [await bench.precertified(client) for _ in range(3)]
        for row in finals:
            await bench.record_final(row)
        waiting = await bench.precertified(client)
        plain, fresh = await bench.admitted(), record(bench.issuer, precertificate=True)
        await bench.admit(fresh)
        rows = [*finals, waiting, plain, fresh]
        answers = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in rows))
    assert answers == [Signed()] * 3 + [Precertified(), Signed(), Precertified()]


class RandomKey(FileKey):
    """A key that signs differently each time, as one in a module does."""

    repeatable = False

    def sign(self, tbs: bytes) -> bytes:
        return self.private_key.sign(tbs, ec.ECDSA(hashes.SHA256()))


async def test_with_a_key_that_signs_differently_each_time_nothing_is_signed_twice(bench: CtBench) -> None:
    key = bench.keys[1]
    assert isinstance(key, FileKey)
    async with bench.signer(keys={1: RandomKey(key.private_key)}) as client:
        row = await bench.precertified(client)
        assert await client.sign(row.id, SECONDS) == Precertified()
        await bench.record_final(row)
        assert await client.sign(row.id, SECONDS) == Signed()
        assert await bench.precertificates(row) == (1, 1)
        lost, unsure = await bench.precertified(client), record(bench.issuer, precertificate=True)
        await bench.record_final(lost)  # a signer died while it signed this certificate, and that precertificate
        await bench.pool.execute("UPDATE ca.final_records SET signing_at = $2 WHERE id = $1", lost.id, NOW)
        await bench.admit(unsure)
        await bench.pool.execute("UPDATE ca.to_be_signed SET signing_at = $2 WHERE id = $1", unsure.id, NOW)
        for one in (lost, unsure):
            answer = await client.sign(one.id, SECONDS)
            assert isinstance(answer, SignRefused)
            assert "may have been signed before" in answer.reason
        spoilt = await bench.precertified(client)
        await bench.record_final(spoilt, b"\x30\x00")  # refused before any key was asked: the mark goes
        assert isinstance(await client.sign(spoilt.id, SECONDS), SignRefused)
    marks = await bench.pool.fetchval("SELECT signing_at FROM ca.final_records WHERE id = $1", spoilt.id)
    assert marks is None


@pytest.mark.std("C-130")
async def test_an_older_list_never_replaces_a_newer_one(bench: CtBench) -> None:
    newer, older, another = (log_list(bench.logs[:2], NOW + span) for span in (SOON, -SOON, timedelta(0)))
    add = lambda content: list_logs(bench.pool, content, NOW)  # noqa: E731
    for refused in (older, another):
        with pytest.raises(ct_logs.ListRefused, match="no newer than the one that counts"):
            await add(refused)
    assert not await add(log_list(bench.logs, NOW))
    assert await add(newer)
    assert not await add(newer)
    found = await LogLists(None).refresh(bench.pool)
    assert found is not None
    assert (found.logs.listed_at, len(found.logs.logs)) == (NOW + SOON, 2)


@pytest.mark.std("C-130", "C-129")
async def test_the_signer_believes_the_publishers_list_alone(bench: CtBench) -> None:
    ours = ListPublisher()
    demands = Demands(publisher=publisher(ours.pem))
    async with bench.signer(demands=demands) as client:  # the list is there, and not signed
        row = await bench.precertified(client)
        await bench.record_final(row)
        refused = await client.sign(row.id, SECONDS)
        assert isinstance(refused, SignRefused)
        assert "C-129" in refused.reason
        content = log_list(bench.logs, NOW)
        found = Published(content, ours.sign(content))
        assert await log_lists.insert(bench.pool, LogLists(demands.publisher), found, "test", "process:test", NOW)
        assert await client.sign(row.id, SECONDS) == Signed()


@pytest.mark.std("C-130")
async def test_a_list_that_is_dated_in_the_future_keeps_no_other_out(bench: CtBench) -> None:
    add = lambda at: list_logs(bench.pool, log_list(bench.logs, at), NOW)  # noqa: E731
    with pytest.raises(ct_logs.ListRefused, match="in the future"):
        await add(NOW + timedelta(days=1, seconds=1))
    assert await add(NOW + timedelta(days=1))
