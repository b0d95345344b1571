"""Functions that run with the owner's rights do what their text says, whoever calls them (design §9)."""

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import Pool

PATHS = """
SELECT p.oid::regprocedure::text AS name, p.prosecdef, p.proconfig FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('keiyaku', 'evidence', 'gate', 'ca', 'acme', 'office') AND (p.prosecdef OR p.proconfig IS NOT NULL)
"""
HIJACK = """
CREATE FUNCTION pg_temp.seen(value pg_catalog.uuid) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'as %', current_user; RETURN true; END $$;
CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (pg_temp.seen(VALUE));
"""


async def test_each_looks_for_tables_and_types_of_the_session_last(pool: Pool) -> None:
    found = {row["name"]: row["proconfig"] for row in await pool.fetch(PATHS)}
    assert len(found) > 40
    assert {n: c for n, c in found.items() if c != ["search_path=pg_catalog, pg_temp"]} == {}


async def test_no_type_of_the_callers_is_used_in_the_owners_name(postgres: EmbeddedPostgres, database: str) -> None:
    conn = await asyncpg.connect(postgres.dsn(user="keiyaku_office", database=database))
    said: list[str | None] = []
    conn.add_log_listener(lambda _, message: said.append(message.message))
    await conn.execute(HIJACK)
    bill = "SELECT gate.issue_invoice(gen_random_uuid(), 'fee', current_date, NULL, NULL, now())"
    with pytest.raises(asyncpg.NotNullViolationError):  # it came as far as the invoice
        await conn.execute(bill)
    assert said == []
    await conn.execute("SELECT gen_random_uuid()::pg_temp.uuid")
    assert said == ["as keiyaku_office"]
    await conn.close()
