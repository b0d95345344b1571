"""The steps of issuance, numbered.

1. Choose serial number, validity and shard: `prepare`.
2. Make the to-be-signed bytes: `certificate.to_be_signed`.
3. Check them: `linting.lint`, our own exact profile check.
4. Record the bytes with the decision that admits them: the caller's transaction, with a `ToBeSigned`.
   That commit is the point of no return: what is recorded may be signed, and is revocable from then on.
5. Lint and sign what is recorded: the signer, which knows only the record's id; pkilint in `pkilint_pool.py`.
6. Store the certificate: the signer, in the statement that turns the record from `admitted` to `signed`.

With Certificate Transparency (RFC 6962) what is recorded is the precertificate, and 6 stores it before any log sees it
(C-125). Then:

7. Submit it to logs: `ct.py`, which verifies each SCT; `ct_logs.py` says which logs, and which SCTs are enough.
8. Record the certificate that they lead to: `precertificate.final_tbs`, once for ever.
9. Sign it, if it is the stored precertificate's (`precertificate.faults`), and store it as in 6: the signer.
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
    *,
    precertificate: bool = False,
) -> ToBeSigned:
    """Steps 1 to 3: what step 4 records. Instants are cut to whole seconds (C-083); the shard is fixed here.

    Raises LintError when the result would not be what profile and Baseline Requirements allow.
    """
    serial = new_serial()
    starts, ends = not_before.replace(microsecond=0), not_after.replace(microsecond=0)
    shard = int.from_bytes(serial, "big") % issuer.shard_count
    wanted = Wanted(profile, subject, tuple(names), spki_der, serial, starts, ends, shard, precertificate)
    linted = lint(issuer, wanted, to_be_signed(issuer, wanted), now)
    return ToBeSigned(
        record_id, issuer.id, admission_id, serial, profile.name, linted.tbs, list(names), sha256(spki_der).digest(),
        starts, ends, shard, deadline_at, now,
    )  # fmt: skip
