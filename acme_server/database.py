"""How processes reach PostgreSQL: one role each (design §9)."""

import os
from pathlib import Path

import asyncpg

from acme_server.config import Role, Settings
from acme_server.dev.postgres import EmbeddedPostgres
from sql import Pool

SERVER_SETTINGS = {"jit": "off", "plan_cache_mode": "force_generic_plan", "timezone": "UTC"}
COMMAND_TIMEOUT = 15.0


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of `keiyaku dev`, running or not."""
    return EmbeddedPostgres(settings.data / "postgres")


def dsn_of(settings: Settings, role: Role) -> str:
    """Address of the database as a kind of process."""
    if settings.database.embedded:
        return embedded(settings).dsn(user=f"keiyaku_{role}")
    return settings.database.url_of(role)


def within(settings: Settings, path: Path) -> Path:
    """A path of the settings: a relative one lies in the data folder."""
    return path if path.is_absolute() else settings.data / path


async def keep(conn: object) -> None:
    """Nothing is reset when a connection goes back to its pool: no session state is ever set on it."""


async def make_pool(settings: Settings, role: Role, *, size: int = 10) -> Pool:
    """A pool of connections as `role`. Opens one; more when they are needed."""
    return await asyncpg.create_pool(
        dsn_of(settings, role), min_size=1, max_size=size, max_inactive_connection_lifetime=0, reset=keep,
        command_timeout=COMMAND_TIMEOUT, statement_cache_size=200, max_cached_statement_lifetime=0,
        server_settings=SERVER_SETTINGS | {"application_name": f"keiyaku_{role}/{os.getpid()}"},
    )  # fmt: skip
