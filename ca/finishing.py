"""Step 9 of issuance (pure): what must hold of a certificate that goes with a stored precertificate, and its signature.

It is not linted again: it is shown to be the linted precertificate's, by our own bytes and by another parser (C-066).
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from ca import precertificate, sct
from ca.blocklist import Blocklist
from ca.certificate import Issuer, assemble
from ca.ct_logs import Log, enough, needed
from ca.der import elements
from ca.lint_report import unsigned
from ca.signer_lines import SignRefused
from ca.signing import Authority, Certified, Held, Record, checked

NO_FINAL = "no certificate is recorded for its precertificate"


def finish(
    record: Record, held: Held, authority: Authority, logs: Mapping[bytes, Log], blocklist: Blocklist | None,
    now: datetime,
) -> Certified | SignRefused:  # fmt: skip
    """The certificate of a record whose precertificate is stored, if the record still passes every check."""
    linted = checked(record, authority.issuer, now, blocklist)
    if isinstance(linted, SignRefused):
        return linted
    if held.final is None:
        return SignRefused(NO_FINAL)
    if reason := refusal(record, held, held.final, authority.issuer, logs, now):
        return SignRefused(reason)
    return Certified(record, assemble(held.final, authority.key.sign(held.final)), precertificate=False)


def refusal(
    record: Record, held: Held, final: bytes, issuer: Issuer, logs: Mapping[bytes, Log], now: datetime
) -> str | None:
    """Why this is not the certificate of that precertificate, with SCTs that are enough; None when it is."""
    if elements(held.der)[0] != record.tbs:
        return "C-122: its precertificate is not the record's"
    if reason := precertificate.faults(final, record.tbs):
        return reason
    if not same_entry(final, held.der):
        return "C-122: another parser sees another certificate than its precertificate"
    return sct_fault(record, held, final, issuer, logs, now)


def same_entry(final: bytes, precertificate_der: bytes) -> bool:
    """Whether cryptography's parser, too, sees the same certificate but for poison and SCT list. C-066."""
    try:
        one, other = (x509.load_der_x509_certificate(der) for der in (unsigned(final), precertificate_der))
        one.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
        other.extensions.get_extension_for_class(x509.PrecertPoison)
        return one.tbs_precertificate_bytes == precertificate.entry_of(other.tbs_certificate_bytes)
    except (ValueError, x509.ExtensionNotFound):
        return False


def sct_fault(
    record: Record, held: Held, final: bytes, issuer: Issuer, logs: Mapping[bytes, Log], now: datetime
) -> str | None:
    """Why its SCTs are not good ones of known logs, or not enough. C-126 to C-129."""
    entry, issuer_key_hash, given = precertificate.entry_of(final), sha256(issuer.spki).digest(), []
    for one in precertificate.scts_of(final):
        log = logs.get(one.log_id)
        if log is None:
            return f"C-129: no log of the list has the id {one.log_id.hex()}"
        if reason := sct.fault(one, log.id, log.key, issuer_key_hash, entry, held.signed_at, now):
            return f"C-127: SCT of {log.description}: {reason}"
        if log.state == "retired" and one.at >= log.since:
            return f"C-129: {log.description} was retired before it made its SCT"
        given.append(log)
    if all(log.state == "retired" for log in given):
        return "C-129: all its SCTs are of logs that are retired"
    if not enough(given, number := needed(record.not_before, record.not_after)):
        return f"C-128: its SCTs are not of {number} logs and two operators, one of them an RFC 6962 log"
    return None
