"""Personal data past its retention (T16-2)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/retention")

# The statement that destroys each field of contract_gate/articles/article_16_secrecy.RETENTION.
DESTROYS: Mapping[str, str] = MappingProxyType(
    {
        "documents.content": SQL["documents"],
        "applications.representative": SQL["applications"],
        "screenings.subject": SQL["screenings"],
        "invoice_papers.buyer": SQL["invoice_papers"],
        "problem_reports.reporter": SQL["problem_reports"],
        "key_proofs.reporter": SQL["key_proofs"],
        "deliveries.body": SQL["deliveries"],
        "contacts.postal_address": SQL["contacts"],
        "recipients.email": SQL["recipients"],
    }
)


class Gone(msgspec.Struct, frozen=True):
    """A row whose personal data is destroyed."""

    id: UUID
    contract_id: UUID | None


async def destroy(conn: Conn, field: str, kept_since: datetime, now: datetime, most: int) -> list[Gone]:
    """Rows of which the field is past its retention: destroyed now."""
    return many(Gone, await conn.fetch(DESTROYS[field], kept_since, now, most))
