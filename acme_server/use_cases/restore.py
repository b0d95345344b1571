"""After a restore from backup: what was published or signed since the backup must never come again (design §3)."""

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec

from acme_server import checkpoint_file
from acme_server.storage import check, evidence
from acme_server.use_cases.issue import enqueue_crl
from ca import storage as ca
from sql import Conn
from sql.evidence import append, entry


class Restored(msgspec.Struct, frozen=True):
    """What was done: the new era, above which number CRLs go on, how many will be made, how many serial numbers were
    revoked as possibly signed, and the file set aside.
    """

    era: int
    crl_floor: int
    crls: int
    revoked: int
    set_aside: str | None


async def accept_restored(conn: Conn, file: Path, now: datetime) -> Restored:
    """This database is the operators' own from now on: sealing, and so issuance, go on.

    CRL numbers go on above the seconds since 1970: more than were ever made, also after a second restore of one backup.
    Serial numbers are random, so none comes again. What was to be signed at the backup may have been since: it is
    revoked, so no signer signs it again, and its order ends (C-142, design §4.5). A checkpoint file that knows more
    than the database is kept.
    """
    floor = int(now.timestamp())
    async with conn.transaction():
        era = await check.begin_era(conn)
        before, after = await check.know_cluster(conn, floor)
        revoked = [await possibly_signed(conn, serial, now) for serial in await check.being_signed(conn)]
        shards = await ca.crls_due(conn, now, now)
        for shard in shards:
            await enqueue_crl(conn, shard, now)
        proof = entry("database.restored", "operator", now, before=before, after=after, era=era, crl_floor=floor)
        await append(conn, proof)
    latest = await evidence.latest_checkpoint(conn)
    kept = await asyncio.to_thread(set_aside, file, latest.number if latest else 0, now)
    return Restored(era, floor, len(shards), sum(revoked), kept)


async def possibly_signed(conn: Conn, serial: bytes, now: datetime) -> bool:
    """Whether the serial number was not revoked before; it is now."""
    shard = await ca.revoke(
        conn, serial, reason=None, ground="possibly signed before the restore", requested_by="operator",
        requested_at=now, now=now,
    )  # fmt: skip
    return shard is not None


def set_aside(file: Path, number: int, now: datetime) -> str | None:
    """A file that ends after checkpoint `number` has another name, which is returned; the sealer begins a new one."""
    held = checkpoint_file.last(file)
    if held is None or held.number <= number:
        return None
    kept = file.with_name(f"{file.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    file.rename(kept)
    return str(kept)
