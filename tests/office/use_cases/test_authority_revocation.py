"""An issuing CA is revoked with real keys: it signs nothing from then on, the root's CRLs say so, openssl agrees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import pytest
from cryptography import x509

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, storage
from ca.authority_grounds import GROUNDS, deadline
from ca.certificate import Issuer
from ca.issuance import ToBeSigned
from ca.keys import FileVault
from ca.signer_client import CrlMade, Signed, SignRefused
from office.storage.people import Person
from office.use_cases import authority_revocation, register, root_crl
from office.use_cases.asked import Unfit, two_persons
from sql import Conn
from tests.ca.arrange import NAMES, NOW, PASSPHRASE, record, write_pem
from tests.ca.conftest import folder as folder
from tests.ca.test_signer import SECONDS, SIGNED, UNSIGNED, Bench, der_of, verify
from tests.ca.test_signer_ct import CtBench

HOUR = timedelta(hours=1)
REVOKED = SignRefused("C-160: its issuing CA is revoked")


class Room(CtBench):
    """A CA with its keys in files, a database, two people, and the CA's clock."""

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Conn]:
        conn = await asyncpg.connect(self.server.dsn("keiyaku_operator", self.database))
        try:
            yield conn
        finally:
            await conn.close()

    async def people(self, conn: Conn) -> tuple[Person, Person]:
        return await two_persons(conn, "ann", "bob")

    async def revoke(
        self, named: str = NAMES.issuing, ground: str = "noncompliance", *, reason: int | None = None,
        known_at: datetime | None = None,
    ) -> authority_revocation.Intent:  # fmt: skip
        async with self.operator() as conn:
            intent = await authority_revocation.intend(
                conn, named, ground, reason, known_at or self.now - HOUR, "the audit found it", await self.people(conn),
                self.now,
            )  # fmt: skip
            await authority_revocation.decide(conn, intent, self.now)
            return intent

    async def root_crl(self, root: int = 0) -> x509.CertificateRevocationList:
        """The root's next CRL, published."""
        async with self.operator() as conn:
            prepared = await root_crl.prepare(conn, root, await self.people(conn), self.now)
            await root_crl.sign(conn, prepared, FileVault(self.folder / "keys", PASSPHRASE), self.now)
            newest = await storage.newest_crl(conn, root, 0)
            assert newest is not None
            return x509.load_der_x509_crl(newest.der)

    async def own_serial(self) -> int:
        der = await self.pool.fetchval("SELECT certificate FROM ca.issuers WHERE id = 1")
        return x509.load_der_x509_certificate(der).serial_number


@pytest.fixture
async def room(postgres: EmbeddedPostgres, database: str, pool: Bench, folder: Path) -> Room:
    issuer: Issuer = await hierarchy.init(folder / "keys", postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)
    made = Room(pool, postgres, database, folder, issuer)  # type: ignore[arg-type]
    async with made.operator() as conn:
        for handle in ("ann", "bob"):
            await register.add_person(conn, handle, handle.title(), "CA", NOW)
    return made


class Shown(NamedTuple):
    """An entry of a CRL."""

    serial: bytes
    reason: int | None
    since: datetime


async def entries(room: Room) -> list[Shown]:
    """What the root's next CRL shows, once it is public."""
    made, found = await room.root_crl(), []
    for each in made:
        flag = each.extensions.get_extension_for_class(x509.CRLReason).value.reason
        number, word = each.serial_number, {"keyCompromise": 1, "privilegeWithdrawn": 9}[flag.value]
        found.append(Shown(number.to_bytes(number.bit_length() // 8 + 1), word, each.revocation_date_utc))
    return found


async def said(room: Room, row: ToBeSigned) -> str:
    """What openssl says of the leaf, every certificate of its chain looked for on the newest CRLs."""
    async with room.pool.acquire() as conn:
        crls = [await storage.newest_crl(conn, 0, 0), await storage.newest_crl(conn, 1, row.shard)]
        chain = await storage.issuer_chain(conn, 1)
    files = [
        str(write_pem(room.folder / f"{name}.pem", each.der, label="X509 CRL"))
        for name, each in zip(("root-crl", "shard"), crls, strict=True)
        if each is not None
    ]
    roots = write_pem(room.folder / "roots.pem", chain[1])
    options = [word for file in files for word in ("-CRLfile", file)]
    return verify(room, roots, [await der_of(room, row), chain[0]], *options, "-crl_check_all")


@pytest.mark.std("C-160", "C-133", "C-140")
async def test_after_the_decision_nothing_is_signed_and_after_the_crl_openssl_trusts_no_leaf(room: Room) -> None:
    leaf, later = await room.admitted(), await room.admitted()
    async with room.signer() as client:
        assert await client.sign(leaf.id, SECONDS) == Signed()
        assert "OK" in await said(room, leaf)
        await room.revoke()
        assert await client.sign(later.id, SECONDS) == REVOKED
        assert await room.state(later) == UNSIGNED
        assert await client.sign(leaf.id, SECONDS) == Signed()  # what was signed before stays what it is
        assert await client.crl(1, leaf.shard, SECONDS) == CrlMade(2)  # and is answered for as before
    assert "OK" in await said(room, leaf)
    made = await room.root_crl()
    assert "certificate revoked" in await said(room, leaf)
    (entry,) = made
    assert (entry.serial_number, entry.revocation_date_utc) == (await room.own_serial(), room.now)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.privilege_withdrawn
    published = "SELECT published_at FROM ca.authority_revocations WHERE root_id = 0"
    assert await room.pool.fetchval(published) == room.now


@pytest.mark.std("C-136", "C-141", "C-142")
async def test_the_entry_stays_until_a_crl_after_the_certificates_end_had_it(room: Room) -> None:
    await room.revoke()
    await room.pool.execute("SELECT keiyaku.ensure_partitions($1, 9)", NOW)
    ends = NOW + timedelta(days=200)
    await room.pool.execute("UPDATE ca.authority_revocations SET not_after = $1", ends)
    numbers = []
    for at, entries in ((NOW, 1), (NOW + timedelta(days=100), 1), (ends, 1), (ends + HOUR, 1), (ends + 2 * HOUR, 0)):
        room.now = at
        made = await room.root_crl()
        assert len(made) == entries, at
        numbers.append(made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
    assert numbers == [2, 3, 4, 5, 6]
    published = await room.pool.fetch("SELECT root_id, published_at FROM ca.authority_revocations ORDER BY 1")
    assert [tuple(each) for each in published] == [(0, NOW), (2, None), (3, None)]


@pytest.mark.std("C-160")
async def test_no_precertificate_is_signed(room: Room) -> None:
    row = record(room.issuer, precertificate=True)
    await room.admit(row)
    await room.revoke()
    async with room.signer() as client:
        assert await client.sign(row.id, SECONDS) == REVOKED
    assert await room.precertificates(row) == (0, 0)


class Meanwhile:
    """A key before whose signature two people decide."""

    def __init__(self, room: Room, decision: "asyncio.Future[None]", loop: asyncio.AbstractEventLoop) -> None:
        self.key, self.room, self.loop = room.keys[1], room, loop
        self.spki, self.repeatable, self.decision = self.key.spki, self.key.repeatable, decision

    def sign(self, data: bytes) -> bytes:
        asyncio.run_coroutine_threadsafe(self.decided(), self.loop).result(SECONDS)
        return self.key.sign(data)

    async def decided(self) -> None:
        if not self.decision.done():
            await self.room.revoke()
            self.decision.set_result(None)


@pytest.mark.parametrize("precertificate", [False, True], ids=["certificate", "precertificate"])
async def test_what_was_being_signed_at_the_decision_is_not_stored(room: Room, precertificate: bool) -> None:
    row, loop = record(room.issuer, precertificate=precertificate), asyncio.get_running_loop()
    await room.admit(row)
    async with room.signer(keys={1: Meanwhile(room, loop.create_future(), loop)}) as client:
        answer = await client.sign(row.id, SECONDS)
    assert isinstance(answer, SignRefused)
    assert "C-160" in answer.reason
    assert await room.state(row) == UNSIGNED
    assert await room.precertificates(row) == (0, 0)


async def until_lock(conn: Conn, *, granted: bool, mode: str) -> None:
    """Somebody holds the lock of an issuing CA so, or waits for it."""
    asked = """SELECT EXISTS (SELECT FROM pg_locks WHERE classid = 7106 AND granted = $1 AND mode = $2
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
    async with asyncio.timeout(SECONDS):
        while not await conn.fetchval(asked, granted, mode):
            pass


@pytest.mark.std("C-160")
@pytest.mark.parametrize("precertificate", [False, True], ids=["certificate", "precertificate"])
async def test_nothing_is_stored_behind_the_back_of_who_is_deciding(room: Room, precertificate: bool) -> None:
    row = record(room.issuer, precertificate=precertificate)
    await room.admit(row)
    async with room.signer() as client, room.pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute("LOCK TABLE ca.authority_revocations IN SHARE ROW EXCLUSIVE MODE")
            deciding = asyncio.create_task(room.revoke())
            await until_lock(conn, granted=True, mode="ExclusiveLock")
            signing = asyncio.create_task(client.sign(row.id, SECONDS))
            await until_lock(conn, granted=False, mode="ShareLock")
        await deciding
        answer = await signing
    assert isinstance(answer, SignRefused)
    assert "C-160" in answer.reason
    assert await room.state(row) == UNSIGNED
    assert await room.precertificates(row) == (0, 0)


@pytest.mark.std("C-160")
async def test_what_is_being_stored_when_two_people_decide_is_committed_before_them(room: Room) -> None:
    row = await room.admitted()
    async with room.signer() as client, room.pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute("LOCK TABLE acme.orders IN SHARE ROW EXCLUSIVE MODE")
            signing = asyncio.create_task(client.sign(row.id, SECONDS))
            await until_lock(conn, granted=True, mode="ShareLock")
            deciding = asyncio.create_task(room.revoke())
            await until_lock(conn, granted=False, mode="ExclusiveLock")
        assert await signing == Signed()
        await deciding
    assert await room.state(row) == SIGNED


@pytest.mark.std("C-160", "C-159", "C-168")
async def test_the_decision_is_two_peoples_with_its_instants_and_is_evidence(room: Room) -> None:
    known = NOW - timedelta(days=2)
    intent = await room.revoke(known_at=known)
    assert intent.deadline_at == deadline(known) == known + timedelta(days=7)
    row = await room.pool.fetchrow("SELECT * FROM ca.authority_revocations WHERE root_id = 0")
    assert row is not None
    assert (row["requested_at"], row["decided_at"], row["deadline_at"]) == (known, NOW, intent.deadline_at)
    assert (row["ground"], row["reason"], row["note"]) == ("noncompliance", 9, "the audit found it")
    people = {r["id"] for r in await room.pool.fetch("SELECT id FROM gate.persons WHERE handle IN ('ann', 'bob')")}
    assert {row["first_person"], row["second_person"]} == people
    content = await room.pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'issuer.revoked'")
    kept = msgspec.json.decode(content)
    assert (kept["issuer_id"], kept["root_id"], kept["reason"]) == (1, 0, 9)
    assert not [word for word in (b"ann", b"bob", b"the audit") if word in content]  # T16-2, T16-3
    with pytest.raises(Unfit, match="is revoked already"):
        await room.revoke()
    for change in (
        "first_person = second_person",
        "reason = 2",
        "reason = NULL",
        "decided_at = requested_at - '1 s'::interval",
    ):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.NotNullViolationError)):
            await room.pool.execute(f"UPDATE ca.authority_revocations SET {change}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"named": "Another CA"}, "no issuing CA, and no certificate of one, is 'Another CA'"),
        ({"ground": "boredom"}, "ground 'boredom' is unknown"),
        ({"ground": "request"}, "the reason is one of 3, 4, 5: name it"),
        ({"ground": "compromise", "reason": 9}, "the reason is one of 1: name it"),
        ({"known_at": NOW + HOUR}, "--known is in the future"),
    ],
    ids=["a stranger", "no ground", "no reason", "another reason", "the future"],
)
async def test_what_cannot_be_decided(room: Room, changes: dict[str, object], said: str) -> None:
    with pytest.raises(Unfit, match=said):
        await room.revoke(**changes)  # type: ignore[arg-type]
    assert await room.pool.fetchval("SELECT count(*) FROM ca.authority_revocations") == 0
    await room.revoke("Keiyaku Demo OV CA", "request", reason=5)


@pytest.mark.std("C-140", "C-151")
def test_every_ground_has_reasons_that_a_crl_may_say() -> None:
    assert {each.item for each in GROUNDS.values()} == set(range(1, 10))
    assert {reason for each in GROUNDS.values() for reason in each.reasons} == {1, 3, 4, 5, 9}


@pytest.mark.std("C-163")
async def test_a_name_is_all_its_certificates_a_serial_number_one_and_a_compromise_always_all(room: Room) -> None:
    async with room.operator() as conn:
        all_ = await authority_revocation.all_certificates(conn)
        assert [(each.row.cross_id, each.row.root_id) for each in all_] == [(None, 0), (1, 2), (2, 3)]

        async def meant(named: str, ground: str) -> Sequence[int]:
            who = await room.people(conn)
            found = await authority_revocation.intend(conn, named, ground, None, NOW - HOUR, "a note", who, NOW)
            return [each.row.root_id for each in found.certificates]

        cross = all_[1].serial.hex()
        assert await meant(NAMES.issuing, "misuse") == [0, 2, 3]
        assert await meant(cross, "misuse") == [2]
        assert await meant(all_[1].serial.hex(":").upper(), "misuse") == [2]
        assert await meant(cross, "compromise") == [0, 2, 3]


@pytest.mark.std("C-160")
async def test_a_revoked_cross_certificate_is_offered_no_more_and_stops_nothing(room: Room) -> None:
    async with room.operator() as conn:
        cross = (await authority_revocation.all_certificates(conn))[1]
    await room.revoke(cross.serial.hex(), "misuse")
    row = await room.admitted()
    async with room.signer() as client:
        assert await client.sign(row.id, SECONDS) == Signed()
    assert await room.state(row) == SIGNED
    async with room.pool.acquire() as conn:
        assert len(await storage.chains_above(conn, 1, NOW)) == 2
    assert len(await room.root_crl(0)) == 0
    assert [each.serial_number for each in await room.root_crl(2)] == [int.from_bytes(cross.serial)]


async def test_a_crl_prepared_before_the_decision_is_not_signed(room: Room) -> None:
    async with room.operator() as conn:
        prepared = await root_crl.prepare(conn, 0, await room.people(conn), NOW)
        with pytest.raises(Unfit, match="another ceremony is being held"):
            await room.revoke()
    await room.revoke()
    vault = FileVault(room.folder / "keys", PASSPHRASE)
    async with room.operator() as conn:
        with pytest.raises(Unfit, match="revoked after this CRL was prepared"):
            await root_crl.sign(conn, prepared, vault, NOW)
    assert len(await room.root_crl()) == 1


@pytest.mark.std("C-143", "C-163", "C-142")
async def test_a_compromise_learnt_later_changes_the_entry_and_revokes_the_rest(room: Room) -> None:
    async with room.operator() as conn:
        own, *crosses = await authority_revocation.all_certificates(conn)
    first = await room.revoke(own.serial.hex(), "misuse")
    decided = room.now
    assert [each.reason for each in await entries(room)] == [9]
    room.now += timedelta(days=1)
    intent = await room.revoke(crosses[0].serial.hex(), "compromise")
    assert f"change the reason of {own.text}: privilegeWithdrawn becomes keyCompromise" in intent.text
    assert [f"revoke {each.text}" in intent.text for each in crosses] == [True, True]
    assert "From the decision on" not in intent.text  # it issues nothing already
    assert intent.deadline_at == room.now - HOUR + timedelta(days=7) > first.deadline_at
    async with room.operator() as conn:
        of_own = {each.serial: each for each in await authority_revocation.listing(conn)}[own.serial]
    assert (of_own.reason, of_own.decided_at, of_own.compromise_decided_at) == (1, decided, room.now)
    assert (of_own.deadline_at, of_own.published_at) == (intent.deadline_at, None)
    (entry,) = await entries(room)
    assert (entry.serial, entry.reason, entry.since) == (own.serial, 1, decided)
    row = await room.pool.fetchrow("SELECT * FROM ca.authority_compromises")
    assert row is not None
    assert (row["note"], row["decided_at"]) == ("the audit found it", room.now)
    kinds = [
        each["kind"] for each in await room.pool.fetch("SELECT kind FROM evidence.records ORDER BY recorded_at, id")
    ]
    assert [each for each in kinds if each == "issuer.reason_changed"] == ["issuer.reason_changed"]
    assert kinds.count("issuer.revoked") == 3
    for ground in ("compromise", "misuse"):
        with pytest.raises(Unfit, match="is revoked already"):
            await room.revoke(NAMES.issuing, ground)


async def test_an_entry_that_is_still_awaited_is_awaited_no_longer_than_it_was(room: Room) -> None:
    first = await room.revoke(ground="misuse")
    room.now += timedelta(days=1)
    intent = await room.revoke(ground="compromise")
    assert intent.deadline_at == first.deadline_at
    assert [each.reason for each in await entries(room)] == [1]
    assert await room.pool.fetchval("SELECT count(*) FROM ca.authority_compromises") == 3


async def test_one_person_alone_changes_no_reason(room: Room) -> None:
    await room.revoke(ground="misuse")
    await room.revoke(ground="compromise")
    for change in ("first_person = second_person", "reason = 4", "decided_at = known_at - '1 s'::interval"):
        with pytest.raises(asyncpg.CheckViolationError):
            await room.pool.execute(f"UPDATE ca.authority_compromises SET {change}")


async def test_of_two_decisions_at_once_one_is_made(room: Room) -> None:
    async with room.operator() as conn:
        intent = await authority_revocation.intend(
            conn, NAMES.issuing, "misuse", None, NOW, "a note", await room.people(conn), NOW
        )
    await room.revoke()
    async with room.operator() as conn:
        with pytest.raises(Unfit, match="revoked meanwhile: nothing was changed"):
            await authority_revocation.decide(conn, intent, NOW)
    assert {r["ground"] for r in await room.pool.fetch("SELECT ground FROM ca.authority_revocations")} == {
        "noncompliance"
    }


async def test_a_person_who_has_left_cannot_be_named(room: Room) -> None:
    await room.revoke()
    await room.pool.execute("UPDATE gate.persons SET left_at = now() WHERE handle = 'bob'")
    with pytest.raises(asyncpg.CheckViolationError, match="C-176"):
        await room.pool.execute(
            "INSERT INTO ca.authority_revocations SELECT '\\x01', 2, 1, 7, ground, reason, note, first_person, "
            "second_person, requested_at, decided_at, deadline_at, not_after FROM ca.authority_revocations"
        )
    assert UUID(int=0) not in {
        r["first_person"] for r in await room.pool.fetch("SELECT * FROM ca.authority_revocations")
    }


@pytest.mark.std("C-117")
async def test_another_key_of_the_same_label_signs_no_crl(room: Room) -> None:
    vault = FileVault(room.folder / "other", PASSPHRASE)
    vault.make(hierarchy.key_label(hierarchy.ROOT))
    async with room.operator() as conn:
        prepared = await root_crl.prepare(conn, 0, await room.people(conn), NOW)
        with pytest.raises(Unfit, match=f"is not that of {NAMES.root}"):
            await root_crl.sign(conn, prepared, vault, NOW)
    assert await room.pool.fetchval("SELECT max(number) FROM ca.crls WHERE issuer_id = 0") == 1
