"""Connections and a good contract for the tests of the gate's storage."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql import Conn, Pool
from tests.contract_gate.arrange import ContractRows, good_contract


@pytest.fixture(scope="session")
def shared(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database for tests that commit nothing."""
    asyncio.run(in_postgres(postgres, "CREATE DATABASE gate_storage TEMPLATE template_keiyaku"))
    yield "gate_storage"
    asyncio.run(in_postgres(postgres, "DROP DATABASE gate_storage WITH (FORCE)"))


async def in_postgres(postgres: EmbeddedPostgres, statement: str) -> None:
    admin = await asyncpg.connect(postgres.dsn(database="postgres"))
    await admin.execute(statement)
    await admin.close()


@pytest.fixture
async def conn(postgres: EmbeddedPostgres, shared: str) -> AsyncIterator[Conn]:
    """The owner's connection, in a transaction that is rolled back."""
    made = await asyncpg.connect(postgres.dsn(database=shared))
    transaction = made.transaction()
    await transaction.start()
    yield made
    await transaction.rollback()
    await made.close()


@pytest.fixture
async def rows(conn: Conn) -> ContractRows:
    return await good_contract(conn)


@pytest.fixture
async def kept(pool: Pool) -> ContractRows:
    """A good contract that other connections see."""
    async with pool.acquire() as conn:
        return await good_contract(conn)


@pytest.fixture
async def acme(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection with the rights of the ACME server, and no more."""
    made = await asyncpg.connect(postgres.dsn(user="keiyaku_acme", database=database))
    yield made
    await made.close()
