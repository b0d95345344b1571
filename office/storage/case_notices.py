"""The notices before revoking (T11-5): each contract of a case has its own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from office.storage.revocations import Scope
from sql import Conn, statements
from sql.rows import many

SQL = statements("office/case_notices")


class Untold(msgspec.Struct, frozen=True):
    """A contract whose customer has not been told, and how many certificates would go, with the first twenty."""

    id: UUID
    certificates: int
    serials: list[bytes]


class Sending(msgspec.Struct, frozen=True):
    """How far the notice before revoking of a contract's certificates is."""

    contract_id: UUID
    queued_at: datetime
    left_us: bool


async def insert_notice(
    conn: Conn, case_id: UUID, contract_id: UUID, notice_id: UUID, late: str | None = None
) -> None:  # fmt: skip
    """The contract's notice before revoking, or why it is not before (T11-5)."""
    await conn.execute(SQL["insert_notice"], case_id, contract_id, notice_id, late)


async def untold(
    conn: Conn, case_id: UUID, scope: Scope, contract_ids: Sequence[UUID], now: datetime, code: int | None
) -> list[Untold]:
    """Contracts of what `live` finds that have no notice of the case; not for what an incident lists."""
    of = list(contract_ids), scope.spki_sha256, scope.serials, scope.issuer_id
    return many(Untold, await conn.fetch(SQL["untold"], case_id, *of, now, code))


async def notices_before(conn: Conn, case_id: UUID) -> list[Sending]:
    """The notices before revoking, a contract each (T11-5)."""
    return many(Sending, await conn.fetch(SQL["notices_before"], case_id))


async def set_late(conn: Conn, case_id: UUID, contract_ids: Sequence[UUID], why: str) -> None:
    """Certificates of these contracts were revoked before their notices left (T11-5)."""
    await conn.execute(SQL["set_late"], case_id, contract_ids, why)
