"""Which contracts the invoices that are being paid may block (T8-15)."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/unblocking")


class Blockable(msgspec.Struct, frozen=True):
    """A running contract that an invoice may block; `whole_customer`: any of its customer's does (R-13)."""

    contract_id: UUID
    customer_id: UUID
    whole_customer: bool


async def perhaps_blocking(conn: Conn, invoice_ids: Sequence[UUID]) -> list[Blockable]:
    """Those of invoices whose due date bank data covers: no other contract can be blocked by one."""
    return many(Blockable, await conn.fetch(SQL["perhaps_blocking"], list(invoice_ids)))


async def hold_customers(conn: Conn, customer_ids: Sequence[UUID]) -> None:
    """Payments for these customers come one after another until the transaction ends."""
    await conn.execute(SQL["hold_customers"], list(customer_ids))
