"""CRLs, certificates and chains go to the shelves that the settings name, recorded since when. C-133, C-159."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
import structlog

from acme_server.protocol.pem import pem_chain
from acme_server.storage.shelves import Shelf, ShelfAway
from ca import status_storage, storage
from ca.status_storage import Unpublished
from sql import Conn, Pool, evidence

LOG = structlog.get_logger(__name__)
ACTOR = "process:work"


class File(msgspec.Struct, frozen=True):
    """What is put."""

    body: bytes
    content_type: str
    number: int


async def publish(pool: Pool, shelves: Sequence[Shelf], now: datetime) -> int:
    """What each shelf lacks is put there; how many files. A shelf that is away loses its turn, no other does.

    One node at a time sees to a shelf.
    """
    done = 0
    for shelf in shelves:
        async with pool.acquire() as conn:
            if not await status_storage.hold_shelf(conn, shelf.name):
                continue
            try:
                done += await fill(conn, shelf, now)
            except ShelfAway as fault:
                LOG.warning("not_published", shelf=shelf.name, reason=str(fault))
            finally:
                await status_storage.leave_shelf(conn, shelf.name)
    return done


async def fill(conn: Conn, shelf: Shelf, now: datetime) -> int:
    """The shelf has the newest of everything. Raises ShelfAway."""
    lacking = await status_storage.unpublished(conn, shelf.name)
    for each in lacking:
        file = await load(conn, each)
        await shelf.put(each.path, file.body, file.content_type, file.number)
        await record(conn, shelf.name, each.path, file, now)
    return len(lacking)


async def load(conn: Conn, item: Unpublished) -> File:
    """The file; of a CRL the newest, which may be newer than when we looked."""
    if item.shard is not None:
        crl = await storage.newest_crl(conn, item.issuer_id, item.shard)
        assert crl is not None  # CRLs do not go
        return File(crl.der, "application/pkix-crl", crl.number)
    chain = await storage.issuer_chain(conn, item.issuer_id)
    if item.path.endswith(".cer"):
        return File(chain[0], "application/pkix-cert", 0)
    return File(pem_chain(chain), "application/pem-certificate-chain", 0)


async def record(conn: Conn, shelf: str, path: str, file: File, now: datetime) -> None:
    """It is published from now on, with the evidence of it."""
    digest = sha256(file.body).digest()
    async with conn.transaction():
        await status_storage.published(conn, shelf, path, file.number, digest, now)
        await evidence.append(
            conn,
            evidence.entry(
                "status.published", ACTOR, now, shelf=shelf, path=path, number=file.number, sha256=digest.hex()
            ),
        )
