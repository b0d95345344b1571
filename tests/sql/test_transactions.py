"""Transactions that begin with locks."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from sql import Conn, Pool
from sql.transactions import NotCommitted, exclusive, shared, under_locks

INSERT = "INSERT INTO gate.holidays (day, name) VALUES ('2027-01-01', 'New Year')"


async def days(pool: Pool) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM gate.holidays WHERE day = '2027-01-01'")
    return found


async def test_locks_are_held_until_the_commit(pool: Pool) -> None:
    await pool.execute("DELETE FROM gate.holidays")
    async with pool.acquire() as conn, pool.acquire() as other:
        async with under_locks(conn, shared(1, 2), exclusive(1, 3)):
            await conn.execute(INSERT)
            assert not await other.fetchval("SELECT pg_try_advisory_xact_lock_shared(1, 3)")
            assert await other.fetchval("SELECT pg_try_advisory_xact_lock_shared(1, 2)")
        assert await other.fetchval("SELECT pg_try_advisory_xact_lock(1, 3)")
    assert await days(pool) == 1


async def insert_and_raise(conn: Conn) -> None:
    async with under_locks(conn, shared(1, 2)):
        await conn.execute(INSERT)
        raise ValueError


async def insert_twice_and_go_on(conn: Conn) -> None:
    async with under_locks(conn, shared(1, 2)):
        await conn.execute(INSERT)
        with suppress(asyncpg.UniqueViolationError):
            await conn.execute(INSERT)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        pytest.param(insert_and_raise, ValueError, id="an error"),
        pytest.param(insert_twice_and_go_on, NotCommitted, id="a failed statement that nobody heard of"),
    ],
)
async def test_what_failed_wrote_nothing_and_says_so(
    pool: Pool, write: Callable[[Conn], Awaitable[None]], error: type[Exception]
) -> None:
    await pool.execute("DELETE FROM gate.holidays")
    async with pool.acquire() as conn:
        with pytest.raises(error):
            await write(conn)
        assert not conn.is_in_transaction()
    assert await days(pool) == 0
