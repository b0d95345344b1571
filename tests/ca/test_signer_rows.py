"""Rows that no process of ours would write: they end neither the signer nor what others asked of it."""

import asyncio
from pathlib import Path

import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import storage
from ca.certificate import Issuer
from ca.signer_client import CrlMade, Signed, SignerAway
from sql import Pool
from tests.ca.arrange import NOW
from tests.ca.test_signer import SECONDS, SIGNED, UNSIGNED, Bench

YEAR_20000 = "'20000-01-01'"


@pytest.fixture
async def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


@pytest.mark.std("C-064")
async def test_a_record_with_a_date_that_no_program_holds_spoils_nobodys_batch(bench: Bench) -> None:
    strange, good = await bench.admitted(), [await bench.admitted() for _ in range(3)]
    await bench.pool.execute(f"UPDATE ca.to_be_signed SET deadline_at = {YEAR_20000} WHERE id = $1", strange.id)
    async with bench.signer() as client:
        answers = await asyncio.gather(*(client.sign(each.id, SECONDS) for each in (*good, strange, *good)))
        assert answers[:3] == answers[4:] == [Signed()] * 3
        assert isinstance(answers[3], SignerAway)
        assert await client.sign((await bench.admitted()).id, SECONDS) == Signed()
    assert [await bench.state(each) for each in good] == [SIGNED] * 3
    assert await bench.state(strange) == UNSIGNED


@pytest.mark.std("C-133")
async def test_a_revocation_with_such_a_date_holds_up_its_own_shard_alone(bench: Bench) -> None:
    row = await bench.admitted()
    async with bench.pool.acquire() as conn:
        await storage.revoke(
            conn, row.serial, reason=4, ground="test", requested_by="test", requested_at=NOW, now=NOW, contract_id=None
        )
    await bench.pool.execute(f"UPDATE ca.revocations SET revoked_at = {YEAR_20000} WHERE serial = $1", row.serial)
    other = (row.shard + 1) % bench.issuer.shard_count
    async with bench.signer() as client:
        assert isinstance(await client.crl(1, row.shard, SECONDS), SignerAway)
        assert await client.crl(1, other, SECONDS) == CrlMade(2)
        await bench.pool.execute("UPDATE ca.revocations SET revoked_at = $1", NOW)
        assert await client.crl(1, row.shard, SECONDS) == CrlMade(2)
