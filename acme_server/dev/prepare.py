"""What `keiyaku dev` finds or makes before it serves: database, demo CA, demo contracts, keys, the listener's TLS."""

import asyncio
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from acme_server import evidence_key, sealer
from acme_server.checkpoint_file import CheckpointFileUnusable
from acme_server.clock import CLOCK, by_machine, utc_now
from acme_server.config import Settings
from acme_server.database import within
from acme_server.dev.postgres import EmbeddedPostgres, PostgresUnavailable
from acme_server.dev.template import adopt
from acme_server.dev.tls import ensure_tls, write
from ca import hierarchy
from office.use_cases.demo import Demo, make_demo
from sql.migrate import MigrationRefused, let_run_ahead, migrate

DATABASE = "keiyaku"
MONTHS_AHEAD = 3
TLS = Path("dev-tls")


def with_tls(settings: Settings) -> Settings:
    """The settings with the listener's own certificate where none is named."""
    if settings.acme.tls_certificate is not None:
        return settings
    acme = msgspec.structs.replace(settings.acme, tls_certificate=TLS / "server.pem", tls_key=TLS / "server.key")
    return msgspec.structs.replace(settings, acme=acme)


def prepare(settings: Settings, postgres: EmbeddedPostgres) -> Demo:
    """Everything is there. Returns the demo contracts' keys."""
    now = utc_now()
    ensure_tls(settings.data / TLS, by_machine(now))  # clients check it against theirs
    key = within(settings, settings.evidence.key_file)
    if not key.exists():
        evidence_key.create(key)
    return asyncio.run(prepare_database(settings, postgres, now))


async def prepare_database(settings: Settings, postgres: EmbeddedPostgres, now: datetime) -> Demo:
    """The database is migrated and holds a CA and the demo contracts. Raises PostgresUnavailable."""
    await create_database(postgres)
    try:
        await migrate(postgres.dsn())
    except MigrationRefused as refused:
        raise PostgresUnavailable(f"{refused}, or start with another data folder than {settings.data}") from None
    if ahead := CLOCK.furthest():
        await let_run_ahead(postgres.dsn(), ahead)
    conn = await asyncpg.connect(postgres.dsn())
    try:
        await adopt(conn)
        await conn.execute("SELECT keiyaku.ensure_partitions($1, $2)", now, MONTHS_AHEAD)
        if not await conn.fetchval("SELECT EXISTS (SELECT FROM ca.issuers)"):
            await make_ca(settings, postgres.dsn(), now)
        demo = await make_demo(conn, now)
    finally:
        await conn.close()
    await sealed(settings, postgres.dsn(user="keiyaku_seal"), now)
    return demo


async def sealed(settings: Settings, dsn: str, now: datetime) -> None:
    """The evidence is sealed, so that the first order need not wait for it; if it cannot be, the worker says why."""
    key = evidence_key.load(within(settings, settings.evidence.key_file))
    with suppress(sealer.SealRefused, CheckpointFileUnusable):
        await sealer.seal_now(dsn, key, within(settings, settings.evidence.checkpoint_file), now)


async def create_database(postgres: EmbeddedPostgres) -> None:
    """The database exists."""
    conn = await asyncpg.connect(postgres.dsn(database="postgres"))
    try:
        if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await conn.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await conn.close()


async def make_ca(settings: Settings, owner_dsn: str, now: datetime) -> None:
    """A demo CA exists: keys in the CA folder, under a passphrase in its file."""
    file = within(settings, settings.ca.passphrase_file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        write(file, secrets.token_urlsafe(32).encode())
    names = hierarchy.Names(
        "JP", "Keiyaku Demo CA", "Keiyaku Demo Root", "Keiyaku Demo Issuing CA 1", str(settings.status.base_url)
    )
    folder = within(settings, settings.ca.folder)
    await hierarchy.init(folder, owner_dsn, file.read_bytes().strip(), names, now)
