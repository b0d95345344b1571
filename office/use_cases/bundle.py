"""The proof that one certificate was allowed: files that an auditor reads and checks offline (design §6).

A bundle is parts by name. Whoever makes one leaves a row of evidence with the digest of all parts; once that row is
sealed, `finished` adds every row with its proof, so that nothing of the bundle can be changed unseen.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from ca import storage as ca
from ca.der import elements
from ca.precertificate import scts_of
from contract_gate.evidence import Checkpoint, Record, hashes_of, inclusion_proof
from contract_gate.record import DecisionRow
from office.storage import bundles
from office.storage.bundles import Issued, Request
from office.use_cases.asked import Unfit
from office.use_cases.bundle_page import page
from office.use_cases.certificates import serial_of
from sql import Conn
from sql.evidence import append, entry

FORMAT = "keiyaku bundle 1"
MANIFEST, EVIDENCE, PAGE = "manifest.json", "evidence.json", "index.html"
KIND = "certificate.bundled"

Parts = dict[str, bytes]


class Part(msgspec.Struct, frozen=True):
    """What a part must be."""

    sha256: str
    octets: int


class Manifest(msgspec.Struct, frozen=True):
    """The parts of a bundle. `sealed`: the digest, of all but the evidence, that the row of its making has."""

    format: str
    serial: str
    made_at: datetime
    sealed: str
    parts: dict[str, Part]


class Row(msgspec.Struct, frozen=True):
    """A row of evidence, its content as text, and the proof that a checkpoint has it. Digests are hexadecimal."""

    id: UUID
    era: int
    transaction_id: int
    kind: str
    contract_id: UUID | None
    actor: str
    recorded_at: datetime
    content: str
    checkpoint: int
    index: int
    path: list[str]

    def record(self) -> Record:
        """The row as it is stored."""
        return Record(
            self.id, self.era, self.transaction_id, self.kind, self.contract_id, self.actor, self.recorded_at,
            self.content.encode(),
        )  # fmt: skip


class Evidence(msgspec.Struct, frozen=True):
    """Rows, and the checkpoints that have them, without their leaves."""

    checkpoints: list[Checkpoint]
    rows: list[Row]


class Draft(msgspec.Struct, frozen=True):
    """A bundle whose making is recorded, but not sealed yet."""

    serial: str
    made_at: datetime
    sealed: str
    parts: Parts
    records: list[Record]


async def draft(conn: Conn, serial: str, actor: str, now: datetime) -> Draft:
    """Everything the certificate was issued on, and the evidence that this was asked for. Raises Unfit."""
    found = await bundles.issued(conn, serial_of(serial))
    if found is None:
        raise Unfit(f"there is no certificate {serial}: see `keiyaku certificate list`")
    asked = None if found.order_id is None else await bundles.request(conn, found.order_id)
    if asked is None or found.contract_id is None:
        raise Unfit(f"no order asked for {serial}: there is no contract that allowed it")
    async with conn.transaction():
        parts, records = await gathered(conn, found, asked, found.contract_id)
        parts[PAGE] = page(found.serial.hex(), parts)
        sealed = digest_of(parts)
        proof = entry(KIND, actor, now, contract_id=found.contract_id, serial=found.serial.hex(), sha256=sealed)
        await append(conn, proof)
        records.append(await bundles.record(conn, proof.id))
    return Draft(found.serial.hex(), now, sealed, parts, records)


async def gathered(conn: Conn, found: Issued, asked: Request, contract_id: UUID) -> tuple[Parts, list[Record]]:
    """The parts but for the page, and the evidence that belongs to them. Raises Unfit."""
    decided = await bundles.decisions(conn, asked, found.admission_id)
    proven = await bundles.authorizations(conn, asked.authorization_ids)
    revoked = await bundles.revocation(conn, found.serial)
    contracts = sorted({contract_id, asked.bound_contract_id})
    at = decided[-1].decided_at
    since = min([asked.created_at, *(one.validated_at or one.created_at for one in proven)])
    founded = await bundles.records_of_contract(conn, contracts, asked.account_id, at)
    became = await bundles.records_of_order(
        conn, found, contracts, since, [one.id for one in decided], asked.authorization_ids
    )
    if max(len(founded), len(became)) >= bundles.MOST:
        raise Unfit(f"{bundles.MOST} rows of evidence or more belong to {found.serial.hex()}: no bundle holds so many")
    records = founded + became
    parts = {
        "request.json": shown(request_of(found, asked)),
        "contract.json": shown(await bundles.contract(conn, contract_id)),
        "consent.json": shown(await bundles.consent(conn, contract_id, at)),
        "review.json": shown(await bundles.review(conn, contract_id, at)),
        "payment.json": shown(await bundles.invoices(conn, contract_id, at)),
        "validation.json": shown(validation_of(proven, records, at)),
        **decision_parts(decided),
        **await certificates(conn, found, records),
    }
    return parts | ({"revocation.json": shown(revoked)} if revoked else {}), records


def request_of(found: Issued, asked: Request) -> dict[str, object]:
    """What was asked for, by which account's key, for which key."""
    return {
        "order": asked.id, "account": asked.account_id,
        "account_key_thumbprint": base64.urlsafe_b64encode(asked.thumbprint).rstrip(b"=").decode(),
        "names": asked.names, "profile": asked.profile, "not_before": asked.not_before, "not_after": asked.not_after,
        "replaces": asked.replaces, "ordered_at": asked.created_at, "key_sha256": found.spki_sha256.hex(),
        "csr_sha256": sha256(asked.csr).hexdigest() if asked.csr else None,
    }  # fmt: skip


def validation_of(
    proven: Iterable[bundles.Authorization], records: Sequence[Record], at: datetime
) -> list[dict[str, object]]:
    """For each name how control of it was proven and how old that was at `at`, with what was seen, CAA included."""
    said = {str(one["authorization"]): one for r in records if r.kind == "authorization.validated"
            for one in [msgspec.json.decode(r.content)]}  # fmt: skip
    found = []
    for one in proven:
        content = said.get(str(one.id), {})
        age = None if one.validated_at is None else int((at - one.validated_at).total_seconds())
        found.append(
            msgspec.to_builtins(one)
            | {"section": content.get("section"), "age_seconds": age, "seen": content.get("seen")}
        )
    looked = [msgspec.json.decode(r.content) for r in records if r.kind == "caa.checked"]
    return [*found, *({"caa": one["seen"]} for one in looked)]


def decision_parts(decided: Iterable[DecisionRow]) -> Parts:
    """Of each decision what it was asked and found, and, apart, the octets of its facts."""
    parts: Parts = {}
    for number, row in enumerate(decided, start=1):
        fields = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("facts", "findings")}
        parts[f"decision-{number}.json"] = shown(fields | {"asked": msgspec.Raw(row.findings)})
        parts[f"decision-{number}-facts.json"] = row.facts
    return parts


async def certificates(conn: Conn, found: Issued, records: Iterable[Record]) -> Parts:
    """What was signed, what the linter said, the SCTs, and the issuers up to the root."""
    parts: Parts = {}
    for name, der in (("precertificate.der", found.precertificate), ("certificate.der", found.certificate)):
        if der is not None:
            parts[name] = der
    for number, der in enumerate(await ca.issuer_chain(conn, found.issuer_id), start=1):
        parts[f"issuer-{number}.der"] = der
    signed = [(r.kind, msgspec.json.decode(r.content)) for r in records if r.kind.endswith("certificate.signed")]
    parts["lint.json"] = shown(
        [{"of": kind, "lint": said.get("lint"), "sha256": said["sha256"]} for kind, said in signed]
    )
    if found.precertificate is not None and found.certificate is not None:
        scts = scts_of(elements(found.certificate)[0])
        parts["scts.json"] = shown([{"log_id": one.log_id.hex(), "at": one.at} for one in scts])
    return parts


def shown(value: object) -> bytes:
    """Indented JSON, its members in their order, octets in base64."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def digest_of(parts: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and digests of parts, in the order of names."""
    lines = [f"{sha256(parts[name]).hexdigest()} {name}\n" for name in sorted(parts)]
    return sha256("".join(lines).encode()).hexdigest()


def finished(made: Draft, checkpoints: Iterable[Checkpoint | None]) -> Parts | None:
    """The whole bundle; None while a row of it is in no checkpoint yet."""
    rows: list[Row] = []
    used: list[Checkpoint] = []
    for one in checkpoints:
        inside = [] if one is None else [record for record in made.records if sealed_by(one, record)]
        if one is not None and inside:
            used.append(msgspec.structs.replace(one, leaves=b""))
            rows += proven_rows(one, inside)
    if len(rows) != len(made.records):
        return None
    parts = made.parts | {EVIDENCE: shown(Evidence(used, sorted(rows, key=lambda row: row.id)))}
    listed = {name: Part(sha256(content).hexdigest(), len(content)) for name, content in sorted(parts.items())}
    return parts | {MANIFEST: shown(Manifest(FORMAT, made.serial, made.made_at, made.sealed, listed))}


def sealed_by(one: Checkpoint, record: Record) -> bool:
    """Whether the record lies in the checkpoint's range."""
    return one.era == record.era and one.from_transaction <= record.transaction_id < one.to_transaction


def proven_rows(one: Checkpoint, records: Iterable[Record]) -> list[Row]:
    """Each record with its place among the checkpoint's leaves, as far as it is there."""
    hashes = hashes_of(one.leaves)
    places = {one.leaves[at * 48 : at * 48 + 16]: at for at in range(len(hashes))}
    return [
        row_of(record, one.number, places[record.id.bytes], hashes) for record in records if record.id.bytes in places
    ]


def row_of(record: Record, number: int, index: int, hashes: Sequence[bytes]) -> Row:
    """The record with its proof of inclusion."""
    fields: dict[str, Any] = {name: getattr(record, name) for name in record.__struct_fields__}
    path = [step.hex() for step in inclusion_proof(hashes, index)]
    return Row(**fields | {"content": record.content.decode()}, checkpoint=number, index=index, path=path)
