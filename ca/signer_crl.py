"""The signer's CRLs: the revocations of a shard, read and encoded part by part, and the CRL stored. C-133 to C-145.

A shard may have hundreds of thousands of entries: of each only its encoding is kept, about 40 octets. No certificate
waits meanwhile: CRLs have a connection of their own, entries are encoded a few at a time, and the one thread that signs
is asked for no more than the signature.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import structlog
from asyncpg import Record

from ca import crl
from ca.certificate import Issuer, assemble
from ca.keys import KeyAway
from ca.signer_database import Database
from ca.signer_lines import CrlAnswer, CrlMade, SignerAway, SignRefused
from ca.signing import Authority
from sql import Conn, evidence, statements
from sql.away import DATABASE_FAULTS

SQL = statements("ca/signer_crl")
LOG = structlog.get_logger(__name__)
ACTOR = "process:signer"
PART = 2_000


@dataclass
class CrlMaker:
    """Makes one CRL after another. `thread` is the one that signs records too."""

    database: Database
    thread: Executor
    now: Callable[[], datetime]

    async def make(self, issuer_id: int, shard: int) -> CrlAnswer:
        """The next CRL of a shard is signed and stored. C-133..C-142."""
        try:
            conn = await self.database.connection()
            authority = await self.database.authority(conn, issuer_id)
            if authority is None:
                return SignerAway(f"no key of issuer {issuer_id} here")
            if not 0 <= shard < authority.issuer.shard_count:
                return SignRefused(f"issuer {issuer_id} has no shard {shard}")
            async with conn.transaction():
                return CrlMade(await next_crl(conn, authority, shard, self.thread, self.now))
        except DATABASE_FAULTS as fault:
            return self.database.away(fault)
        except KeyAway as fault:
            return SignerAway(f"key: {fault}")
        except Exception as fault:  # a row that no process of ours would write: other shards have their CRLs
            LOG.exception("crl_not_made", issuer=issuer_id, shard=shard)
            return self.database.away(fault)


async def next_crl(conn: Conn, authority: Authority, shard: int, thread: Executor, now: Callable[[], datetime]) -> int:
    """The next CRL of the shard is stored, in the caller's transaction; its number. Raises KeyAway."""
    issuer = authority.issuer
    await conn.execute(SQL["lock_shard"], issuer.id, shard)
    this_update = now().replace(microsecond=0)
    previous = await conn.fetchrow(SQL["previous_crl"], issuer.id, shard, int(this_update.timestamp()))
    number, carried_at = (1, None) if previous is None else (previous["number"] + 1, previous["this_update"])
    entries, count = await carried(conn, issuer, shard, carried_at, this_update)
    next_update = this_update + crl.NEXT_UPDATE
    tbs = crl.of_entries(issuer, shard, number, entries, this_update, next_update)
    signature = await asyncio.get_running_loop().run_in_executor(thread, authority.key.sign, tbs)
    der = assemble(tbs, signature)
    proof = evidence.entry(
        "crl.signed", ACTOR, this_update,
        issuer_id=issuer.id, shard=shard, number=number, entries=count, sha256=sha256(der).hexdigest(),
    )  # fmt: skip
    await conn.execute(
        SQL["store_crl"], issuer.id, shard, number, this_update, next_update, der,
        proof.id, proof.kind, ACTOR, proof.content,
    )  # fmt: skip
    return number


async def carried(
    conn: Conn, issuer: Issuer, shard: int, carried_at: datetime | None, this_update: datetime
) -> tuple[list[bytes], int]:
    """The encoded entries of the CRL of `this_update`, in parts, and how many they are. C-141.

    Of each that no CRL showed before it is recorded that this one does, unless it has changed since it was read: then
    the next one shows the change.
    """
    cursor = await conn.cursor(SQL["load_revocations"], issuer.id, shard, carried_at)
    parts, count = [], 0
    while rows := await cursor.fetch(PART):
        parts.append(b"".join([crl.entry(row["serial"], row["reason"], row["since"]) for row in rows]))
        count += len(rows)
        if fresh := [row for row in rows if row["fresh"]]:
            await mark_published(conn, fresh, this_update)
    return parts, count


async def mark_published(conn: Conn, rows: list[Record], at: datetime) -> None:
    """They are on a CRL from `at` on. C-159."""
    columns = [row["serial"] for row in rows], [row["reason"] for row in rows], [row["since"] for row in rows]
    await conn.execute(SQL["mark_published"], *columns, at)
