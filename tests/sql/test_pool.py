"""The pool hands on only connections that are fit, in order, and never more than its size."""

import asyncio

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from sql.pool import Pool


@pytest.fixture
async def small(postgres: EmbeddedPostgres, database: str) -> Pool:
    """A pool of two connections."""
    return Pool(lambda: asyncpg.connect(postgres.dsn(database=database)), 2)


async def backend(pool: Pool) -> int:
    """The server process behind the connection that the pool gives next."""
    return await pool.fetchval("SELECT pg_backend_pid()")


async def test_a_connection_is_used_again(small: Pool) -> None:
    assert await backend(small) == await backend(small)
    await small.close()


async def test_never_more_than_size_and_everybody_is_served(small: Pool) -> None:
    pids = await asyncio.gather(*(small.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)") for _ in range(20)))
    assert len(set(pids)) == 2
    assert small.waiting == 0
    await small.close()


async def test_a_refused_statement_leaves_the_connection_usable(small: Pool) -> None:
    before = await backend(small)
    with pytest.raises(asyncpg.UndefinedTableError):
        await small.execute("SELECT * FROM nothing_of_that_name")
    assert await backend(small) == before
    await small.close()


async def test_a_cancelled_statement_costs_its_connection(small: Pool) -> None:
    before = await backend(small)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await small.execute("SELECT pg_sleep(30)")
    assert await backend(small) != before
    await small.close()


async def test_a_connection_left_inside_a_transaction_is_thrown_away(small: Pool) -> None:
    async with small.acquire() as conn:
        before = await conn.fetchval("SELECT pg_backend_pid()")
        await conn.execute("BEGIN")
    assert await backend(small) != before
    await small.close()


async def test_a_connection_the_server_closed_is_replaced(small: Pool, pool: Pool) -> None:
    before = await backend(small)
    await pool.execute("SELECT pg_terminate_backend($1)", before)
    for _ in range(100):
        try:
            assert await backend(small) != before
            break
        except (
            asyncpg.PostgresConnectionError,
            asyncpg.AdminShutdownError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ):
            continue
    await small.close()


async def test_a_waiting_user_that_gives_up_takes_nothing_along(small: Pool) -> None:
    async with small.acquire(), small.acquire():
        waiting = asyncio.create_task(backend(small))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len({await backend(small) for _ in range(3)}) == 1
    await small.close()


async def test_a_place_is_free_again_after_connecting_failed(postgres: EmbeddedPostgres, database: str) -> None:
    answers = iter([OSError("away"), OSError("away"), None])

    async def connect() -> asyncpg.Connection:
        if fault := next(answers):
            raise fault
        return await asyncpg.connect(postgres.dsn(database=database))

    pool = Pool(connect, 1)
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            await backend(pool)
    assert await backend(pool) > 0
    await pool.close()
