"""What may have been signed for a key that turns out to be compromised is revoked with that reason. C-163."""

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import storage
from ca.certificate import Issuer
from sql import Pool
from tests.ca.arrange import NOW, admit, record


@pytest.mark.std("C-163", "C-157")
@pytest.mark.parametrize(("blocked", "reason"), [(True, 1), (False, None)])
async def test_a_record_that_is_given_up_says_why_its_key_is_not_to_be_used(
    pool: Pool, postgres: EmbeddedPostgres, database: str, issuer: Issuer, blocked: bool, reason: int | None
) -> None:
    row = record(issuer)
    async with pool.acquire() as conn:
        await admit(conn, row)
        if blocked:
            await storage.block_key(conn, row.spki_sha256, "proven", NOW, actor="process:office")
    worker = await asyncpg.connect(postgres.dsn(user="keiyaku_work", database=database))
    await storage.void(worker, row.id, ground="deadline", actor="process:w", now=NOW)
    await worker.close()
    found = await pool.fetchrow("SELECT serial, reason FROM ca.revocations")
    assert tuple(found or ()) == (row.serial, reason)
