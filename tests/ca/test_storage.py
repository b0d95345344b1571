from datetime import timedelta

import asyncpg
import pytest
from cryptography import x509

from acme_server.dev.postgres import EmbeddedPostgres
from ca import storage
from ca.certificate import Issuer
from ca.der import split
from ca.storage import NoIssuer, Shard
from sql import Pool
from tests.ca.arrange import NOW, admit, record

REVOKED = {"reason": 4, "ground": "A11.1.1", "requested_by": "account:x", "requested_at": NOW, "now": NOW}


async def test_active_issuer(pool: Pool, issuer: Issuer) -> None:
    async with pool.acquire() as conn:
        assert (await storage.active_issuer(conn, NOW)).issuer == issuer
        assert await storage.issuer(conn, 1) == issuer
        assert await storage.issuer(conn, 9) is None
        assert len(await storage.issuer_chain(conn, 1)) == 2
        assert await storage.issuer_chain(conn, 9) == []


async def test_active_issuer_of_an_empty_database(pool: Pool) -> None:
    async with pool.acquire() as conn:
        with pytest.raises(NoIssuer, match="hold `keiyaku ca ceremony`"):
            await storage.active_issuer(conn, NOW)


@pytest.mark.std("C-140", "C-142")
async def test_revoke_once_for_ever(pool: Pool, postgres: EmbeddedPostgres, database: str, issuer: Issuer) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, row)
    acme = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=database))
    assert await storage.revoke(acme, row.serial, **REVOKED) == Shard(1, row.shard)
    assert await storage.revoke(acme, row.serial, **REVOKED | {"reason": 1}) is None
    assert await storage.revoke(acme, b"\1" * 16, **REVOKED) is None
    assert await acme.fetchval("SELECT reason FROM ca.revocations") == 4
    for forbidden in ("DELETE FROM ca.revocations", "UPDATE ca.revocations SET revoked_at = now()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await acme.execute(forbidden)
    await acme.close()
    kinds = await pool.fetch("SELECT kind FROM evidence.records WHERE kind LIKE 'certificate.%'")
    assert [row["kind"] for row in kinds] == ["certificate.revoked"]


@pytest.mark.std("C-140")
@pytest.mark.parametrize("reason", [0, 2, 6, 8, 10])
async def test_revoke_with_another_reason_is_impossible(pool: Pool, issuer: Issuer, reason: int) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, row)
        with pytest.raises(asyncpg.CheckViolationError):
            await storage.revoke(conn, row.serial, **REVOKED | {"reason": reason})


@pytest.mark.std("C-143")
async def test_upgrade_to_key_compromise_once(
    pool: Pool, postgres: EmbeddedPostgres, database: str, issuer: Issuer
) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, row)
    acme = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=database))
    upgrade = storage.upgrade_reason_to_key_compromise
    assert await upgrade(acme, row.serial, requested_by="account:x", now=NOW) is None
    await storage.revoke(acme, row.serial, **REVOKED | {"reason": None})
    await pool.execute("UPDATE ca.revocations SET published_at = $1", NOW)
    assert await upgrade(acme, row.serial, requested_by="account:x", now=NOW) == Shard(1, row.shard)
    assert await upgrade(acme, row.serial, requested_by="account:x", now=NOW) is None
    assert tuple(await acme.fetchrow("SELECT reason, published_at FROM ca.revocations")) == (1, None)
    await acme.close()


@pytest.mark.std("C-076")
async def test_block_key(pool: Pool, postgres: EmbeddedPostgres, database: str) -> None:
    acme = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=database))
    key = b"k" * 32
    assert await storage.block_key(acme, key, "reported", NOW, actor="account:x")
    assert not await storage.block_key(acme, key, "again", NOW, actor="account:x")
    assert await acme.fetchval("SELECT array_agg(spki_sha256) FROM ca.blocked_keys") == [key]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await acme.execute("DELETE FROM ca.blocked_keys")
    await acme.close()
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'key.blocked'") == 1


@pytest.mark.std("C-163")
async def test_certificates_by_serial_and_key(pool: Pool, issuer: Issuer) -> None:
    rows = [record(issuer), record(issuer)]
    async with pool.acquire() as conn:
        for row in rows:
            await admit(conn, row)
            await conn.execute(
                """INSERT INTO ca.certificates SELECT id, issuer_id, serial, 'der', names, spki_sha256, not_before,
                       not_after, shard, created_at FROM ca.to_be_signed WHERE id = $1""",
                row.id,
            )
        await storage.revoke(conn, rows[0].serial, **REVOKED)
        found = await storage.live_with_key(conn, rows[0].spki_sha256, NOW)
        assert [(one.id, one.serial) for one in found] == sorted((row.id, row.serial) for row in rows)
        last = max(row.not_after for row in rows)
        assert len(await storage.live_with_key(conn, rows[0].spki_sha256, last - timedelta(seconds=1))) == 2
        assert await storage.live_with_key(conn, rows[0].spki_sha256, last) == []  # expired, all of them
        by_serial = [await storage.certificate_by_serial(conn, row.serial) for row in rows]
        assert [(one.serial, one.reason) for one in by_serial if one] == [(rows[0].serial, 4), (rows[1].serial, None)]
        assert await storage.certificate_by_serial(conn, b"\1" * 16) is None
        assert await storage.live_with_key(conn, b"n" * 32, NOW) == []
        assert [len(chain) for chain in await storage.chains_above(conn, issuer.id, NOW)] == [1, 1, 1]


async def test_a_cross_certificate_that_has_ended_makes_no_chain(pool: Pool, issuer: Issuer) -> None:
    async with pool.acquire() as conn:
        cross = split((await storage.cross_chains(conn, issuer.id))[0])[0]
        ends = x509.load_der_x509_certificate(cross).not_valid_after_utc
        for at, chains in ((ends, [1, 1, 1]), (ends + timedelta(seconds=1), [1])):
            assert [len(chain) for chain in await storage.chains_above(conn, issuer.id, at)] == chains


@pytest.mark.std("C-079")
async def test_a_serial_is_never_used_twice(pool: Pool, issuer: Issuer) -> None:
    first = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, first)
        with pytest.raises(asyncpg.UniqueViolationError):
            await admit(conn, record(issuer, serial=first.serial))


@pytest.mark.parametrize("ended", ["signed", "void"])
async def test_a_record_ends_once(pool: Pool, issuer: Issuer, ended: str) -> None:
    row, change = record(issuer), "UPDATE ca.to_be_signed SET state = $2 WHERE id = $1"
    async with pool.acquire() as conn:
        await admit(conn, row)
        with pytest.raises(asyncpg.CheckViolationError, match="from admitted to admitted"):
            await conn.execute(change, row.id, "admitted")
        await conn.execute(change, row.id, ended)
        for later in ("admitted", "signed", "void"):
            with pytest.raises(asyncpg.CheckViolationError, match=f"from {ended} to {later}"):
                await conn.execute(change, row.id, later)


async def test_void_revokes_what_may_have_been_signed(
    pool: Pool, postgres: EmbeddedPostgres, database: str, issuer: Issuer
) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, row)
    worker = await asyncpg.connect(postgres.dsn(user="keiyaku_work", database=database))
    assert await storage.void(worker, row.id, ground="deadline", actor="process:w", now=NOW) == Shard(1, row.shard)
    assert await storage.void(worker, row.id, ground="deadline", actor="process:w", now=NOW) is None
    assert await worker.fetchval("SELECT serial FROM ca.revocations") == row.serial
    await worker.close()
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'certificate.voided'") == 1


@pytest.mark.std("C-134")
async def test_crls_due(pool: Pool, issuer: Issuer) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        assert await storage.crls_due(conn, NOW - timedelta(days=3), NOW) == []
        assert await storage.crls_due(conn, NOW, NOW) == [Shard(1, shard) for shard in range(4)]
        await admit(conn, row)
        await storage.revoke(conn, row.serial, **REVOKED)
        assert await storage.crls_due(conn, NOW - timedelta(days=3), NOW) == [Shard(1, row.shard)]
