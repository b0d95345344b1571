"""A pool that hands connections over without a task, a lock or a statement.

asyncpg's own starts and shields a task at each release: a sixth of the CPU of a certificate (docs/performance.md).
What matters of it is kept: a connection that was cancelled in the middle of a statement, broke, or was left inside a
transaction is thrown away, never handed on.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Conn: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Conn = asyncpg.Connection

ACQUIRE_TIMEOUT = 10.0
BROKEN = (asyncio.CancelledError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Pool:
    """At most `size` connections, opened by `connect` when first needed. Waiting users are served in order."""

    def __init__(self, connect: Callable[[], Awaitable[Conn]], size: int) -> None:
        self._connect, self._size = connect, size
        self._idle: list[Conn] = []
        self._waiting: deque[asyncio.Future[Conn | None]] = deque()
        self._open = 0

    def acquire(self) -> "Lease":
        """A connection for an `async with` block. TimeoutError: none came free. Else what connecting raises."""
        return Lease(self)

    async def take(self) -> Conn:
        """A connection that is the caller's until it gives it back."""
        while self._idle:
            conn = self._idle.pop()
            if not conn.is_closed():
                return conn
            self._open -= 1
        if self._open >= self._size:
            handed = await self._wait()
            if handed is not None:
                return handed
        else:
            self._open += 1
        return await self._connected()

    async def _connected(self) -> Conn:
        """A new connection in a place that is taken already; the place is free again if it fails."""
        try:
            return await self._connect()
        except BaseException:
            self._free_place()
            raise

    async def _wait(self) -> Conn | None:
        """What a user before us gives back; None: a place in which to connect."""
        future: asyncio.Future[Conn | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT):
                return await future
        except BaseException:
            if future.done() and not future.cancelled():
                self._hand_on(future.result())
            raise

    def give_back(self, conn: Conn, *, usable: bool) -> None:
        """The connection is the next user's; it is closed instead when it is not fit for one."""
        if usable and not conn.is_closed() and not conn.is_in_transaction():
            self._hand_on(conn)
        else:
            conn.terminate()
            self._free_place()

    def _hand_on(self, conn: Conn | None) -> None:
        """The connection, or the place of one, goes to whoever waits longest, else stays here."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(conn)
                return
        if conn is None:
            self._open -= 1
        else:
            self._idle.append(conn)

    def _free_place(self) -> None:
        """A place is free for a new connection."""
        self._hand_on(None)

    async def fetchrow(self, statement: str, *args: Any) -> asyncpg.Record | None:
        """The first row of a statement, on any connection."""
        async with Lease(self) as conn:
            return await conn.fetchrow(statement, *args)

    async def fetchval(self, statement: str, *args: Any) -> Any:
        """The first column of the first row."""
        async with Lease(self) as conn:
            return await conn.fetchval(statement, *args)

    async def fetch(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        async with Lease(self) as conn:
            return await conn.fetch(statement, *args)

    async def execute(self, statement: str, *args: Any) -> str:
        """The statement is done; its command tag."""
        async with Lease(self) as conn:
            return await conn.execute(statement, *args)

    @property
    def waiting(self) -> int:
        """How many users wait for a connection."""
        return len(self._waiting)

    async def close(self) -> None:
        """Idle connections are closed."""
        while self._idle:
            await self._idle.pop().close()
            self._open -= 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Lease:
    """The `async with` block in which a connection is the user's."""

    __slots__ = ("_conn", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Conn:
        self._conn = await self._pool.take()
        return self._conn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # cancelled or timed out: the answer to the statement is still to come, nobody else may read it
        broken = isinstance(error, BROKEN)
        self._pool.give_back(self._conn, usable=not broken)
