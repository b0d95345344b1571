"""Whether a bundle is what was sealed, and says that its certificate was allowed (pure). Design §6.

Needs the bundle, the sealer's public key, and, if the auditor has them, the checkpoints from outside the database.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ca.der import DerError, elements
from ca.precertificate import faults as precertificate_faults
from contract_gate.evidence import Checkpoint, checkpoint_hash, is_included, leaf_hash
from contract_gate.record import ENCODER, DecisionRow, Findings, recorded, replay
from office.use_cases.bundle import EVIDENCE, FORMAT, KIND, MANIFEST, Evidence, Manifest, Row, digest_of

T = TypeVar("T")
CERTIFICATES = (("certificate.der", "certificate.signed"), ("precertificate.der", "precertificate.signed"))


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong: of which part, row or checkpoint, and what."""

    subject: str
    what: str


def verify(
    parts: Mapping[str, bytes], key: Ed25519PublicKey, checkpoints: Iterable[Checkpoint | None] | None = None
) -> list[Fault]:
    """Everything that is wrong with the bundle; empty: it is whole."""
    manifest, unread = read(parts, MANIFEST, Manifest)
    if manifest is None:
        return unread
    found = list(against_manifest(parts, manifest))
    evidence, unread = read(parts, EVIDENCE, Evidence)
    if evidence is None:
        return found + (unread if EVIDENCE in parts else [])
    found += against_key(evidence, key)
    if checkpoints is not None:
        found += against_file(evidence, checkpoints)
    found += against_seal(parts, manifest, evidence)
    if not found:
        found += consistency(parts, evidence)
    return found


def consistency(parts: Mapping[str, bytes], evidence: Evidence) -> list[Fault]:
    """Whether what is genuine says that the certificate was allowed."""
    try:
        return list(against_itself(parts, evidence))
    except (ValueError, DerError, x509.ExtensionNotFound) as fault:  # msgspec's are ValueErrors
        return [Fault("bundle", f"a part cannot be read: {fault}")]


def read(parts: Mapping[str, bytes], name: str, kind: type[T]) -> tuple[T | None, list[Fault]]:
    """A part as what it must be."""
    if name not in parts:
        return None, [Fault(name, "missing")]
    try:
        return msgspec.json.decode(parts[name], type=kind), []
    except msgspec.DecodeError as fault:
        return None, [Fault(name, f"unreadable: {fault}")]


def against_manifest(parts: Mapping[str, bytes], manifest: Manifest) -> Iterator[Fault]:
    """Parts that the manifest says otherwise of."""
    if manifest.format != FORMAT:
        yield Fault(MANIFEST, f"of another format than {FORMAT}")
    for name, wanted in manifest.parts.items():
        if name not in parts:
            yield Fault(name, "missing")
        elif len(parts[name]) < wanted.octets:
            yield Fault(name, f"truncated: {len(parts[name])} of {wanted.octets} octets")
        elif sha256(parts[name]).hexdigest() != wanted.sha256:
            yield Fault(name, "changed")
    yield from (Fault(name, "added") for name in sorted(parts.keys() - manifest.parts.keys() - {MANIFEST}))


def against_key(evidence: Evidence, key: Ed25519PublicKey) -> Iterator[Fault]:
    """Checkpoints that the key did not sign, and rows that no checkpoint has."""
    by_number = {one.number: one for one in evidence.checkpoints}
    for one in evidence.checkpoints:
        try:
            if checkpoint_hash(one) != one.hash:
                yield Fault(f"checkpoint {one.number}", "changed")
            key.verify(one.signature, one.hash)
        except (InvalidSignature, struct.error):
            yield Fault(f"checkpoint {one.number}", "not signed by this key")
    for row in evidence.rows:
        if not sealed(row, by_number.get(row.checkpoint)):
            yield Fault(f"row {row.id}", f"not what checkpoint {row.checkpoint} sealed")


def sealed(row: Row, one: Checkpoint | None) -> bool:
    """Whether the row is in the checkpoint."""
    if one is None:
        return False
    try:
        path = [bytes.fromhex(step) for step in row.path]
        return is_included(leaf_hash(row.record()), row.index, one.record_count, path, one.root)
    except (ValueError, struct.error):
        return False


def against_file(evidence: Evidence, checkpoints: Iterable[Checkpoint | None]) -> list[Fault]:
    """Checkpoints that the file outside the database has otherwise, or has not."""
    wanted = {one.number: one for one in evidence.checkpoints}
    kept = {one.number: msgspec.structs.replace(one, leaves=b"") for one in checkpoints if one and one.number in wanted}
    return [
        Fault(f"checkpoint {number}", "not that of the file" if number in kept else "missing from the file")
        for number, one in wanted.items()
        if kept.get(number) != one
    ]


def against_seal(parts: Mapping[str, bytes], manifest: Manifest, evidence: Evidence) -> Iterator[Fault]:
    """Whether the parts are those whose digest the evidence of the bundle's making has."""
    made = [content_of(row) for row in evidence.rows if row.kind == KIND]
    digest = digest_of({name: one for name, one in parts.items() if name not in (MANIFEST, EVIDENCE)})
    if len(made) != 1:
        yield Fault(EVIDENCE, "the row of the bundle's making is missing")
    elif made[0].get("sha256") != digest or made[0].get("serial") != manifest.serial:
        yield Fault("bundle", "its parts are not those that were sealed when it was made")
    if manifest.sealed != digest:
        yield Fault(MANIFEST, "its digest of all parts is another one")


def content_of(row: Row) -> dict[str, object]:
    """What the row says."""
    try:
        said = msgspec.json.decode(row.content)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def against_itself(parts: Mapping[str, bytes], evidence: Evidence) -> Iterator[Fault]:
    """Signatures, decisions, validation. Raises ValueError, DerError, ExtensionNotFound."""
    said = [(row.kind, content_of(row)) for row in evidence.rows]
    digests = {(kind, one.get("sha256")) for kind, one in said}
    for name, kind in CERTIFICATES:
        if name in parts and (kind, sha256(parts[name]).hexdigest()) not in digests:
            yield Fault(name, f"no row {kind} names it")
    yield from against_chain(parts)
    names = [n for n in parts if n.startswith("decision-") and not n.endswith("-facts.json")]
    decided = sorted(((decision_of(parts, n), n) for n in names), key=lambda pair: pair[0].decided_at)
    for row, name in decided:
        yield from against_decision(name, row, said)
    if not decided:
        yield Fault("decision-1.json", "missing")
        return
    last, name = decided[-1]
    yield from against_admission(parts, last, name)
    yield from against_validation(last.names, [one for kind, one in said if kind == "authorization.validated"])


def against_admission(parts: Mapping[str, bytes], last: DecisionRow, name: str) -> Iterator[Fault]:
    """What was signed is within what the last decision allows."""
    if last.outcome != "admitted" or last.not_after_limit is None:
        yield Fault(name, "the gate refused")
        return
    for part, _ in CERTIFICATES:
        if part in parts:
            names, not_after = names_of(x509.load_der_x509_certificate(parts[part]))
            if names != set(last.names) or not_after > last.not_after_limit:
                yield Fault(part, f"not within what {name} allows")


def names_of(certificate: x509.Certificate) -> tuple[set[str], datetime]:
    """Names and end of a certificate."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}
    return names, certificate.not_valid_after_utc


def against_validation(names: Sequence[str], said: Sequence[Mapping[str, object]]) -> Iterator[Fault]:
    """Control of every name was proven: of the name itself, or of a domain above it for all below."""
    valid = [one for one in said if one.get("outcome") == "valid"]
    proven = {one.get("name") for one in valid}
    above = [str(one.get("domain")) for one in valid if one.get("subdomains")]
    for wanted in sorted(set(names) - proven):
        if not any(f".{wanted.removeprefix('*.')}".endswith(f".{domain}") for domain in above):
            yield Fault("validation.json", f"no row says that control of {wanted} was proven")


def against_chain(parts: Mapping[str, bytes]) -> Iterator[Fault]:
    """Each certificate is signed by the next issuer, and the certificate is its precertificate's."""
    issuers = [x509.load_der_x509_certificate(parts[name]) for name in sorted(parts) if name.startswith("issuer-")]
    for name, _ in CERTIFICATES:
        if name in parts:
            chain = [x509.load_der_x509_certificate(parts[name]), *issuers]
            for one, above in zip(chain, [*issuers, issuers[-1]], strict=True):
                try:
                    one.verify_directly_issued_by(above)
                except (InvalidSignature, ValueError, TypeError):
                    yield Fault(name, f"the chain breaks at {one.subject.rfc4514_string()}")
    if all(name in parts for name, _ in CERTIFICATES):
        try:
            why = precertificate_faults(*(elements(parts[name])[0] for name, _ in CERTIFICATES))
        except DerError as fault:
            why = str(fault)
        if why:
            yield Fault("certificate.der", why)


def decision_of(parts: Mapping[str, bytes], name: str) -> DecisionRow:
    """The decision of a part, with its facts."""
    fields = msgspec.json.decode(parts[name], type=dict[str, msgspec.Raw])
    findings = ENCODER.encode(msgspec.json.decode(fields.pop("asked"), type=Findings))
    empty = {"facts": msgspec.Raw(b'""'), "findings": msgspec.Raw(b'""')}
    row = msgspec.json.decode(msgspec.json.encode(fields | empty), type=DecisionRow)
    facts = parts.get(name.removesuffix(".json") + "-facts.json", b"")
    return msgspec.structs.replace(row, facts=facts, findings=findings)


def against_decision(name: str, row: DecisionRow, said: Iterable[tuple[str, dict[str, object]]]) -> Iterator[Fault]:
    """The decision is in evidence with these facts, and is made again the same from them."""
    proofs = [one for kind, one in said if kind == "gate.decided" and one.get("decision") == str(row.id)]
    if not proofs:
        yield Fault(name, "no row gate.decided names it")
    elif proofs[0].get("inputs_sha256") != sha256(row.facts).hexdigest():
        yield Fault(name, "its facts are not those of the row gate.decided")
    if recorded(row.id, replay(row), row.stage) != row:
        yield Fault(name, "made again from its facts, it is another one")
