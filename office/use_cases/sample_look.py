"""What is wrong with a certificate that was issued, looked at anew (pure). BR 8.7, C-175."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ca import precertificate
from ca.certificate import Issuer, Subject, Wanted
from ca.der import DerError, elements
from ca.imported import is_same
from ca.linting import LintError, lint, recorded_key
from ca.profiles import PROFILES
from contract_gate.record import facts_of, recorded, replay
from office.storage.samples import Issuance

OWN = "profile check"
NO_DECISION = "no decision is left: it came back through `keiyaku certificate import`"


def faults_of(one: Issuance, issuer: Issuer) -> list[str]:
    """Findings of our own check, of the signed bytes against the recorded ones, and of the gate asked again."""
    return [*lint_faults(one, issuer), *signature_faults(one, issuer), *decision_faults(one)]


def lint_faults(one: Issuance, issuer: Issuer) -> list[str]:
    """What the profile check says, with the subject that the gate looked at; nothing without a decision."""
    if one.decision is None:
        return []
    facts = facts_of(one.decision)
    if facts.subject is None or one.profile not in PROFILES:
        return ["it was decided without a reviewed subject" if facts.subject is None else f"no profile {one.profile}"]
    reviewed = facts.subject
    subject = Subject(reviewed.organization, reviewed.country, reviewed.state_or_province, reviewed.locality)
    try:
        wanted = Wanted(
            PROFILES[one.profile], subject, tuple(one.names), recorded_key(one.tbs, one.spki_sha256), one.serial,
            one.not_before, one.not_after, one.shard, precertificate.is_precertificate(one.tbs),
        )  # fmt: skip
        lint(issuer, wanted, one.tbs, one.created_at)
    except LintError as found:
        return list(found.findings)
    except ValueError as fault:
        return [f"cannot be checked: {fault}"]
    return []


def signature_faults(one: Issuance, issuer: Issuer) -> Iterator[str]:
    """What was signed is what was recorded, and the issuer signed it."""
    above = x509.load_der_x509_certificate(issuer.certificate)
    for what, der in (("precertificate", one.precertificate), ("certificate", one.certificate)):
        if der is None:
            continue
        try:
            x509.load_der_x509_certificate(der).verify_directly_issued_by(above)
            signed = elements(der)[0]
        except (InvalidSignature, ValueError, TypeError, DerError) as fault:
            yield f"its {what} is not signed by its issuer: {fault}"
            continue
        if what == "certificate" and precertificate.is_precertificate(one.tbs):
            if why := precertificate.faults(signed, one.tbs):
                yield why
        elif not is_same(signed, one.tbs):
            yield f"its {what} is not what was recorded to be signed"


def decision_faults(one: Issuance) -> Iterator[str]:
    """The gate, asked again with the recorded facts, answers the same, and what was signed is within it."""
    if (row := one.decision) is None:
        yield NO_DECISION
        return
    if recorded(row.id, replay(row), row.stage) != row:
        yield "the gate, asked again with the recorded facts, answers otherwise"
    if row.outcome != "admitted" or row.not_after_limit is None:
        yield "the gate refused it"
    elif sorted(row.names) != sorted(one.names) or one.not_after > row.not_after_limit:
        yield "it is not within what the gate allowed"
