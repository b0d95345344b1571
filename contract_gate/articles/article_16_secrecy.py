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

Since = Literal["last_certificate", "ended", "issued", "closed", "delivered"]


class Retention(msgspec.Struct, frozen=True):
    """Why a field with personal data is kept, and how many years from when; then it is destroyed, its record stays."""

    field: str
    purpose: str
    years: int
    since: Since


# T16-2. What is not here is no personal data, has a duty of its own (rejected applications: T4-7), or is named in
# docs/known-gaps.md.
_ALL = (
    Retention("documents.content", "review (BR 5.5.2)", 2, "last_certificate"),
    Retention("applications.representative", "review (BR 5.5.2)", 2, "last_certificate"),
    Retention("screenings.subject", "review (BR 5.5.2)", 2, "last_certificate"),
    Retention("invoice_papers.buyer", "invoices", 7, "issued"),
    Retention("problem_reports.reporter", "revocation (BR 5.5.2)", 2, "closed"),
    Retention("key_proofs.reporter", "revocation (BR 5.5.2)", 2, "issued"),
    Retention("deliveries.body", "proof of notices", 7, "delivered"),
    Retention("contacts.postal_address", "notices", 2, "ended"),
    Retention("recipients.email", "notices", 2, "ended"),
)
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
