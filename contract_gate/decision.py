"""What may be asked of the gate, and what it may answer."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

Stage = Literal["new_authorization", "new_order", "finalize", "before_signing"]


class Gate(Enum):
    """The ten conditions, in order (articles.md §0.4)."""

    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"
    G5 = "G5"
    G6 = "G6"
    G7 = "G7"
    G8 = "G8"
    G9 = "G9"
    G10 = "G10"


class Case(Enum):
    """Why a gate refuses, as far as a client may learn it (T0-1, T0-3)."""

    NOT_ACCEPTED = "not_accepted"  # G1
    ENDED = "ended"  # G1
    RENEWAL_NEEDED = "renewal_needed"  # G1
    NO_CONSENT = "no_consent"  # G2
    REVIEW_INCOMPLETE = "review_incomplete"  # G3
    REVIEW_STALE = "review_stale"  # G3
    BINDING = "binding"  # G4
    NAMES = "names"  # G5
    TOO_MANY_NAMES = "too_many_names"  # G5
    OVERDUE = "overdue"  # G6
    HOLD = "hold"  # G7
    INFORMATION_CHANGED = "information_changed"  # G8
    SUSPENDED = "suspended"  # G9
    TOO_SHORT = "too_short"  # G10


class Satisfied(msgspec.Struct, frozen=True, array_like=True, tag="satisfied"):
    """A rule that holds."""

    rule: str
    clause: str


class Breach(msgspec.Struct, frozen=True, array_like=True, tag="breach"):
    """A rule that does not hold. `note` is for the CA's people only; `names` are the wanted names that fail it."""

    rule: str
    clause: str
    note: str
    case: Case
    names: tuple[str, ...] = ()


Finding: TypeAlias = Satisfied | Breach


class Request(msgspec.Struct, frozen=True):
    """The certificate that is wanted. `lifetime` is what the profile allows, at most the BR limit less a day."""

    names: tuple[str, ...]
    not_before: datetime | None
    not_after: datetime | None
    lifetime: timedelta


class Admitted(msgspec.Struct, frozen=True):
    """These names may be certified until `not_after_limit`. `facts` is the text the decision was made from."""

    contract_id: UUID
    binding_key_id: UUID
    names: tuple[str, ...]
    not_after_limit: datetime
    facts: bytes
    findings: tuple[Finding, ...]
    decided_at: datetime
    request: Request


class Refused(msgspec.Struct, frozen=True):
    """No certificate. Gate and case are those to report (T0-3), `names` the wanted names that fail there.

    `retry_after`, in seconds, is set for G9 alone. The ids are None when nothing is known by them.
    """

    contract_id: UUID | None
    binding_key_id: UUID | None
    gate: Gate
    case: Case
    names: tuple[str, ...]
    retry_after: int | None
    facts: bytes
    findings: tuple[Finding, ...]
    decided_at: datetime
    request: Request
