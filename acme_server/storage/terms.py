"""Versions of the Terms, as far as the directory names them."""

from datetime import datetime

import msgspec

from sql import Pool, statements
from sql.rows import many

SQL = statements("acme_server/terms")


class Version(msgspec.Struct, frozen=True):
    """A version and the instant from which it counts."""

    version: str
    effective_at: datetime


async def versions(pool: Pool) -> list[Version]:
    """The newest versions, those to come included."""
    return many(Version, await pool.fetch(SQL["versions"]))
