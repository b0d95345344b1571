"""Personal data past its retention (T16-2)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.rows import many

SQL = statements("office/retention")
NOBODY = UUID(int=0)  # every id comes after it

# The statement that destroys each field of contract_gate/articles/article_16_secrecy.RETENTION, but those of PEOPLE.
DESTROYS: Mapping[str, str] = MappingProxyType(
    {
        "documents.content": SQL["documents"],
        "applications.representative": SQL["applications"],
        "screenings.subject": SQL["screenings"],
        "holds.reason": SQL["holds"],
        "invoice_papers.buyer": SQL["invoice_papers"],
        "receipts.remitter": SQL["receipts"],
        "bank_lines.remitter": SQL["bank_lines"],
        "payer_aliases.name": SQL["payer_aliases"],
        "dealer_aliases.name": SQL["dealer_aliases"],
        "problem_reports.reporter": SQL["problem_reports"],
        "key_proofs.reporter": SQL["key_proofs"],
        "cases.reporter": SQL["cases"],
        "proposals.arguments": SQL["proposals"],
        "deliveries.body": SQL["deliveries"],
        "deliveries.address": SQL["undelivered"],
        "notices.given": SQL["notices"],
        "contacts.postal_address": SQL["contacts"],
        "recipients.email": SQL["recipients"],
        "customers.contact_email": SQL["customers_email"],
        "accounts.contacts": SQL["accounts"],
        "applicants.name": SQL["applicants"],
        "customers.name": SQL["customers"],
        "ceremonies.transcript": SQL["ceremonies"],
        "root_crls.transcript": SQL["root_crls"],
    }
)

# Who may have a pseudonym by now, and which columns name people of customers: any other record keeps these, while those
# who left the CA so long ago are kept by few.
PEOPLE: Mapping[str, tuple[str, tuple[str, ...] | None]] = MappingProxyType(
    {
        "persons.name": (SQL["who_left"], None),
        "requesters.name": (
            SQL["of_past_contracts"],
            (
                "gate.consents.person_id", "office.applications.applicant_id", "office.requesters.person_id",
                "office.requesters.named_by", "office.endings.asked_by", "office.renewal_consents.person_id",
                "office.seals.requested_by", "office.change_reports.reported_by",
            ),
        ),
    }
)  # fmt: skip


class Gone(msgspec.Struct, frozen=True):
    """A row whose personal data is destroyed."""

    id: UUID | int
    contract_id: UUID | None


class Tally(msgspec.Struct, frozen=True):
    """How many rows lost a field so far, and when the last did."""

    field: str
    rows: int
    last_at: datetime


class Destruction(msgspec.Struct, frozen=True):
    """How many rows lost a field at an instant."""

    field: str
    destroyed_at: datetime
    rows: int


async def alone(conn: Conn) -> None:
    """No other node destroys anything until the transaction ends."""
    await conn.execute(SQL["alone"])


async def destroy(conn: Conn, field: str, kept_since: datetime, now: datetime, most: int) -> list[Gone]:
    """Rows of which the field is past its retention: destroyed now."""
    return many(Gone, await conn.fetch(DESTROYS[field], kept_since, now, most))


async def people(conn: Conn, field: str, kept_since: datetime, after: UUID, most: int) -> list[UUID]:
    """Who may be past their retention, in order of id, from one on; held until the transaction ends."""
    return [row["id"] for row in await conn.fetch(PEOPLE[field][0], kept_since, after, most)]


async def pseudonymise(
    conn: Conn, field: str, who: Sequence[UUID], contracts_since: datetime, now: datetime
) -> list[Gone]:
    """Those of them whom no record names that is still kept."""
    of_customers = PEOPLE[field][1]
    return many(Gone, await conn.fetch(SQL["pseudonymise"], who, contracts_since, now, of_customers))


async def tally(conn: Conn, field: str, now: datetime, rows: int) -> None:
    """So many rows lost the field now."""
    await conn.execute(SQL["tally"], field, now, rows)


async def tallies(conn: Conn) -> list[Tally]:
    """Of each field of which anything was destroyed."""
    return many(Tally, await conn.fetch(SQL["tallies"]))


async def destructions(conn: Conn, most: int, before: datetime | None, field: str | None) -> list[Destruction]:
    """What was destroyed when, newest first; what is behind an instant and field."""
    return many(Destruction, await conn.fetch(SQL["destructions"], most, before, field))
