"""Article 16: confidentiality and personal data (機密保持・個人情報)."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.calendar import JST

Since = Literal[
    "last_certificate", "ended", "issued", "closed", "delivered", "queued", "received", "removed", "proposed", "left",
    "signed",
]  # fmt: skip


class Retention(msgspec.Struct, frozen=True):
    """Why a field with personal data is kept, and how many years from when; then it is destroyed, its record stays.

    `columns` are those that are emptied, or hold a pseudonym from then on. Of an application that formed no contract
    what it stated goes with its documents (T4-7, R-5), who applied so many years after them.
    """

    field: str
    columns: tuple[str, ...]
    purpose: str
    years: int
    since: Since


# T16-2. Each column of the schema with personal data is in here: tests/architecture/test_personal_data.py.
REVIEW, NOTICES, BOOKS, CA_KEYS = "review (BR 5.5.2)", "notices", "books", "CA keys (BR 5.4.3)"
PROOF, REVOCATION, DECISIONS = "proof of notices", "revocation (BR 5.5.2)", "decisions (BR 5.4.3) and books"
CUSTOMER = ("gate.customers.name", "gate.customers.handle")
PERSON = ("gate.persons.name", "gate.persons.handle")
_ALL = (
    Retention(
        "documents.content", ("office.documents.sealed_content", "office.documents.sealed_key"), REVIEW, 2,
        "last_certificate",
    ),
    Retention(
        "applications.representative", ("office.applications.representative", "office.applications.payer"), REVIEW, 2,
        "last_certificate",
    ),
    Retention(
        "screenings.subject", ("office.screenings.subject", "office.screenings.source", "office.screenings.grounds"),
        REVIEW, 2, "last_certificate",
    ),
    Retention("holds.reason", ("gate.holds.reason",), REVIEW, 2, "last_certificate"),
    Retention("requesters.name", PERSON, REVIEW, 2, "last_certificate"),
    Retention(
        "invoice_papers.buyer", ("office.invoice_papers.buyer", "office.invoice_papers.payer"), "invoices", 7, "issued"
    ),
    Retention("receipts.remitter", ("gate.receipts.remitter",), BOOKS, 7, "received"),
    Retention(
        "bank_lines.remitter",
        ("office.bank_lines.remitter", "office.bank_lines.remitter_code", "office.bank_lines.edi"),
        BOOKS, 7, "received",
    ),
    Retention("payer_aliases.name", ("office.payer_aliases.name", "office.payer_aliases.key"), "payments", 2, "ended"),
    Retention(
        "dealer_aliases.name", ("office.dealer_aliases.name", "office.dealer_aliases.key"), "payments", 2, "removed"
    ),
    Retention(
        "problem_reports.reporter",
        ("office.problem_reports.reporter", "office.problem_reports.email", "office.problem_reports.what"),
        REVOCATION, 2, "closed",
    ),
    Retention(
        "key_proofs.reporter", ("office.key_proofs.reporter", "office.key_proofs.email"), REVOCATION, 2, "received"
    ),
    Retention("cases.reporter", ("office.cases.reporter",), REVOCATION, 2, "last_certificate"),
    Retention("proposals.arguments", ("office.proposals.arguments",), DECISIONS, 7, "proposed"),
    Retention(
        "deliveries.body",
        ("office.deliveries.address", "office.deliveries.subject", "office.deliveries.body",
         "office.deliveries.last_error", "office.notices.given"),
        PROOF, 7, "delivered",
    ),
    Retention(
        "deliveries.address",
        ("office.deliveries.address", "office.deliveries.subject", "office.deliveries.body",
         "office.deliveries.last_error"),
        PROOF, 7, "queued",
    ),
    Retention("notices.given", ("office.notices.given",), PROOF, 7, "queued"),
    Retention("contacts.postal_address", ("office.contacts.postal_address",), NOTICES, 2, "ended"),
    Retention("recipients.email", ("office.recipients.name", "office.recipients.email"), NOTICES, 2, "ended"),
    Retention("customers.contact_email", ("gate.customers.contact_email",), NOTICES, 2, "ended"),
    Retention("accounts.contacts", ("acme.accounts.contacts",), NOTICES, 2, "ended"),
    Retention("applicants.name", CUSTOMER, REVIEW, 2, "ended"),
    Retention("customers.name", CUSTOMER, BOOKS, 7, "ended"),
    # a root lives 20 years (ca/hierarchy.py), and two more pass after it
    Retention("ceremonies.transcript", ("office.ceremonies.transcript",), CA_KEYS, 22, "signed"),
    Retention("root_crls.transcript", ("office.root_crls.transcript",), CA_KEYS, 22, "signed"),
    Retention("persons.name", PERSON, DECISIONS, 7, "left"),
)  # fmt: skip
RETENTION: Mapping[str, Retention] = MappingProxyType({each.field: each for each in _ALL})

PRELIMINARY, FINAL, FINAL_IF_MALICIOUS = timedelta(days=5), timedelta(days=30), timedelta(days=60)


def kept_since(field: str, now: datetime) -> datetime:
    """What began its retention at this instant or before is past it; years are those of Japan. T16-2 [A16.3]."""
    local = now.astimezone(JST)
    year = local.year - RETENTION[field].years
    try:
        return local.replace(year=year)
    except ValueError:  # 29 February: the year before had none, so it ends with the 28th
        return local.replace(year=year, day=28)


class LeakDue(msgspec.Struct, frozen=True):
    """By when a leak is reported."""

    preliminary_at: datetime
    final_at: datetime


def leak_due(found_at: datetime, malicious: bool) -> LeakDue:
    """Preliminary report within five days of finding it, final one within 30, 60 if it was malicious. T16-2 [A16.3]."""
    return LeakDue(found_at + PRELIMINARY, found_at + (FINAL_IF_MALICIOUS if malicious else FINAL))


def pseudonym(key: bytes, kind: str, id: UUID) -> str:
    """The name of somebody in exports: the same as long as the key is, and no way back without it. T16-3 [A16.3]."""
    return f"{kind}-{hmac.new(key, kind.encode() + id.bytes, sha256).hexdigest()[:20]}"
