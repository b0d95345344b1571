"""Which of the invoices that are being paid may block their contract (T8-15)."""

from collections.abc import Sequence
from uuid import UUID

from sql import Conn, statements

SQL = statements("office/unblocking")


async def perhaps_blocking(conn: Conn, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Running contracts of those invoices whose due date bank data covers: no other contract can be blocked by one."""
    return [row["contract_id"] for row in await conn.fetch(SQL["perhaps_blocking"], list(invoice_ids))]
