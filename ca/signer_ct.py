"""The signer's part in Certificate Transparency: precertificates stored, and what must hold of the certificates that go
with them. C-121 to C-129.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from ca.precertificate import is_precertificate
from ca.signing import Held, Record
from sql import Conn, statements

SQL = statements("ca/signer_ct")


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
