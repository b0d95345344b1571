"""How processes reach PostgreSQL: one role each (design §9)."""

import os
from collections import Counter
from pathlib import Path
from weakref import WeakKeyDictionary

import asyncpg

from acme_server.config import Settings
from acme_server.config_sections import Role
from acme_server.dev.postgres import EmbeddedPostgres
from sql import SERVER_SETTINGS, Conn, Pool
from sql.away import DATABASE_FAULTS

COMMAND_TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0
POOLS: "WeakKeyDictionary[Pool, Role]" = WeakKeyDictionary()  # of this process


class NotLetIn(ConnectionError):
    """The database cannot be reached, or does not know the role; says which and why."""


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of `keiyaku dev`, running or not."""
    return EmbeddedPostgres.of(settings.data)


def dsn_of(settings: Settings, role: Role) -> str:
    """Address of the database as a kind of process."""
    if settings.database.embedded:
        return embedded(settings).dsn(user=f"keiyaku_{role}")
    return settings.database.url_of(role)


def within(settings: Settings, path: Path) -> Path:
    """A path of the settings: a relative one lies in the data folder."""
    return path if path.is_absolute() else settings.data / path


def pool_when_asked(settings: Settings, role: Role, *, size: int = 10) -> Pool:
    """A pool of connections as `role`; the first is made when somebody needs it."""

    async def connect() -> Conn:
        return await asyncpg.connect(
            dsn_of(settings, role), timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT,
            statement_cache_size=200, max_cached_statement_lifetime=0,
            server_settings=SERVER_SETTINGS | {"application_name": f"keiyaku_{role}/{os.getpid()}"},
        )  # fmt: skip

    pool = Pool(connect, size)
    POOLS[pool] = role
    return pool


async def make_pool(settings: Settings, role: Role, *, size: int = 10) -> Pool:
    """The same, the first connection made at once: a wrong address stops the start. Raises NotLetIn."""
    pool = pool_when_asked(settings, role, size=size)
    try:
        async with pool.acquire():
            return pool
    except DATABASE_FAULTS as error:
        raise NotLetIn(f"the database of database.url does not let keiyaku_{role} in: {error}") from error


def waiting() -> dict[tuple[str, ...], int]:
    """How many users of this process wait for a connection of each role: a tally's levels."""
    found: Counter[tuple[str, ...]] = Counter()
    for pool, role in POOLS.items():
        found["pool", role] += pool.waiting
    return found
