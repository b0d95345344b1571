"""What ACME revoked, or gave another code, until a case tells of it (T11-5)."""

from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/acme_cases")


class AcmeRevocation(msgspec.Struct, frozen=True):
    """What a request through ACME did, that no case tells of yet: a revocation, or (`upgrade`) its code alone changed.

    `ground` is that of the revocation, `reason` what was asked for.
    """

    serial: bytes
    upgrade: bool
    ground: str
    requested_by: str
    requested_at: datetime
    reason: int | None
    contract_id: UUID | None


async def take_acme(conn: Conn, most: int, now: datetime) -> list[AcmeRevocation]:
    """What ACME did that is the caller's to make cases of, in this transaction: the oldest requests, each whole."""
    return many(AcmeRevocation, await conn.fetch(SQL["take_acme"], most, now))
