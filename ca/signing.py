"""Step 5 of issuance (pure): what must hold of a record before it is signed, and its certificate."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ca.blocklist import Blocklist, why_listed
from ca.certificate import Issuer, Subject, Wanted, assemble
from ca.covering import uncovered
from ca.keys import SigningKey
from ca.lint_report import Report
from ca.linting import Linted, LintError, lint, recorded_key
from ca.precertificate import is_precertificate
from ca.profiles import PROFILES
from ca.signer_lines import SignRefused

ADMISSION_AGE = timedelta(minutes=2)  # an issuance ends after 60 s (T0-2); clocks may differ
STAGES = ("finalize", "before_signing")
SHOWN = 5


class Record(msgspec.Struct, frozen=True):
    """A row of ca.to_be_signed with the decision that admits it, whether its serial number is registered for it and its
    key is blocked, and what people wrote of the decision's contract: the reviewed subject (none: all None), its state
    (None: no contract) and its names.
    """

    id: UUID
    issuer_id: int
    state: str
    serial: bytes
    profile: str
    tbs: bytes
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    deadline_at: datetime
    stage: str
    outcome: str
    admitted_names: list[str]
    not_after_limit: datetime | None
    decided_at: datetime
    contract_id: UUID
    organization: str | None
    country: str | None
    state_or_province: str | None
    locality: str | None
    own_serial: bool
    issuer_revoked: bool
    issues_from: datetime
    blocked: bool
    is_own_key: bool
    revoked: bool
    contract_state: str | None
    held: bool
    untold: bool
    term_over_by: datetime | None
    overdue: bool
    entries: list[str]


class Held(msgspec.Struct, frozen=True):
    """A stored precertificate, and the to-be-signed bytes of the certificate that goes with it, once there are such."""

    id: UUID
    der: bytes
    signed_at: datetime
    final: bytes | None


class Certified(msgspec.Struct, frozen=True):
    """A certificate or precertificate to store, with what the linter said."""

    record: Record
    der: bytes
    precertificate: bool
    report: Report | None = None


class Authority(msgspec.Struct, frozen=True):
    """An issuer with its key, which has been compared with the issuer's certificate."""

    issuer: Issuer
    key: SigningKey


def refusal(record: Record, issuer: Issuer, now: datetime) -> str | None:
    """Why this must not be signed at `now` by the issuing CA; None when nothing forbids it. Design §8, C-064, C-076."""
    if record.state != "admitted":
        return f"record is {record.state}"
    if record.revoked:
        return "C-142: its serial number is revoked"
    if now >= record.deadline_at:
        return "deadline is over"
    if record.issuer_revoked:
        return "C-160: its issuing CA is revoked"
    if record.not_after > issuer.not_after:
        return "notAfter is later than its issuing CA's"
    if not record.own_serial:
        return "C-079: its serial number is not its own"
    if record.outcome != "admitted":
        return "the gate did not admit it"
    if record.stage not in STAGES:
        return f"an admission at {record.stage} is not for signing"
    if now - record.decided_at > ADMISSION_AGE:
        return "the admission is too old"
    if record.decided_at - now > ADMISSION_AGE:
        return "the admission is of the future"
    if record.decided_at < record.issues_from:
        return "C-160: its issuing CA did not issue yet when it was admitted"
    if sorted(record.names) != sorted(record.admitted_names):
        return "names are not the admitted ones"
    if record.contract_state != "accepted":
        return f"its contract is {record.contract_state or 'unknown'}"
    if record.held:
        return "its contract is held"
    if record.untold:
        return "T4-5: the notice of its contract's formation has not left"
    if record.term_over_by is None or record.not_after > record.term_over_by:
        return "T12-5: notAfter is later than the term of its contract can end"
    if record.overdue:
        return "T8-15: a fee of its contract is overdue"
    if missing := uncovered(record.names, record.entries):
        return f"not among the contract's names: {', '.join(missing[:SHOWN])}"
    if record.not_after_limit is None or record.not_after > record.not_after_limit:
        return "notAfter is later than the admission allows"
    if record.blocked:
        return "C-076: key is blocked"
    if record.is_own_key:
        return "C-077: key is an issuer's or a responder's"
    if record.profile not in PROFILES:
        return f"no profile {record.profile}"
    return None


def certify(
    record: Record, authority: Authority, now: datetime, blocklist: Blocklist | None
) -> Certified | SignRefused:
    """The certificate, or precertificate, of a record that passes every check."""
    linted = checked(record, authority.issuer, now, blocklist)
    if isinstance(linted, SignRefused):
        return linted
    der = assemble(linted.tbs, authority.key.sign(linted.tbs))
    return Certified(record, der, is_precertificate(linted.tbs))


def checked(record: Record, issuer: Issuer, now: datetime, blocklist: Blocklist | None) -> Linted | SignRefused:
    """The record's bytes, if they pass every check, profile check included. Their subject is the reviewed one."""
    if reason := refusal(record, issuer, now):
        return SignRefused(reason)
    if record.organization is None or record.country is None:
        return SignRefused("no reviewed subject")
    subject = Subject(record.organization, record.country, record.state_or_province, record.locality)
    try:
        spki = recorded_key(record.tbs, record.spki_sha256)
        wanted = Wanted(
            PROFILES[record.profile], subject, tuple(record.names), spki,
            record.serial, record.not_before, record.not_after, record.shard, is_precertificate(record.tbs),
        )  # fmt: skip
        linted = lint(issuer, wanted, record.tbs, now)
        if why := why_listed(blocklist, spki):
            return SignRefused(why)
    except LintError as fault:
        return SignRefused(f"lint: {fault}")
    except ValueError as fault:  # a date or encoding outside what the tables hold
        return SignRefused(f"cannot be checked: {fault}")
    return linted
