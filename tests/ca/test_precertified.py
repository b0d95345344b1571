"""What was precertified counts as issued: found by its key, and never followed by a certificate once it is revoked."""

from datetime import datetime
from typing import Any

import asyncpg
import pytest

from ca import signer_store, storage
from ca.issuance import ToBeSigned
from ca.signer_client import Precertified, Signed, SignRefused
from ca.signing import Certified, Record
from sql import statements
from tests.ca.arrange import NOW, record
from tests.ca.test_signer import SECONDS, UNSIGNED
from tests.ca.test_signer_ct import CtBench
from tests.ca.test_signer_ct import bench as bench

REVOKED: dict[str, Any] = {"ground": "test", "requested_by": "person:a", "requested_at": NOW, "now": NOW}
REFUSED = SignRefused("C-142: its serial number is revoked")
LOAD = statements("ca/signer")["load_records"]


async def revoke(bench: CtBench, row: ToBeSigned) -> None:
    async with bench.pool.acquire() as conn:
        assert await storage.revoke(conn, row.serial, reason=4, **REVOKED)


async def found(bench: CtBench, row: ToBeSigned, at: datetime = NOW) -> set[bytes]:
    """Serial numbers of what lives with the record's key, as the ACME process sees them; each once."""
    conn = await asyncpg.connect(bench.server.dsn(user="keiyaku_acme", database=bench.database))
    serials = [one.serial for one in await storage.live_with_key(conn, row.spki_sha256, at)]
    await conn.close()
    assert len(set(serials)) == len(serials)
    return set(serials)


@pytest.mark.std("C-125", "C-163")
async def test_a_precertificate_is_found_by_its_key_whatever_became_of_it(bench: CtBench) -> None:
    async with bench.signer() as client:
        waiting, ended, whole = [await bench.precertified(client) for _ in range(3)]
        await bench.record_final(whole)
        assert await client.sign(whole.id, SECONDS) == Signed()
        only_recorded = record(bench.issuer, precertificate=True)
        await bench.admit(only_recorded)
    async with bench.pool.acquire() as conn:
        assert await storage.void(conn, ended.id, ground="deadline", actor="process:test", now=NOW)
    assert await found(bench, whole) == {waiting.serial, ended.serial, whole.serial}
    assert await found(bench, whole, whole.not_after) == set()


@pytest.mark.std("C-142")
@pytest.mark.parametrize("precertificate", [False, True])
async def test_a_record_that_was_revoked_first_is_never_signed(bench: CtBench, precertificate: bool) -> None:
    row, good = [record(bench.issuer, precertificate=precertificate) for _ in range(2)]
    for each in (row, good):
        await bench.admit(each)
    await revoke(bench, row)
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == REFUSED
        assert await client.sign(good.id, SECONDS) == (Precertified() if precertificate else Signed())
    assert (await bench.state(row), await bench.precertificates(row)) == (UNSIGNED, (0, 0))


@pytest.mark.std("C-125", "C-142")
async def test_a_precertificate_that_was_revoked_leads_to_no_certificate(bench: CtBench) -> None:
    async with bench.signer() as client:
        row, good = [await bench.precertified(client) for _ in range(2)]
        for each in (row, good):
            await bench.record_final(each)
        await revoke(bench, row)
        assert await client.sign(row.id, SECONDS) == REFUSED
        assert await client.sign(good.id, SECONDS) == Signed()
    assert await bench.state(row) == UNSIGNED


@pytest.mark.std("C-142")
@pytest.mark.parametrize("precertificate", [False, True])
async def test_what_was_revoked_while_its_key_signed_is_not_stored(bench: CtBench, precertificate: bool) -> None:
    row, good = [record(bench.issuer, precertificate=precertificate) for _ in range(2)]
    for each in (row, good):
        await bench.admit(each)
    conn = await asyncpg.connect(bench.dsn)
    records = [Record(**each) for each in await conn.fetch(LOAD, [row.id, good.id], NOW)]
    await revoke(bench, row)
    answers = await signer_store.store_all(conn, [Certified(each, b"der", precertificate) for each in records], NOW)
    await conn.close()
    assert answers[good.id] == (Precertified() if precertificate else Signed())
    refused = answers[row.id]
    assert isinstance(refused, SignRefused)
    assert refused.reason.startswith("C-142")
    assert (await bench.state(row), await bench.precertificates(row)) == (UNSIGNED, (0, 0))
