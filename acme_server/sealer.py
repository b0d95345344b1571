"""The sealer: takes committed evidence into signed, chained checkpoints about every second (design §6).

Its role is keiyaku_seal. One runs at a time, by a lock of its session; the others wait to take over.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from acme_server import checkpoint_file
from acme_server.checkpoint_file import CheckpointFileUnusable
from acme_server.storage import evidence
from acme_server.storage.evidence import Horizon
from contract_gate.evidence import Checkpoint, seal
from sql import Conn
from sql.away import DATABASE_FAULTS

INTERVAL = 1.0
BATCH = 5000  # records a checkpoint, about: a transaction is never split
NO_END = 2**63 - 1
RESTORED = (
    "this database is a copy of the one that the operators know: nothing is sealed, and so nothing issued. After a "
    "restore from backup, or a failover, run `keiyaku check --restored`"
)

log = structlog.get_logger()


class SealRefused(Exception):
    """Sealing on would hide something; says what, and what to do."""


class Sealer:
    """The end of the chain and the mark that the next pass has to reach, of one locked session."""

    def __init__(self, conn: Conn, key: Ed25519PrivateKey, file: Path, latest: Checkpoint | None) -> None:
        self.conn, self.key, self.file, self.latest = conn, key, file, latest
        self.mark: tuple[int, datetime] | None = None

    async def run_once(self, now: datetime) -> int:
        """Everything that transactions ended by now have left is sealed. Returns the number of records."""
        seen = await evidence.horizon(self.conn)
        count = sum([await self.seal_era(era, seen, now) for era in self.eras(seen)])
        await self.tell(seen, now)
        return count

    def eras(self, seen: Horizon) -> range:
        """The eras that may hold unsealed records, oldest first. Raises SealRefused."""
        before = self.latest
        if before and (before.era, before.to_transaction) > (seen.era, seen.open_from):
            raise SealRefused(
                f"checkpoint {before.number} ends at transaction {before.to_transaction}, "
                f"era {before.era}, but the database is at {seen.open_from}, era {seen.era}: after a restore into a "
                f"new cluster run ALTER TABLE evidence.records ALTER COLUMN era SET DEFAULT {before.era + 1}"
            )
        return range(before.era if before else 1, seen.era + 1)

    async def seal_era(self, era: int, seen: Horizon, now: datetime) -> int:
        """Every ended record of `era` is sealed. An era before the present one has ended as a whole."""
        end = seen.open_from if era == seen.era else NO_END
        count = 0
        while True:
            start = self.latest.to_transaction if self.latest and self.latest.era == era else 0
            records = await evidence.ended_records(self.conn, era, start, end, BATCH)
            count += len(records)
            if records:
                reached = records[-1].transaction_id + 1 if len(records) >= BATCH or end == NO_END else end
                await self.add(seal(records, reached, self.latest, self.key, now))
            if len(records) < BATCH:
                return count

    async def add(self, checkpoint: Checkpoint) -> None:
        """The checkpoint is in the database, then in the file."""
        await evidence.insert_checkpoint(self.conn, checkpoint)
        self.latest = checkpoint
        await asyncio.to_thread(checkpoint_file.append, self.file, [checkpoint])

    async def tell(self, seen: Horizon, now: datetime) -> None:
        """The database knows through when all is sealed: when every transaction begun by then has ended."""
        reached = None
        if self.mark is None or seen.open_from >= self.mark[0]:
            reached = self.mark and self.mark[1]
            self.mark = (seen.unborn_from, now)
        if seen.open_from >= self.mark[0]:
            reached, self.mark = self.mark[1], None
        if reached:
            await evidence.set_sealed_through(self.conn, reached)


async def take_over(conn: Conn, key: Ed25519PrivateKey, file: Path) -> Sealer | None:
    """The sealer of this session, its file brought up to the table; None while another one is at work."""
    if not await evidence.lock(conn):
        return None
    if not await evidence.is_known_cluster(conn):
        await evidence.unseal(conn)
        raise SealRefused(RESTORED)
    held = await asyncio.to_thread(checkpoint_file.last, file)
    latest = await evidence.latest_checkpoint(conn)
    number = held.number if held else 0
    if number > (latest.number if latest else 0):
        await evidence.unseal(conn)
        raise CheckpointFileUnusable(
            f"{file} ends with checkpoint {number}, which the database lacks: run `keiyaku evidence verify`; "
            "after a restore from backup run `keiyaku check --restored`, which keeps the file for the auditor"
        )
    while missing := await evidence.checkpoints_after(conn, number):
        if held and missing[0].previous != held.hash:
            raise CheckpointFileUnusable(f"checkpoint {number} in {file} is not the database's: verify the evidence")
        await asyncio.to_thread(checkpoint_file.append, file, missing)
        held, number = missing[-1], missing[-1].number
    if held != latest:
        raise CheckpointFileUnusable(f"checkpoint {number} in {file} is not the database's: verify the evidence")
    return Sealer(conn, key, file, latest)


async def run(dsn: str, key: Ed25519PrivateKey, file: Path, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Evidence is sealed, here or by whoever holds the lock, until `stop` is set. Faults are logged and retried."""
    while not stop.is_set():
        try:
            await run_session(dsn, key, file, clock, stop)
        except (*DATABASE_FAULTS, CheckpointFileUnusable, SealRefused) as error:
            log.error("evidence.not_sealed", reason=str(error))
        await pause(stop)


async def run_session(
    dsn: str, key: Ed25519PrivateKey, file: Path, clock: Callable[[], datetime], stop: asyncio.Event
) -> None:
    """One connection's work, until `stop` is set, another holds the lock, or it raises."""
    conn = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        if sealer := await take_over(conn, key, file):
            while not stop.is_set():
                await sealer.run_once(clock())
                await pause(stop)
    finally:
        await conn.close()


async def seal_now(dsn: str, key: Ed25519PrivateKey, file: Path, now: datetime) -> None:
    """All evidence of now is sealed, unless another sealer is at work. Raises what `run` would log."""
    conn = await asyncpg.connect(dsn, timeout=10, command_timeout=60)
    try:
        if sealer := await take_over(conn, key, file):
            await sealer.run_once(now)
    finally:
        await conn.close()


async def pause(stop: asyncio.Event) -> None:
    """A second has passed, or `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), INTERVAL)
    except TimeoutError:
        return
