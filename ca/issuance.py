"""The steps of issuance, numbered.

1. Choose serial number, validity and shard: `prepare`.
2. Make the to-be-signed bytes: `certificate.to_be_signed`.
3. Lint them: `linting.lint`. Weak-key checks beyond size and curve, and pkilint, belong here.
4. Precertificate and SCTs belong here: both are recorded, signed and stored like 5 to 7 before any log sees them.
5. Record the bytes with the decision that admits them: the caller's transaction, with a `ToBeSigned`.
   That commit is the point of no return: what is recorded may be signed, and is revocable from then on.
6. Sign what is recorded: the signer, which knows only the record's id.
7. Store the certificate: the signer, in the statement that turns the record from `admitted` to `signed`.
"""

import os
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from ca.certificate import Issuer, Subject, Wanted, to_be_signed
from ca.linting import lint
from ca.profiles import Profile

SERIAL_OCTETS = 16


class ToBeSigned(msgspec.Struct, frozen=True):
    """A row of ca.to_be_signed (state `admitted`), field for column.

    Its serial number goes in the same statement to ca.serials (serial, to_be_signed_id = id, issuer_id).
    """

    id: UUID
    issuer_id: int
    admission_id: UUID
    serial: bytes
    profile: str
    tbs: bytes
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    deadline_at: datetime
    created_at: datetime


def new_serial() -> bytes:
    """Content octets of a serial number: 16 octets from the system's CSPRNG, positive, never shorter. C-079."""
    while True:
        octets = os.urandom(SERIAL_OCTETS)
        serial = bytes((octets[0] & 0x7F, *octets[1:]))
        if serial[0]:
            return serial


def prepare(
    issuer: Issuer,
    profile: Profile,
    subject: Subject,
    names: list[str],
    spki_der: bytes,
    not_before: datetime,
    not_after: datetime,
    admission_id: UUID,
    record_id: UUID,
    deadline_at: datetime,
    now: datetime,
) -> ToBeSigned:
    """Steps 1 to 3: what step 5 records. Instants are cut to whole seconds (C-083); the shard is fixed here.

    Raises LintError when the result would not be what profile and Baseline Requirements allow.
    """
    serial = new_serial()
    starts, ends = not_before.replace(microsecond=0), not_after.replace(microsecond=0)
    shard = int.from_bytes(serial, "big") % issuer.shard_count
    wanted = Wanted(profile, subject, tuple(names), spki_der, serial, starts, ends, shard)
    linted = lint(issuer, wanted, to_be_signed(issuer, wanted), now)
    return ToBeSigned(
        record_id, issuer.id, admission_id, serial, profile.name, linted.tbs, list(names), sha256(spki_der).digest(),
        starts, ends, shard, deadline_at, now,
    )  # fmt: skip
