"""Transactions that change facts of contracts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract_gate.storage import lock_exclusive
from sql import Conn


@asynccontextmanager
async def changing(conn: Conn, *numbers: int) -> AsyncIterator[None]:
    """A transaction that holds the contracts of these numbers alone: its first statements take their locks (design §4).

    In ascending order, so that two of them never wait for each other.
    """
    async with conn.transaction():
        for number in sorted(set(numbers)):
            await lock_exclusive(conn, number)
        yield
