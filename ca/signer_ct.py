"""The signer's part in Certificate Transparency: precertificates stored, and what must hold of the certificates that go
with them. C-121 to C-129.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from ca import ct_logs
from ca.ct_logs import Log
from ca.precertificate import is_precertificate
from ca.signing import Held, Record
from sql import Conn, statements

SQL = statements("ca/signer_ct")


@dataclass
class KnownLogs:
    """The list of logs that counts, read again when another one does."""

    sha256: bytes | None = None
    by_id: Mapping[bytes, Log] = field(default_factory=dict)

    async def refresh(self, conn: Conn) -> Mapping[bytes, Log]:
        """Logs whose SCTs a certificate may hold, by id."""
        if row := await conn.fetchrow(SQL["newest_log_list"], self.sha256):
            self.sha256, self.by_id = row["sha256"], ct_logs.parse(row["content"]).by_id()
        return self.by_id


async def load_held(conn: Conn, records: Sequence[Record]) -> dict[UUID, Held]:
    """The precertificates stored for those of the records that are to have one."""
    ids = [record.id for record in records if is_precertificate(record.tbs)]
    return {row["id"]: Held(**row) for row in await conn.fetch(SQL["load_precertificates"], ids)} if ids else {}


async def begin_finals(conn: Conn, ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of the final records that nobody had begun to sign; this commit marks them (design §4.5)."""
    return {row["id"] for row in await conn.fetch(SQL["begin_signing"], ids, now)} if ids else set()


async def finals_not_signed(conn: Conn, ids: Sequence[UUID]) -> None:
    """The marks are gone."""
    await conn.execute(SQL["not_signed"], ids)


def digest(der: bytes) -> str:
    """The fingerprint by which evidence names what was signed."""
    return sha256(der).hexdigest()
