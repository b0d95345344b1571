"""What relying parties fetch: CRLs, CA certificates, chains. Public data under a role that sees nothing else (T0-4)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ca import storage
from ca.storage import StoredCrl
from sql import Pool

KEPT = timedelta(seconds=5)


@dataclass
class Published:
    """The store as relying parties see it. A CRL may be KEPT seconds old."""

    pool: Pool
    now: Callable[[], datetime]
    kept: dict[tuple[int, int], tuple[datetime, StoredCrl]] = field(default_factory=dict)

    async def crl(self, issuer_id: int, shard: int) -> StoredCrl | None:
        """The newest CRL of a shard. Only what exists is kept, so the memory is bounded by the number of shards."""
        now = self.now()
        if (kept := self.kept.get((issuer_id, shard))) and timedelta(0) <= now - kept[0] < KEPT:
            return kept[1]
        async with self.pool.acquire() as conn:
            newest = await storage.newest_crl(conn, issuer_id, shard)
        if newest is not None:
            self.kept[issuer_id, shard] = (now, newest)
        return newest

    async def chain(self, issuer_id: int) -> list[bytes]:
        """An issuer's certificate and those above it, the root last, in DER; empty when there is no such issuer."""
        async with self.pool.acquire() as conn:
            return await storage.issuer_chain(conn, issuer_id)
