"""Who has the password of keiyaku_office destroys what is past its retention, and nothing else (T16-2; design §9)."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from contract_gate.articles.article_16_secrecy import RETENTION, kept_since
from office.storage.retention import PEOPLE
from office.use_cases import documents, ending
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import YESTERDAY

LATER = NOW + timedelta(days=732)
MACHINES = "UPDATE keiyaku.clock SET ahead = '0'"
NO_CONTRACT = """
INSERT INTO office.application_ends (contract_id, ended_at, destroy_at) SELECT id, $1, $1 FROM gate.contracts
"""


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize(
    "now", [NOW, datetime(2028, 2, 29, 3, tzinfo=UTC), datetime(2028, 2, 28, 15, tzinfo=UTC)], ids=str
)
async def test_the_database_keeps_each_field_as_long_as_the_terms_say(pool: Pool, now: datetime) -> None:
    by_database = {
        field: await pool.fetchval("SELECT office.kept_since($1, $2)", field, now) for field in RETENTION
    }  # fmt: skip
    assert by_database == {field: kept_since(field, now) for field in RETENTION}


@pytest.mark.rule("T16-2")
async def test_every_field_has_what_destroys_it(office: Pool) -> None:
    for field in RETENTION.keys() - PEOPLE:
        assert await office.fetch("SELECT * FROM office.destroy_past($1, $2, 1)", field, NOW) == []
    for field in PEOPLE:
        nobody = await office.fetchrow("SELECT * FROM office.pseudonymise($1, $2, gen_random_uuid(), 1)", field, NOW)
        assert tuple(nobody or ()) == (0, None, [])
    for unknown in ("persons.handle", None):
        with pytest.raises(asyncpg.NullValueNotAllowedError):
            await office.fetch("SELECT * FROM office.destroy_past($1, $2, 1)", unknown, NOW)


@pytest.mark.rule("T16-2")
async def test_nothing_goes_by_an_instant_that_has_not_come(accepted: Conn, office: Pool, pool: Pool) -> None:
    await documents.keep(accepted, "acme", "registry", YESTERDAY, b"secret", "ann", bytes(32), NOW)
    await ending.cancel(accepted, "acme", "ann", NOW)
    await pool.execute(MACHINES)
    for statement in ("office.destroy_past('documents.content', $1, 9)",
                      "office.pseudonymise('persons.name', $1, gen_random_uuid(), 9)"):  # fmt: skip
        with pytest.raises(asyncpg.CheckViolationError, match="nothing of"):
            await office.fetch(f"SELECT * FROM {statement}", datetime.now(UTC) + timedelta(days=1))
        await office.fetch(f"SELECT * FROM {statement}", datetime.now(UTC))
    await pool.execute("UPDATE keiyaku.clock SET ahead = '3 years'")
    assert len(await office.fetch("SELECT * FROM office.destroy_past('documents.content', $1, 9)", LATER)) == 1


@pytest.mark.rule("T4-7", "T16-2")
async def test_documents_of_a_contract_have_no_day_of_their_own(accepted: Conn, office: Pool, pool: Pool) -> None:
    await documents.keep(accepted, "acme", "registry", YESTERDAY, b"secret", "ann", bytes(32), NOW)
    await office.execute(NO_CONTRACT, NOW)
    past = "SELECT * FROM office.destroy_past('documents.content', $1, 9)"
    assert await office.fetch(past, NOW) == []
    async with pool.acquire() as conn:
        rejected = conn.transaction()
        await rejected.start()
        await conn.execute("ALTER TABLE gate.contracts DISABLE TRIGGER contract_moves")
        await conn.execute("ALTER TABLE gate.contracts DISABLE TRIGGER rejected_by_two")
        await conn.execute(
            "UPDATE gate.contracts SET state = 'rejected', accepted_at = NULL, accepted_by_first = NULL, "
            "accepted_by_second = NULL"
        )
        assert len(await conn.fetch(past, NOW)) == 1
        await rejected.rollback()
    await office.execute("UPDATE office.documents SET destroy_at = $1", NOW)
    assert await office.fetch("SELECT * FROM office.destroy_documents($1, NULL, 9)", NOW) == []
    with pytest.raises(asyncpg.RestrictViolationError, match="destroy_at of"):
        await office.execute("UPDATE office.documents SET destroy_at = $1", NOW - timedelta(days=1))
