"""Transactions that begin with locks."""

import asyncpg
import pytest

from sql import Pool
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


async def test_an_error_rolls_back(pool: Pool) -> None:
    await pool.execute("DELETE FROM gate.holidays")
    async with pool.acquire() as conn:
        with pytest.raises(ValueError, match="no"):
            async with under_locks(conn, shared(1, 2)):
                await conn.execute(INSERT)
                raise ValueError("no")
        assert not conn.is_in_transaction()
    assert await days(pool) == 0


async def test_an_error_that_nobody_heard_is_no_commit(pool: Pool) -> None:
    await pool.execute("DELETE FROM gate.holidays")
    async with pool.acquire() as conn:
        with pytest.raises(NotCommitted):
            async with under_locks(conn, shared(1, 2)):
                await conn.execute(INSERT)
                with pytest.raises(asyncpg.UniqueViolationError):
                    await conn.execute(INSERT)
        assert not conn.is_in_transaction()
    assert await days(pool) == 0
