"""What was being signed at the backup is never signed again after its restore."""

from pathlib import Path

import asyncpg
import pytest

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.use_cases.restore import accept_restored
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import run_jobs
from tests.acme_server.edge.test_finalize import status_of, without_signer


@pytest.mark.std("C-079", "C-124", "C-142")
@pytest.mark.parametrize("restored", [False, True])
async def test_an_order_that_was_being_signed_ends_and_its_serial_is_revoked(
    served: Served, postgres: EmbeddedPostgres, database: str, tmp_path: Path, restored: bool
) -> None:
    client = await served.registered()
    url, _ = await without_signer(served, client)
    operator = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    if restored:
        await served.owner.execute("UPDATE keiyaku.cluster SET identity = 'another'")
        await run_jobs(served, "issue")
        assert (await status_of(client, url))["status"] == "processing"
        assert (await accept_restored(operator, tmp_path / "none", utc_now())).revoked == 1
        assert (await accept_restored(operator, tmp_path / "none", utc_now())).revoked == 0
        await served.owner.execute("UPDATE evidence.seal_state SET sealed_through_at = 'infinity'")
    await operator.close()
    await run_jobs(served, "issue")
    found = await served.owner.fetchrow(
        "SELECT t.state, r.serial IS NOT NULL AS revoked, (SELECT count(*) FROM ca.certificates) AS certificates"
        " FROM ca.to_be_signed t LEFT JOIN ca.revocations r USING (serial)"
    )
    assert found is not None
    assert tuple(found) == (("void", True, 0) if restored else ("signed", False, 1))
    assert (await status_of(client, url))["status"] == ("invalid" if restored else "valid")
