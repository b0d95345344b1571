"""A CA, a good certificate request, and rows that admit it; tests break one thing at a time."""

import base64
import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ca import hierarchy, issuance
from ca.certificate import Issuer, Subject, Wanted
from ca.issuance import ToBeSigned
from ca.keys import FileKey
from ca.profiles import TLSSERVER, lifetime
from sql import Conn
from sql.ids import uuid7

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = hierarchy.Names("JP", "Keiyaku Demo KK", "Keiyaku Demo Root", "Keiyaku Demo OV CA", "http://status.demo.test")
SUBJECT = Subject("株式会社デモ", "JP", "Tokyo", "千代田区")
PASSPHRASE = b"correct horse battery staple"
DEADLINE = NOW + timedelta(hours=1)
_numbers = itertools.count(1)

ROOT, ISSUING, *ALTERNATES = hierarchy.make(NAMES, 4, NOW - timedelta(days=1))
ISSUER: Issuer = ISSUING.issuer
KEY: FileKey = ISSUING.key


def spki_of(key: Any) -> bytes:
    """SubjectPublicKeyInfo of a private key, in DER."""
    spki: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki


LEAF = ec.generate_private_key(ec.SECP256R1())
WANTED = Wanted(
    profile=TLSSERVER,
    subject=SUBJECT,
    names=("www.demo.test", "*.demo.test", "127.0.0.1", "::1"),
    spki_der=spki_of(LEAF),
    serial=issuance.new_serial(),
    not_before=NOW,
    not_after=NOW + lifetime(TLSSERVER, NOW),
    shard=2,
)


def record(
    issuer: Issuer = ISSUER,
    subject_names: Sequence[str] = ("www.demo.test", "*.demo.test"),
    *,
    precertificate: bool = False,
    **changes: Any,
) -> ToBeSigned:
    """A prepared record of `issuer`; `changes` replace columns afterwards."""
    made = issuance.prepare(
        issuer, TLSSERVER, SUBJECT, list(subject_names), spki_of(LEAF),
        NOW, WANTED.not_after, uuid7(NOW), uuid7(NOW), DEADLINE, NOW, precertificate=precertificate,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


async def admit(
    conn: Conn,
    row: ToBeSigned,
    *,
    outcome: str = "admitted",
    names: Sequence[str] | None = None,
    not_after_limit: datetime | None = None,
    state: str = "admitted",
    decided_at: datetime = NOW,
    reviewed: Subject | None = SUBJECT,
    stage: str = "finalize",
    listed: Sequence[tuple[str, str]] = (("domain", "demo.test"),),
    contract_state: str = "accepted",
    hold: str | None = None,
    started_at: datetime | None = None,
    fee_due_on: date | None = None,
    screening: str | None = None,
    told: bool | None = None,
) -> UUID:
    """The record with the decision that admits it, its contract with names and subject, its serial, a processing order
    and its issuance. Returns the order.
    """
    refused = outcome == "refused"
    contract_id, order_id, account_id = await contract(conn), uuid7(NOW), uuid7(NOW)
    admitted = row.names if names is None else list(names)
    await conn.execute(
        """INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, gate, "case", names,
               not_after_limit, facts, findings, decided_at)
           VALUES ($1, $2, $1, $8, $3, $4, $4, $5, $6, '', '', $7)""",
        row.admission_id, contract_id, outcome, "G6" if refused else None, admitted,
        None if refused else not_after_limit or row.not_after, decided_at, stage,
    )  # fmt: skip
    await conn.executemany(
        """INSERT INTO gate.contract_names (id, contract_id, kind, value, network, added_at)
           VALUES ($1, $2, $3, $4, CASE WHEN $3::text = 'network' THEN $4::text::cidr END, $5)""",
        [(uuid7(NOW), contract_id, kind, value, NOW) for kind, value in listed],
    )
    if contract_state == "ended":
        await conn.execute(
            "UPDATE gate.contracts SET state = 'ended', ended_at = $2, end_cause = 'cancelled' WHERE id = $1",
            contract_id, NOW,
        )  # fmt: skip
    if hold is not None:
        await conn.execute(
            """INSERT INTO gate.holds (id, contract_id, kind, status, reason, set_by, set_at)
               SELECT $1, $2, 'antisocial', $3, 'grounds', accepted_by_first, $4 FROM gate.contracts WHERE id = $2""",
            uuid7(NOW), contract_id, hold, NOW,
        )  # fmt: skip
    if started_at is not None:
        await conn.execute(
            "INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at) VALUES ($1, $1, $2)",
            contract_id, started_at,
        )  # fmt: skip
    if fee_due_on is not None:
        await conn.execute(
            """INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen,
                   created_at)
               VALUES ($1, $2, $5, 'fee', $3::date - 30, $3, 1000, 1000, $4)""",
            uuid7(NOW), contract_id, fee_due_on, NOW, f"n{next(_numbers)}",
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO gate.bank_accounts (id, handle, covered_from, covered_through)
               VALUES ($1, $3, '2020-01-01', $2)""",
            uuid7(NOW), NOW.date(), f"b{next(_numbers)}",
        )  # fmt: skip
    if told is not None:
        notice_id = uuid7(NOW)
        await conn.execute(
            "INSERT INTO office.notices (id, kind, clause, queued_at) VALUES ($1, 'contract_formed', 'A4.3', $2)",
            notice_id, NOW,
        )  # fmt: skip
        await conn.execute(
            "INSERT INTO gate.formation_notices VALUES ($1, $2, $3)", contract_id, notice_id, NOW if told else None
        )
    if screening is not None:
        await conn.execute(
            """INSERT INTO gate.review_items (id, contract_id, kind, criteria_version, source, obtained_on, checked_by,
                   verdict, recorded_at)
               SELECT $1, $2, 'screening', '1', 'source', $4, accepted_by_first, $3, $5
               FROM gate.contracts WHERE id = $2""",
            uuid7(NOW), contract_id, screening, NOW.date(), NOW,
        )  # fmt: skip
    if reviewed is not None:
        await conn.execute(
            """INSERT INTO gate.reviewed_subjects (id, contract_id, organization, country, state_or_province, locality,
                   checked_by, recorded_at)
               SELECT $1, $2, $3, $4, $5, $6, accepted_by_first, $7 FROM gate.contracts WHERE id = $2""",
            uuid7(NOW), contract_id, *msgspec.structs.astuple(reviewed), NOW,
        )  # fmt: skip
    await conn.execute(
        """INSERT INTO ca.to_be_signed (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256,
               not_before, not_after, shard, deadline_at, created_at, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        *msgspec.structs.astuple(row), state,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO ca.serials (serial, to_be_signed_id, issuer_id) VALUES ($1, $2, $3)",
        row.serial, row.id, row.issuer_id,
    )  # fmt: skip
    await conn.execute(
        """INSERT INTO acme.orders (id, account_id, contract_id, admission_id, status, names, authorization_ids,
               profile, deadline_at, expires_at, created_at)
           VALUES ($1, $2, $3, $4, 'processing', $5, '{}', $6, $7, $7, $8)""",
        order_id, account_id, contract_id, row.admission_id, row.names, row.profile, row.deadline_at, NOW,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO acme.issuances (order_id, to_be_signed_id, account_id, contract_id) VALUES ($1, $2, $3, $4)",
        order_id, row.id, account_id, contract_id,
    )  # fmt: skip
    return order_id


async def contract(conn: Conn) -> UUID:
    """An accepted contract. Returns its id."""
    first, second, customer, plan, made = (uuid7(NOW) for _ in range(5))
    handle = f"h{next(_numbers)}"
    await conn.execute(
        """INSERT INTO gate.persons (id, handle, name, organisation, created_at)
           VALUES ($1, $3 || '-a', 'A', 'CA', $4), ($2, $3 || '-b', 'B', 'CA', $4)""",
        first, second, handle, NOW,
    )  # fmt: skip
    await conn.execute(
        """INSERT INTO gate.customers (id, handle, name, kind, based_in_japan, created_at)
           VALUES ($1, $2, 'Demo', 'juridical_person', true, $3)""",
        customer, handle, NOW,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max) VALUES ($1, $2, 'OV', 0, 12, 9)",
        plan, handle,
    )  # fmt: skip
    await conn.execute(
        """INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, state,
               applied_at, accepted_at, accepted_by_first, accepted_by_second)
           VALUES ($1, $2, $3, $4, 0, 12, 9, 'accepted', $5, $5, $6, $7)""",
        made, handle, customer, plan, NOW, first, second,
    )  # fmt: skip
    return made


def certificate_of(der: bytes) -> x509.Certificate:
    """The certificate, parsed."""
    return x509.load_der_x509_certificate(der)


def write_pem(path: Path, *ders: bytes, label: str = "CERTIFICATE") -> Path:
    """A PEM file of these."""
    path.write_text(
        "".join(f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n" for der in ders)
    )
    return path
