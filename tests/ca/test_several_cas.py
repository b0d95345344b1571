"""Two issuing CAs in one database: neither's CRLs, numbers, answers or keys are the other's."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as library

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, keys, status_storage, storage
from ca.certificate import Issuer, assemble
from ca.issuance import ToBeSigned
from ca.keys import SigningKey
from ca.signer_client import CrlMade, SignerAway, SignerClient
from ca.storage import Shard
from sql import Pool
from sql.ids import uuid7
from tests.ca import test_signer, test_signer_ocsp
from tests.ca.arrange import NAMES, NOW, PASSPHRASE, admit, record
from tests.ca.test_signer_ocsp import SECONDS, with_ocsp
from tests.ca.test_storage import REVOKED

FIRST, SECOND, SHARDS = 1, 9, 4
DAY = timedelta(days=1)


@dataclass
class House:
    """Both, with a signer and an OCSP signer that have the keys of both."""

    pool: Pool
    issuers: dict[int, Issuer]
    keys: dict[int, SigningKey]
    signing: test_signer.Bench
    answering: test_signer_ocsp.Bench

    async def revoked(self, number: int) -> ToBeSigned:
        """A certificate of the CA that was signed and is revoked."""
        row = with_ocsp(self.issuers[number])
        async with self.pool.acquire() as conn:
            await admit(conn, row)
            await conn.execute("UPDATE ca.to_be_signed SET state = 'signed' WHERE id = $1", row.id)
            await storage.revoke(conn, row.serial, **REVOKED)
        return row

    async def crl(self, number: int, shard: int) -> x509.CertificateRevocationList:
        """The newest of the shard."""
        async with self.pool.acquire() as conn:
            found = await storage.newest_crl(conn, number, shard)
        assert found is not None
        return x509.load_der_x509_crl(found.der)

    async def make(self, client: SignerClient, number: int) -> list[int]:
        """A new CRL of each shard; their numbers."""
        made = await asyncio.gather(*(client.crl(number, shard, SECONDS) for shard in range(SHARDS)))
        assert all(isinstance(each, CrlMade) for each in made), made
        return [each.number for each in made if isinstance(each, CrlMade)]

    async def due(self, older_than: timedelta, *, after: timedelta = timedelta(0)) -> Sequence[Shard]:
        async with self.pool.acquire() as conn:
            return await storage.crls_due(conn, NOW - older_than, NOW + after)


@pytest.fixture
async def house(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> House:
    root = keys.load(hierarchy.key_file(folder / "keys", 0), PASSPHRASE)
    key, name = keys.generate(), "Keiyaku Demo OV CA 2"
    async with pool.acquire() as conn:
        above = (await storage.roots(conn))[0]
        tbs = hierarchy.subordinate_tbs(hierarchy.distinguished_name(NAMES, name), key.spki, above, NOW)
        certificate = x509.load_der_x509_certificate(assemble(tbs, root.sign(tbs)))
        second = hierarchy.issuer_from(SECOND, NAMES, name, certificate, SHARDS)
        await storage.insert_issuer(conn, second, above.id, NOW)
    house = House(
        pool, {FIRST: issuer, SECOND: second}, {},
        test_signer.Bench(pool, postgres, database, folder, issuer),
        test_signer_ocsp.Bench(pool, postgres, database, folder, issuer),
    )  # fmt: skip
    house.keys = {FIRST: house.answering.keys[FIRST], SECOND: key}
    house.signing.keys = house.keys
    house.answering.keys = house.keys  # type: ignore[assignment]
    return house


@pytest.mark.std("C-136", "C-137", "C-141")
async def test_a_crl_has_what_its_own_ca_revoked_and_a_number_of_its_own(house: House) -> None:
    rows = {number: [await house.revoked(number) for _ in range(3)] for number in (FIRST, SECOND)}
    async with house.signing.signer() as client:
        assert await house.make(client, FIRST) == [2] * SHARDS  # the first ones are from when the CA was made
        assert await house.make(client, FIRST) == [3] * SHARDS
        assert await house.make(client, SECOND) == [1] * SHARDS
        assert await house.make(client, SECOND) == [2] * SHARDS
    for number, revoked in rows.items():
        crls = [await house.crl(number, shard) for shard in range(SHARDS)]
        shown = sorted(each.serial_number for crl in crls for each in crl)
        assert shown == sorted(int.from_bytes(row.serial, "big") for row in revoked)
        public = x509.load_der_x509_certificate(house.issuers[number].certificate).public_key()
        assert all(crl.is_signature_valid(public) for crl in crls)  # type: ignore[arg-type]


@pytest.mark.std("C-134", "C-145")
async def test_a_shard_is_due_for_its_own_ca_as_long_as_that_serves(house: House) -> None:
    own = [Shard(SECOND, shard) for shard in range(SHARDS)]
    assert await house.due(3 * DAY) == own  # which has none yet, while the first one's are new
    async with house.signing.signer() as client:
        await house.make(client, SECOND)
        assert await house.due(3 * DAY) == []
        row = await house.revoked(FIRST)
        assert await house.due(3 * DAY) == [Shard(FIRST, row.shard)]
        await house.make(client, FIRST)
        row = await house.revoked(SECOND)
        assert await house.due(3 * DAY) == [Shard(SECOND, row.shard)]
    both = [*(Shard(FIRST, shard) for shard in range(SHARDS)), *own]
    assert await house.due(timedelta(0)) == both
    assert await house.due(timedelta(0), after=200 * DAY) == both
    assert await house.due(timedelta(0), after=300 * DAY) == own  # the last certificate of the first has ended


@pytest.mark.std("C-147", "C-149")
async def test_nothing_is_answered_about_a_serial_number_of_the_other(house: House) -> None:
    row = await house.revoked(FIRST)
    async with house.pool.acquire() as conn:
        assert await status_storage.ocsp_due(conn, NOW) == [FIRST]
    async with house.answering.signer() as client:
        assert await client.due(SECOND, SECONDS) == 0
        assert await client.due(FIRST, SECONDS) == 1
        assert await client.nonced(SECOND, row.serial, "sha256", b"n" * 16, SECONDS) is None
        made = await client.nonced(FIRST, row.serial, "sha256", b"n" * 16, SECONDS)
    assert isinstance(made, bytes)
    assert library.load_der_ocsp_response(made).certificate_status is library.OCSPCertStatus.REVOKED
    async with house.pool.acquire() as conn:
        assert await status_storage.ocsp_answer(conn, SECOND, row.serial) is None
        found = await status_storage.ocsp_answer(conn, FIRST, row.serial)
    assert found is not None
    assert found.by_sha256 is not None


async def refused(house: House, number: int, held: dict[int, SigningKey]) -> bool:
    """Whether no signer with these keys makes CRLs or answers of the CA, nor certifies a responder."""
    house.signing.keys = house.answering.keys = held  # type: ignore[assignment]
    away = SignerAway(f"no key of issuer {number} here")
    async with house.signing.signer() as client, house.answering.signer() as other:
        said = [await client.crl(number, 0, SECONDS), await other.due(number, SECONDS)]
    return said == [away, away] and await house.pool.fetchval("SELECT count(*) FROM ca.responders") == 0


@pytest.mark.std("C-117", "C-118", "C-150")
async def test_a_key_signs_for_its_own_ca_alone(house: House, folder: Path) -> None:
    first, second = house.keys[FIRST], house.keys[SECOND]
    assert await refused(house, FIRST, {FIRST: second, SECOND: first})
    assert await refused(house, SECOND, {FIRST: second, SECOND: first})
    assert await refused(house, 0, {0: keys.load(hierarchy.key_file(folder / "keys", 0), PASSPHRASE)})
    house.answering.keys = {FIRST: first, SECOND: second}  # type: ignore[dict-item]
    async with house.answering.signer() as client:
        assert (await client.due(FIRST, SECONDS), await client.due(SECOND, SECONDS)) == (0, 0)
    made = await house.pool.fetch("SELECT issuer_id, certificate FROM ca.responders ORDER BY 1")
    assert [row["issuer_id"] for row in made] == [FIRST, SECOND]
    for row in made:
        above = x509.load_der_x509_certificate(house.issuers[row["issuer_id"]].certificate)
        x509.load_der_x509_certificate(row["certificate"]).verify_directly_issued_by(above)


@pytest.mark.std("C-160")
async def test_the_one_before_issues_when_the_newest_is_revoked(house: House) -> None:
    row = record(house.issuers[FIRST])
    async with house.pool.acquire() as conn:
        await admit(conn, row)
        assert (await storage.active_issuer(conn, NOW)).issuer.id == SECOND
        first, second = [each["id"] for each in await conn.fetch("SELECT id FROM gate.persons ORDER BY id LIMIT 2")]
        await conn.execute(
            """INSERT INTO ca.authority_revocations (serial, root_id, issuer_id, ground, reason, note, first_person,
                   second_person, requested_at, decided_at, deadline_at, not_after)
               VALUES ($1, 0, $2, 'noncompliance', 4, 'audit', $3, $4, $5, $5, $5, $6)""",
            uuid7(NOW).bytes, SECOND, first, second, NOW, NOW + 999 * DAY,
        )  # fmt: skip
        assert (await storage.active_issuer(conn, NOW)).issuer.id == FIRST
        found = {each.issuer.id: each.revoked_at for each in await storage.issuing(conn)}
    assert found == {FIRST: None, SECOND: NOW}
