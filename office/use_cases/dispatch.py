"""The transaction in which a letter leaves: the notice of a contract's formation opens its gate (T4-5, R-4)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from office.storage import notices
from office.storage.changing import changing
from sql import Conn


@asynccontextmanager
async def dispatching(conn: Conn, delivery_id: UUID) -> AsyncIterator[None]:
    """A transaction; of a delivery that tells of a contract's formation it holds that contract's lock (design §4)."""
    number = await notices.forms(conn, delivery_id)
    async with changing(conn, *(() if number is None else (number,))):
        yield
