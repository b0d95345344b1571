"""All that the gate may look at. PostgreSQL writes it as one JSON text, the decision records that text.

No reason of a hold and no person is here (T13-3, T16-3): `held` is all the gate is told.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from contract_gate.money import TaxRate
from contract_gate.readings import Reading

Months = Annotated[int, msgspec.Meta(ge=1, le=1200)]
Yen = Annotated[int, msgspec.Meta(ge=0)]


class Contract(msgspec.Struct, frozen=True):
    """The contract, its frozen numbers (T8-1) and how many names it lists now."""

    id: UUID
    number: int
    handle: str
    state: str
    end_cause: str | None
    accepted_at: datetime | None
    started_at: datetime | None
    term_months: Months
    names_max: int
    names_count: int
    fee_yen: Yen = 0


class Predecessor(msgspec.Struct, frozen=True):
    """A contract that this one follows, or a predecessor of that (T12-4, T12-6).

    `link`: whether its successor renews it or came of a change of certificate information (T14-1).
    """

    contract_id: UUID
    end_cause: str | None
    accepted_at: datetime | None
    started_at: datetime | None
    term_months: Months
    link: Literal["renewal", "change"] = "renewal"


class Consent(msgspec.Struct, frozen=True):
    """The newest consent: which texts, when (T2-1)."""

    terms_version: str
    cps_version: str
    consented_at: datetime


class ReviewItem(msgspec.Struct, frozen=True):
    """The newest item of its kind (T4-3); of screenings the newest positive one (T13-1)."""

    kind: str
    verdict: str
    obtained_on: date


class Subject(msgspec.Struct, frozen=True):
    """The newest reviewed subject: the only source of what a certificate says of the organisation."""

    organization: str
    country: str
    state_or_province: str | None
    locality: str | None


class Binding(msgspec.Struct, frozen=True):
    """The binding key of the account. `names` is its scope; empty means every name of the contract."""

    id: UUID
    contract_id: UUID
    names: tuple[str, ...]
    expires_at: datetime | None
    withdrawn_at: datetime | None


class NameEntry(msgspec.Struct, frozen=True):
    """A live entry of the contract's list of names that may cover a wanted name (T4-8)."""

    kind: Literal["host", "wildcard", "domain", "network"]
    value: str


class Invoice(msgspec.Struct, frozen=True):
    """An invoice with an open rest; under a dealer, whether the dealer states that the customer is in default."""

    contract_id: UUID
    number: str
    kind: str
    issued_on: date
    due_on: date
    open_yen: Yen
    total_yen: Yen
    created_at: datetime
    dealer: str | None = None
    dealer_states_default: bool = False


class InformationChange(msgspec.Struct, frozen=True):
    """An unresolved change of what the CA knows of the customer (T6-4, T11-2)."""

    item: str
    in_certificate: bool
    learned_at: datetime


class Suspension(msgspec.Struct, frozen=True):
    """A suspension of the whole service that has not ended; it may not have begun either (T10-1, T22-1, T22-2)."""

    clause: str
    starts_at: datetime
    ends_at: datetime | None


class Facts(msgspec.Struct, frozen=True):
    """What is known of one contract at one instant.

    `bank_data_from` and `bank_data_through` bound the days that the bank data of every account covers;
    `holidays` are those near the due dates of `invoices`; `predecessors` begin with the nearest;
    `tax_rates` are told of a contract that has not started: its fee will be billed by them;
    `free_reissue` says that certificates come again after a cause of the CA's own (T11-13). `untold` says that
    the notice of the contract's formation has not left (T4-5). `terms_version` is the version of the Terms in force,
    which the decision cites with everything else (T20-3).
    """

    contract: Contract | None
    predecessors: tuple[Predecessor, ...]
    consent: Consent | None
    review: tuple[ReviewItem, ...]
    subject: Subject | None
    binding: Binding | None
    names: tuple[NameEntry, ...]
    invoices: tuple[Invoice, ...]
    bank_data_from: date | None
    bank_data_through: date | None
    holidays: frozenset[date]
    held: bool
    changes: tuple[InformationChange, ...]
    suspensions: tuple[Suspension, ...]
    readings: tuple[Reading, ...]
    tax_rates: tuple[TaxRate, ...]
    free_reissue: bool
    terms_version: str | None
    untold: bool


class LoadedFacts(msgspec.Struct, frozen=True):
    """Facts and the text they were read from, which the decision records."""

    facts: Facts
    raw: bytes
