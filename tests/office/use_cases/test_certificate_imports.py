"""What was signed after a backup is taken in again by the database that was restored from it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library

from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.groups import Group
from ca import hierarchy, storage
from ca.certificate import Issuer, assemble
from ca.imported import CODES, octets
from ca.issuance import ToBeSigned
from ca.precertificate import final_tbs
from ca.sct import Sct
from ca.signer_client import CrlMade, Precertified, Signed
from office.storage import samples
from office.use_cases.asked import Unfit
from office.use_cases.certificate_imports import File, Import, Whose, look, read
from office.use_cases.sample_look import NO_DECISION, faults_of
from office.use_cases.taking_in import take_in
from sql import Conn, Pool
from tests.ca import test_signer, test_signer_ocsp
from tests.ca.arrange import ISSUER, KEY, NAMES, NOW, PASSPHRASE, ROOT, record, write_pem
from tests.ca.conftest import folder as folder
from tests.ca.test_signer_ocsp import with_ocsp
from tests.conftest import fresh_database

SECONDS, PEM, ITS_OWN = 30.0, Encoding.PEM, Whose()
LATER = NOW + timedelta(minutes=10)
SHARDS = range(4)
COUNTS = """
SELECT (SELECT count(*) FROM ca.serials) AS serials, (SELECT count(*) FROM ca.revocations) AS revocations,
    (SELECT count(*) FROM ca.certificates) AS certificates,
    (SELECT count(*) FROM ca.precertificates) AS precertificates, (SELECT count(*) FROM acme.issuances) AS issuances,
    (SELECT count(*) FROM evidence.records WHERE kind IN ('certificate.imported', 'certificate.revoked')) AS proofs
"""
SCT = Sct(bytes(32), 1_700_000_000_000, b"", b"\x04\x03", b"signature")


@dataclass
class Side:
    """One of the two databases, with what signs in it."""

    pool: Pool
    signing: test_signer.Bench
    answering: test_signer_ocsp.Bench

    async def issued(self, row: ToBeSigned) -> bytes:
        """The record's certificate, or precertificate, in DER."""
        await self.signing.admit(row)
        async with self.signing.signer() as client:
            assert await client.sign(row.id, SECONDS) in (Signed(), Precertified())
        der = "SELECT coalesce(c.der, p.der) FROM ca.to_be_signed t LEFT JOIN ca.certificates c ON c.id = t.id"
        found: bytes = await self.pool.fetchval(f"{der} LEFT JOIN ca.precertificates p ON p.id = t.id WHERE t.id = $1",
                                                row.id)  # fmt: skip
        return found

    async def revoke(self, row: ToBeSigned, reason: int | None, at: datetime) -> storage.Shard | None:
        async with self.pool.acquire() as conn:
            return await storage.revoke(
                conn, row.serial, reason=reason, ground="A11.3", requested_by="case:1", requested_at=at, now=at
            )

    async def crls(self, at: datetime) -> list[bytes]:
        """A new CRL of every shard, in order."""
        self.signing.now = at
        async with self.signing.signer() as client:
            made = [await client.crl(1, shard, SECONDS) for shard in SHARDS]
        assert all(isinstance(each, CrlMade) for each in made), made
        newest = "SELECT der FROM ca.crls WHERE issuer_id = 1 AND shard = $1 ORDER BY number DESC LIMIT 1"
        return [await self.pool.fetchval(newest, shard) for shard in SHARDS]

    async def answer(self, row: ToBeSigned, at: datetime) -> library.OCSPResponse | None:
        """What OCSP says of it, once all that is due is signed."""
        self.answering.now = at
        async with self.answering.signer() as client:
            while await client.due(1, SECONDS):
                pass
        return await self.answering.answer(row)

    async def counts(self) -> dict[str, int]:
        found = await self.pool.fetchrow(COUNTS)
        assert found is not None
        return dict(found)


@dataclass
class Loss:
    """The database that was lost and the one that its backup became: `kept` is in both."""

    lost: Side
    restored: Side
    issuer: Issuer
    kept: list[ToBeSigned]
    operator: Conn
    people: tuple[str, str]
    contract: str
    settings: Settings

    async def seen(self, *files: File, whose: Whose = ITS_OWN) -> Import:
        return await look(self.operator, await read(self.operator, files), whose)

    async def taken(self, *files: File, whose: Whose = ITS_OWN) -> Import:
        return await take_in(self.operator, await read(self.operator, files), whose, *self.people, LATER)


@pytest.fixture
async def loss(postgres: EmbeddedPostgres, folder: Path) -> AsyncIterator[Loss]:
    """Two certificates are signed, the backup is taken, and the work goes on."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(fresh_database(postgres))
        issuer = await hierarchy.init(folder / "keys", postgres.dsn(database=origin), PASSPHRASE, NAMES, NOW)
        async with asyncpg.create_pool(postgres.dsn(database=origin), min_size=1, max_size=4) as pool:
            before = side(pool, postgres, origin, folder, issuer)
            kept = [record(issuer), record(issuer)]
            for row in kept:
                await before.issued(row)
            contract = await pool.fetchval("SELECT handle FROM gate.contracts ORDER BY number LIMIT 1")
            others = "contract_id <> (SELECT id FROM gate.contracts WHERE handle = $1)"
            await pool.execute(f"DELETE FROM gate.contract_names WHERE {others}", contract)
        copy = f"{origin}_restored"
        admin = await asyncpg.connect(postgres.dsn(database="postgres"))
        stack.push_async_callback(admin.close)
        await admin.execute(f"CREATE DATABASE {copy} TEMPLATE {origin} STRATEGY file_copy")
        stack.push_async_callback(admin.execute, f"DROP DATABASE {copy} WITH (FORCE)")
        sides = []
        for name in (origin, copy):
            opened = await stack.enter_async_context(
                asyncpg.create_pool(postgres.dsn(database=name), min_size=1, max_size=4)
            )
            sides.append(side(opened, postgres, name, folder, issuer))
        operator = await asyncpg.connect(postgres.dsn("keiyaku_operator", copy))
        stack.push_async_callback(operator.close)
        handles = [row["handle"] for row in await operator.fetch("SELECT handle FROM gate.persons ORDER BY id LIMIT 2")]
        settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", copy)))
        yield Loss(sides[0], sides[1], issuer, kept, operator, (handles[0], handles[1]), contract, settings)


def side(pool: Any, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Side:
    of = (pool, postgres, database, folder, issuer)
    return Side(pool, test_signer.Bench(*of), test_signer_ocsp.Bench(*of))


def shown(ders: Sequence[bytes]) -> dict[int, tuple[datetime, int | None]]:
    """Serial number to date and reason of all that these CRLs show."""
    found = {}
    for each in (each for der in ders for each in x509.load_der_x509_crl(der)):
        reason = None
        if len(each.extensions):
            reason = CODES[each.extensions.get_extension_for_class(x509.CRLReason).value.reason]
        found[each.serial_number] = each.revocation_date_utc, reason
    return found


def numbers(ders: Sequence[bytes]) -> list[int]:
    """The CRLs' numbers."""
    loaded = [x509.load_der_x509_crl(der) for der in ders]
    return [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in loaded]


def number_of(row: ToBeSigned) -> int:
    return int.from_bytes(row.serial, "big")


def crl_files(ders: Sequence[bytes]) -> list[File]:
    return [File(f"{shard}.crl", der, is_crl=True) for shard, der in enumerate(ders)]


@pytest.mark.std("C-136", "C-141", "C-142")
async def test_what_a_lost_crl_showed_the_next_one_shows(loss: Loss) -> None:
    issuer, kept, lost, restored = loss.issuer, loss.kept[0], loss.lost, loss.restored
    unknown = record(issuer)
    await lost.issued(unknown)
    await lost.revoke(kept, 4, NOW + timedelta(minutes=1))
    await lost.revoke(unknown, None, NOW + timedelta(minutes=2))
    gone = [await lost.crls(NOW + timedelta(minutes=3 + minute)) for minute in range(3)][-1]
    assert shown(await restored.crls(LATER)) == {}  # it fell off
    seen = await loss.seen(*crl_files(gone))
    assert sum(each.to_revoke for each in seen.crls) == 2
    assert sum(each.without_certificate for each in seen.crls) == 1
    assert await restored.counts() == {
        "serials": 2, "revocations": 0, "certificates": 2, "precertificates": 0, "issuances": 2, "proofs": 0
    }  # fmt: skip
    assert await loss.taken(*crl_files(gone)) == seen
    assert await restored.pool.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'crl'") == len(SHARDS)
    again = await restored.crls(LATER + timedelta(minutes=1))
    assert shown(again) == shown(gone) == {
        number_of(kept): (NOW + timedelta(minutes=1), 4), number_of(unknown): (NOW + timedelta(minutes=2), None)
    }  # fmt: skip
    assert min(numbers(again)) > max(numbers(gone))
    before = await restored.counts()
    done = await loss.taken(*crl_files(gone))
    assert (sum(each.alike for each in done.crls), sum(each.to_revoke for each in done.crls)) == (2, 0)
    assert await restored.counts() == before
    ended = unknown.not_after + timedelta(days=1)  # of the one nobody knows when: it stays
    await restored.pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", ended)
    assert number_of(unknown) in shown(await restored.crls(ended))


@pytest.mark.std("C-125", "C-147")
async def test_a_lost_certificate_is_answered_about_and_can_be_revoked(loss: Loss) -> None:
    lost, restored, rows = loss.lost, loss.restored, [with_ocsp(loss.issuer), record(loss.issuer, precertificate=True)]
    files = [File(f"{n}.cer", await lost.issued(row)) for n, row in enumerate(rows)]
    for row in rows:
        assert await restored.revoke(row, 4, LATER) is None
    assert await restored.answer(rows[0], LATER) is None
    seen = await loss.seen(*files)
    assert [(each.state, each.contract, each.contract_by, each.profile) for each in seen.certificates] == [
        ("new", loss.contract, "subject and names", "tlsserver-ocsp"),
        ("new", loss.contract, "subject and names", "tlsserver"),
    ]
    assert (await restored.counts())["certificates"] == 2
    await loss.taken(*files)
    for row, file in zip(rows, files, strict=True):
        async with restored.pool.acquire() as conn:
            found = await storage.certificate_by_serial(conn, row.serial)
        assert found is not None
        assert file.data in (found.der, found.precertificate)
        assert (found.names, found.spki_sha256, found.not_before, found.not_after, found.shard) == (
            row.names, row.spki_sha256, row.not_before, row.not_after, row.shard
        )  # fmt: skip
    answer = await restored.answer(rows[0], LATER)
    assert answer is not None
    assert answer.certificate_status is library.OCSPCertStatus.GOOD
    before = await restored.counts()
    assert {each.state for each in (await loss.taken(*files)).certificates} == {"known"}
    assert await restored.counts() == before
    for row in rows:
        assert await restored.revoke(row, 4, LATER) is not None
    answer = await restored.answer(rows[0], LATER + timedelta(minutes=1))
    assert answer is not None
    assert answer.certificate_status is library.OCSPCertStatus.REVOKED
    assert set(shown(await restored.crls(LATER))) == {number_of(row) for row in rows}
    async with restored.pool.acquire() as conn:
        issuance = await samples.issuance(conn, rows[0].serial)
    assert faults_of(issuance, loss.issuer) == [NO_DECISION]


@pytest.mark.std("C-141")
async def test_crl_first_certificate_after_make_one_record(loss: Loss) -> None:
    lost, restored, row = loss.lost, loss.restored, with_ocsp(loss.issuer)
    der = await lost.issued(row)
    await lost.revoke(row, 5, NOW)
    await loss.taken(*crl_files(await lost.crls(NOW)))
    bound = await restored.pool.fetchval("SELECT not_after FROM ca.revocations")
    assert bound > row.not_after
    found = await loss.taken(File("late.cer", der))
    assert [each.state for each in found.certificates] == ["new"]
    kept = await restored.pool.fetchrow(
        "SELECT r.not_after, r.reason, r.to_be_signed_id = t.id AS one FROM ca.revocations r"
        " JOIN ca.serials s USING (serial) JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id"
    )
    assert tuple(kept or ()) == (row.not_after, 5, True)
    answer = await restored.answer(row, LATER)
    assert answer is not None
    assert answer.certificate_status is library.OCSPCertStatus.REVOKED


@pytest.mark.std("C-125", "C-124", "C-079")
async def test_the_certificate_completes_its_precertificate_and_no_other_does(loss: Loss) -> None:
    row = record(loss.issuer, precertificate=True)
    before = await loss.lost.issued(row)
    key = loss.restored.signing.keys[1]

    def certificate(*scts: Sct, of: bytes = row.tbs) -> bytes:
        tbs = final_tbs(of, scts)
        return assemble(tbs, key.sign(tbs))

    await loss.taken(File("pre.cer", before))
    with pytest.raises(Unfit, match="another one with that serial number"):
        await loss.taken(File("other.cer", certificate(SCT, of=row.tbs.replace(b"www.demo.test", b"w3w.demo.test"))))
    assert [each.state for each in (await loss.taken(File("final.cer", certificate(SCT)))).certificates] == [
        "completes"
    ]
    async with loss.restored.pool.acquire() as conn:
        found = await storage.certificate_by_serial(conn, row.serial)
    assert found is not None
    assert (found.precertificate, found.der) == (before, certificate(SCT))
    for files in ([certificate(SCT, SCT)], [certificate(SCT), certificate(SCT, SCT)]):
        with pytest.raises(Unfit, match="another one with that serial number"):
            await loss.taken(*(File("other.cer", der) for der in files))


@pytest.mark.std("C-076", "C-163")
async def test_a_lost_compromise_blocks_its_key_again(loss: Loss) -> None:
    first, other = loss.kept
    lost_one = record(loss.issuer)
    der = await loss.lost.issued(lost_one)
    await loss.lost.revoke(first, 1, NOW)
    await loss.restored.revoke(first, None, LATER)  # by hand, meanwhile
    gone = await loss.lost.crls(NOW)
    seen = await loss.taken(*crl_files(gone))
    assert sum(each.to_upgrade for each in seen.crls) == 1
    assert await loss.restored.pool.fetchval("SELECT array_agg(spki_sha256) FROM ca.blocked_keys") == [
        first.spki_sha256
    ]
    await loss.taken(File("late.cer", der))  # a key that is blocked keeps nothing out that was signed
    found = shown(await loss.restored.crls(LATER))
    assert {number: reason for number, (_, reason) in found.items()} == dict.fromkeys(
        map(number_of, (first, other, lost_one)), 1
    )
    assert found[number_of(first)] == (NOW, 1)


async def test_whose_it_is_is_never_guessed(loss: Loss) -> None:
    file = File("lost.cer", await loss.lost.issued(record(loss.issuer)))
    await loss.restored.pool.execute("DELETE FROM gate.contract_names")
    with pytest.raises(Unfit, match=r"its names: none\. Say whose it is"):
        await loss.taken(file)
    assert (await loss.seen(file, whose=Whose(nobodys=True))).certificates[0].contract is None
    await loss.taken(file, whose=Whose(contract=loss.contract))
    owner = "SELECT k.handle FROM acme.issuances i JOIN gate.contracts k ON k.id = i.contract_id WHERE order_id IS NULL"
    assert await loss.restored.pool.fetchval(owner) == loss.contract


async def test_nothing_that_another_signed_is_taken_in(loss: Loss) -> None:
    row = record(loss.issuer)
    good = await loss.lost.issued(row)
    forged, crl = record(ISSUER), (await loss.lost.crls(NOW))[0]
    broken = good[:-4] + bytes(each ^ 1 for each in good[-4:])
    cases: list[tuple[str, bytes, bool]] = [
        ("no issuing CA that is known here", assemble(forged.tbs, KEY.sign(forged.tbs)), False),
        ("no issuing CA that is known here", broken, False),
        ("no issuing CA that is known here", ROOT.issuer.certificate, False),
        ("no certificate but those of CAs", loss.issuer.certificate, False),
        ("what is no certificate", b"hello", False),
        ("what is no certificate", crl, False),
        ("no issuing CA that is known here", crl[:-4] + bytes(each ^ 1 for each in crl[-4:]), True),
        ("none of its shards'", await loss.lost.pool.fetchval("SELECT der FROM ca.crls WHERE issuer_id = 0"), True),
        ("what is no CRL", good, True),
    ]
    before = await loss.restored.counts()
    for why, data, is_crl in cases[:7] + cases[8:]:
        with pytest.raises(Unfit, match=f"bad.* holds .*{why}"):
            await loss.taken(File("good.cer", good), File("bad", data, is_crl))
    with pytest.raises(Unfit, match="no issuing CA"):  # a root is none
        await loss.taken(File("root.crl", cases[7][1], is_crl=True))
    reads, alone = await read(loss.operator, [File("good.cer", good)]), loss.people[0]
    with pytest.raises(Unfit, match="named twice"):
        await take_in(loss.operator, reads, ITS_OWN, alone, alone, LATER)
    assert await loss.restored.counts() == before
    assert [each.serial for each in (await loss.taken(File("good.cer", good))).certificates] == [row.serial]


async def test_a_file_is_whole_or_not_at_all_and_the_rest_follows(loss: Loss) -> None:
    ders = [await loss.lost.issued(record(loss.issuer)) for _ in range(3)]
    both = "".join(x509.load_der_x509_certificate(der).public_bytes(PEM).decode() for der in ders[1:])
    files = [File("one.cer", ders[0]), File("two.pem", both.encode())]
    last = octets(x509.load_der_x509_certificate(ders[2]).serial_number).hex()
    await loss.restored.pool.execute(
        f"""CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'killed'; END $$;
        CREATE TRIGGER stop BEFORE INSERT ON ca.certificates FOR EACH ROW
            WHEN (NEW.serial = '\\x{last}'::bytea) EXECUTE FUNCTION stop()"""
    )
    with pytest.raises(asyncpg.RaiseError):
        await loss.taken(*files)
    assert (await loss.restored.counts())["certificates"] == 3
    await loss.restored.pool.execute("DROP TRIGGER stop ON ca.certificates")
    again = await loss.taken(*files)
    assert [each.state for each in again.certificates] == ["known", "new", "new"]
    assert (await loss.restored.counts())["certificates"] == 5


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("(SELECT id FROM gate.decisions LIMIT 1), import_id, 'signed'", id="admitted, too"),
        pytest.param("NULL, NULL, 'signed'", id="neither admitted nor imported"),
        pytest.param("NULL, import_id, 'admitted'", id="to be signed"),
    ],
)
async def test_what_came_back_is_never_to_be_signed(loss: Loss, change: str) -> None:
    await loss.taken(File("lost.cer", await loss.lost.issued(record(loss.issuer))))
    columns = (
        "issuer_id, serial, profile, tbs, names, spki_sha256, not_before, not_after, shard, deadline_at, created_at"
    )
    again = f"""INSERT INTO ca.to_be_signed (id, {columns}, admission_id, import_id, state)
        SELECT keiyaku.uuid7(created_at), {columns}, {{}} FROM ca.to_be_signed WHERE import_id IS NOT NULL"""
    with pytest.raises(asyncpg.CheckViolationError, match=r"(admitted_or_imported|imported_as_signed)"):
        await loss.restored.pool.execute(again.format(change))
    assert await loss.restored.pool.execute(again.format("NULL, import_id, 'signed'")) == "INSERT 0 1"


@pytest.mark.std("C-136")
async def test_a_copy_that_nobody_accepted_gives_no_crl_number_again(loss: Loss) -> None:
    gone = [await loss.lost.crls(NOW + timedelta(minutes=n)) for n in range(3)][-1]
    await loss.restored.pool.execute("UPDATE keiyaku.cluster SET identity = 'another'")
    first, second = numbers(await loss.restored.crls(LATER)), numbers(await loss.restored.crls(LATER))
    assert min(first) > max(*numbers(gone), int(LATER.timestamp()))
    assert second == [each + 1 for each in first]


async def test_the_command_shows_first_and_takes_in_when_two_say_so(loss: Loss, tmp_path: Path) -> None:
    der, (crl, *_) = await loss.lost.issued(record(loss.issuer)), await loss.lost.crls(NOW)
    chain = write_pem(tmp_path / "chain.pem", der, loss.issuer.certificate)
    (tmp_path / "0.crl").write_bytes(crl)
    root = Group("keiyaku", commands=GROUPS)

    async def run(*more: str) -> Result:
        line = ["certificate", "import", str(chain), "--crl", str(tmp_path / "0.crl"), *more]
        return await asyncio.to_thread(CliRunner().invoke, root, line, obj=loss.settings)

    async def imported() -> Any:
        return await loss.restored.pool.fetchval("SELECT count(*) FROM office.certificate_imports")

    looked = await run()
    assert (looked.exit_code, "nothing is taken in" in looked.output, await imported()) == (0, True, 0)
    assert "needs --by and --and" in (await run("--execute", "--by", loss.people[0])).output
    assert "exclude each other" in (await run("--contract", loss.contract, "--no-contract")).output
    done = await run("--execute", "--by", loss.people[0], "--and", loss.people[1], "--json")
    assert (done.exit_code, await imported()) == (0, 2), done.output
    assert (await loss.restored.counts())["certificates"] == 3
