"""Transactions that begin with an advisory lock, in one round trip."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sql import Conn


class NotCommitted(Exception):
    """A statement of the transaction had failed and its error went unheard, so all was rolled back."""


@asynccontextmanager
async def under_locks(conn: Conn, *locks: str) -> AsyncIterator[None]:
    """A transaction whose first statements take `locks` (`pg_advisory_xact_lock…(class, number)`); all or nothing.

    A snapshot is taken after them, so the transaction sees what was committed under the locks before. Raises
    NotCommitted rather than end well without having written.
    """
    try:
        await conn.execute("; ".join(("BEGIN", *(f"SELECT {lock}" for lock in locks))))
        yield
    except BaseException:
        await conn.execute("ROLLBACK")
        raise
    if await conn.execute("COMMIT") != "COMMIT":
        raise NotCommitted


def shared(lock_class: int, number: int) -> str:
    """The call that takes a lock many may hold at once."""
    return f"pg_advisory_xact_lock_shared({lock_class:d}, {number:d})"


def exclusive(lock_class: int, number: int) -> str:
    """The call that takes a lock alone."""
    return f"pg_advisory_xact_lock({lock_class:d}, {number:d})"
