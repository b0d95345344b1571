"""Whether a process can do its work: database and schema, seal, signer, resolver, logs. What is wrong, or None."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

from acme_server.storage import evidence, house
from acme_server.use_cases.log_list import Transparency
from acme_server.validation.resolver import Resolver
from sql import Pool, migrate
from sql.away import DATABASE_AWAY

SEAL_LIMIT = timedelta(minutes=1)  # design §6


@cache
def shipped() -> Mapping[int, bytes]:
    """SHA-256 of each migration of this program."""
    return {version: sha256(text.encode()).digest() for version, (_, text) in migrate.available().items()}


async def database(pool: Pool) -> str | None:
    """It answers, with every migration of this program. One that has newer ones is being upgraded: that is fine."""
    try:
        applied = await house.migrations(pool)
    except (*DATABASE_AWAY, TimeoutError):
        return "does not answer"
    if missing := [version for version in shipped() if version not in applied]:
        return f"migration {missing[0]} is not applied: run `keiyaku migrate`"
    return None


async def seal(pool: Pool, now: datetime) -> str | None:
    """The evidence is sealed up to a minute ago; else nothing is issued."""
    try:
        async with pool.acquire() as conn:
            lag = await evidence.seal_lag(conn, now)
    except (*DATABASE_AWAY, TimeoutError):
        return "unknown: the database does not answer"
    return "older than a minute: see the sealer's log and `keiyaku check`" if lag > SEAL_LIMIT else None


async def resolver(asked: Resolver) -> str | None:
    """The resolver answers and validates: it has proven the root zone (C-034)."""
    return None if await asked.validates() else "does not answer, or validates no DNSSEC: see unbound's log"


async def logs(transparency: Transparency) -> str | None:
    """A list of logs is known: without one no certificate gets SCTs (C-130)."""
    return (
        None if transparency.logs else "no list of them is known: the log of `keiyaku work` says why, log_list_not_read"
    )


async def signer(socket: Path) -> str | None:
    """The signer takes connections."""
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return "does not answer: run `keiyaku sign`"
    writer.close()
    return None
