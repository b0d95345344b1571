"""An issuing CA is revoked: two people decide, it issues nothing from then on, and its root's next CRL says so.

The decision is at once; the entry follows when the root is on line (`root_crl`), seven days after the event at most
(C-160). CRLs and OCSP of what the issuing CA signed go on. When its key is found compromised later, two people have the
entry say so (C-143).
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from cryptography import x509

from ca.authority_grounds import COMPROMISE, GROUNDS, WORDS, deadline
from ca.der import split
from office.storage import authority_revocations as storage
from office.storage.authority_revocations import AuthorityRow, RevokedAuthority
from office.storage.people import Person
from office.use_cases.asked import Unfit, actor, checked_text, one_of
from office.use_cases.ceremony import hold_room
from sql import Conn, evidence
from sql.transactions import exclusive, under_locks

ISSUER_LOCK = 7106


class Doomed(msgspec.Struct, frozen=True):
    """A certificate that will be revoked, or whose revocation will say keyCompromise."""

    row: AuthorityRow
    serial: bytes
    not_after: datetime

    @property
    def text(self) -> str:
        """What is read out."""
        what = "its own certificate" if self.row.cross_id is None else f"cross certificate {self.row.cross_id}"
        return f"{self.row.name}, {what}, signed by {self.row.root}, serial number {self.serial.hex()}"

    @property
    def deed(self) -> str:
        """What is done, read out."""
        if self.row.reason is None:
            return f"revoke {self.text}"
        return f"change the reason of {self.text}: {WORDS[self.row.reason]} becomes {WORDS[COMPROMISE]}"


class Intent(msgspec.Struct, frozen=True):
    """What two people are asked to decide."""

    certificates: tuple[Doomed, ...]
    ground: str
    reason: int
    note: str
    known_at: datetime
    deadline_at: datetime
    people: tuple[Person, Person]

    @property
    def issuer_ids(self) -> list[int]:
        """Of whose certificates they are."""
        return sorted({each.row.issuer_id for each in self.certificates})

    @property
    def text(self) -> str:
        """What is read out."""
        own = [each.row for each in self.certificates if each.row.cross_id is None]
        stops = sorted(each.name for each in own if each.reason is None)
        lines = [each.deed for each in self.certificates]
        lines.append(f"because {GROUNDS[self.ground].what} (BR 4.9.1.2, item {GROUNDS[self.ground].item})")
        lines.append(f"reason {self.reason}, {WORDS[self.reason]}; known since {self.known_at:%Y-%m-%dT%H:%M:%SZ}")
        lines += [f"From the decision on {name} issues nothing, for ever." for name in stops]
        return "\n".join([*lines, f"The CRL that says so must be public by {self.deadline_at:%Y-%m-%dT%H:%M:%SZ}."])


async def intend(
    conn: Conn, named: str, ground: str, reason: int | None, known_at: datetime, note: str,
    people: tuple[Person, Person], now: datetime,
) -> Intent:  # fmt: skip
    """What would be revoked, and why; nothing is written. Raises Unfit."""
    chosen = GROUNDS[one_of("ground", ground, tuple(GROUNDS))]
    if reason is None and len(chosen.reasons) == 1:
        reason = chosen.reasons[0]
    if reason not in chosen.reasons:
        raise Unfit(f"of ground '{ground}' the reason is one of {', '.join(map(str, chosen.reasons))}: name it")
    if known_at > now:
        raise Unfit("--known is in the future: name the instant when the CA was asked, or knew")
    found = meant(await all_certificates(conn), named, whole_key=reason == COMPROMISE)
    if not (left := tuple(each for each in found if is_open(each, reason, now))):
        raise Unfit(f"'{named}' is revoked already, or has ended: `keiyaku ca revocations` shows those revoked")
    awaited = (each.row.deadline_at for each in left if each.row.deadline_at and each.row.published_at is None)
    by = min([deadline(known_at), *awaited])
    return Intent(left, ground, reason, checked_text("--note", note), known_at, by, people)


def is_open(found: Doomed, reason: int, now: datetime) -> bool:
    """Whether it can be revoked for this reason: not yet, or for another one before its key was compromised (C-143)."""
    return found.not_after > now and (found.row.reason is None or found.row.reason != reason == COMPROMISE)


async def all_certificates(conn: Conn) -> list[Doomed]:
    """Every certificate of an issuing CA that a root of ours signed."""
    return [doomed(row) for row in await storage.certificates(conn)]


def doomed(row: AuthorityRow) -> Doomed:
    """The row with what its certificate says."""
    certificate = x509.load_der_x509_certificate(split(row.chain)[0])
    number = certificate.serial_number
    return Doomed(row, number.to_bytes(number.bit_length() // 8 + 1, "big"), certificate.not_valid_after_utc)


def meant(all_: Sequence[Doomed], named: str, *, whole_key: bool) -> Sequence[Doomed]:
    """By an issuing CA's name all its certificates, by a serial number one; of a compromised key always all (C-163).

    A serial number may be written as openssl prints it. Raises Unfit.
    """
    number = named.lower().replace(":", "")
    found = [each for each in all_ if named == each.row.name or number == each.serial.hex()]
    if not found:
        raise Unfit(f"no issuing CA, and no certificate of one, is '{named}': name it, or give a serial number in hex")
    names = {each.row.name for each in found}
    return [each for each in all_ if each.row.name in names] if whole_key else found


async def decide(conn: Conn, intent: Intent, now: datetime) -> None:
    """They are revoked: from the commit on nothing is issued below them. Raises Unfit."""
    await hold_room(conn)
    # what is being stored of these issuing CAs is committed before, or refused after
    async with under_locks(conn, *(exclusive(ISSUER_LOCK, each) for each in intent.issuer_ids)):
        reasons = {(each.row.root_id, each.serial): each.row.reason for each in await all_certificates(conn)}
        for each in intent.certificates:
            if reasons[each.row.root_id, each.serial] != each.row.reason:
                raise Unfit("it was revoked meanwhile: nothing was changed")
            await record(conn, intent, each, now)
            await evidence.append(conn, proof_of(intent, each, now))


async def record(conn: Conn, intent: Intent, decided: Doomed, now: datetime) -> None:
    """It is revoked, or says keyCompromise from now on."""
    first, second = intent.people
    who = first.id, second.id
    if decided.row.reason is None:
        await storage.insert(
            conn, decided.row, decided.serial, intent.ground, intent.reason, intent.note, who, intent.known_at, now,
            intent.deadline_at, decided.not_after,
        )  # fmt: skip
    else:
        await storage.insert_compromise(
            conn, decided.row, decided.serial, intent.note, who, intent.known_at, now, intent.deadline_at
        )


def proof_of(intent: Intent, revoked: Doomed, now: datetime) -> evidence.Entry:
    """The decision as evidence: who, what, why and when (C-159, C-168)."""
    first, second = intent.people
    return evidence.entry(
        "issuer.revoked" if revoked.row.reason is None else "issuer.reason_changed", actor(first), now,
        second=actor(second), issuer_id=revoked.row.issuer_id, cross_id=revoked.row.cross_id,
        root_id=revoked.row.root_id, serial=revoked.serial.hex(), ground=intent.ground, reason=intent.reason,
        note_sha256=sha256(intent.note.encode()).hexdigest(), requested_at=intent.known_at,
        deadline_at=intent.deadline_at,
    )  # fmt: skip


async def listing(conn: Conn) -> list[RevokedAuthority]:
    """Every revoked certificate of an issuing CA."""
    return await storage.listing(conn)
