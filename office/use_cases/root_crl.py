"""The next CRL of a root, which is off line otherwise: by two people, recorded before it is signed. C-117, C-135.

It has the certificates of issuing CAs that two people had revoked (`authority_revocation`), and is empty before. A root
signs it when there is a new one (C-160), and once a year, so that relying parties do not take it for dead (C-145).
"""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from ca import crl, hierarchy
from ca import storage as ca
from ca.authority_linting import lint_crl
from ca.ceremony import Vault
from ca.certificate import Issuer, assemble
from ca.crl import Revocation
from ca.keys import KeyAway, KeyUnusable
from ca.linting import LintError
from office.storage import authority_revocations, root_crls
from office.storage.people import Person
from office.use_cases.asked import Unfit, actor
from office.use_cases.ceremony import hold_room
from sql import Conn, evidence
from sql.ids import uuid7


class PreparedCrl(msgspec.Struct, frozen=True):
    """What will be signed, for which root and by whom."""

    id: UUID
    issuer: Issuer
    number: int
    entries: tuple[Revocation, ...]
    tbs: bytes
    prepared_at: datetime
    people: tuple[Person, Person]

    @property
    def text(self) -> str:
        """What is read out."""
        until = self.prepared_at + crl.ROOT_NEXT_UPDATE
        what = f"with {len(self.entries)} revoked" if self.entries else "empty"
        head = f"{self.issuer.name} signs its CRL number {self.number}, {what}, valid until {until:%Y-%m-%dT%H:%M:%SZ}."
        return "\n".join([head, *(entry_text(each) for each in self.entries)])


def entry_text(entry: Revocation) -> str:
    """A revoked certificate as it is read out."""
    return f"   revoked {entry.serial.hex()}, reason {entry.reason}, {entry.revoked_at:%Y-%m-%dT%H:%M:%SZ}"


async def prepare(conn: Conn, issuer_id: int, people: tuple[Person, Person], now: datetime) -> PreparedCrl:
    """Made, checked exactly and recorded, before anybody is asked and any key opened. Raises Unfit."""
    await hold_room(conn)
    issuer = await ca.issuer(conn, issuer_id)
    if issuer is None or not await root_crls.is_root(conn, issuer_id):
        raise Unfit(f"there is no root {issuer_id}: the signer makes the CRLs of issuing CAs by itself")
    at, number = now.replace(microsecond=0), await root_crls.next_number(conn, issuer_id, now)
    entries = await authority_revocations.to_carry(conn, issuer_id)
    tbs = crl.to_be_signed(issuer, 0, number, entries, at, at + crl.ROOT_NEXT_UPDATE, of_ca_certificates=True)
    lint_crl(issuer, 0, tbs, now, of_root=True, wanted=number, entries=entries)
    made = PreparedCrl(uuid7(now), issuer, number, entries, tbs, at, people)
    proof = evidence.entry(
        "root_crl.prepared", actor(people[0]), now, second=actor(people[1]), issuer_id=issuer_id, number=number,
        entries=[each.serial.hex() for each in entries], tbs_sha256=sha256(tbs).hexdigest(),
    )  # fmt: skip
    async with conn.transaction():
        await root_crls.insert(conn, made.id, issuer_id, number, tbs, people[0].id, people[1].id, at)
        await evidence.append(conn, proof)
    return made


async def sign(conn: Conn, prepared: PreparedCrl, vault: Vault, now: datetime) -> str:
    """The CRL is public from the commit on; the transcript. Raises Unfit: then nothing is published."""
    if await authority_revocations.to_carry(conn, prepared.issuer.id) != prepared.entries:
        raise Unfit("a certificate was revoked after this CRL was prepared: run the command again")
    der = signature_of(prepared, vault, now)
    written = transcript(prepared, vault, der, now)
    proof = evidence.entry(
        "root_crl.signed", actor(prepared.people[0]), now, second=actor(prepared.people[1]),
        issuer_id=prepared.issuer.id, number=prepared.number, sha256=sha256(der).hexdigest(), root_crl=prepared.id,
        transcript_sha256=sha256(written.encode()).hexdigest(),
    )  # fmt: skip
    starts, ends = prepared.prepared_at, prepared.prepared_at + crl.ROOT_NEXT_UPDATE
    async with conn.transaction():
        if not await root_crls.finish(conn, prepared.id, written, now):
            raise Unfit("this CRL was signed before: nothing was published")
        await ca.insert_crl(conn, prepared.issuer.id, 0, prepared.number, starts, ends, der)
        shown = [each.serial for each in prepared.entries]
        await authority_revocations.published(conn, prepared.issuer.id, shown, now)
        await evidence.append(conn, proof)
    return written


def signature_of(prepared: PreparedCrl, vault: Vault, now: datetime) -> bytes:
    """The CRL, signed with the root's own key and no other. Raises Unfit."""
    try:
        number, entries = prepared.number, prepared.entries
        lint_crl(prepared.issuer, 0, prepared.tbs, now, of_root=True, wanted=number, entries=entries)
        with vault.open(hierarchy.key_label(prepared.issuer.id)) as key:
            if key.spki != prepared.issuer.spki:
                raise Unfit(f"the key in {vault.describe()} is not that of {prepared.issuer.name}")
            return assemble(prepared.tbs, key.sign(prepared.tbs))
    except (KeyUnusable, KeyAway, LintError) as fault:
        raise Unfit(f"nothing was signed: {fault}") from None


def transcript(prepared: PreparedCrl, vault: Vault, der: bytes, now: datetime) -> str:
    """What was done, by whom, when, with which key."""
    first, second = prepared.people
    lines = (
        f"CRL of a root, {prepared.id}",
        prepared.text,
        f"prepared {prepared.prepared_at:%Y-%m-%dT%H:%M:%SZ}",
        f"to be signed, SHA-256 {sha256(prepared.tbs).hexdigest()}",
        f"key {hierarchy.key_label(prepared.issuer.id)} in {vault.describe()}",
        f"done {now:%Y-%m-%dT%H:%M:%SZ} by {first.handle} and {second.handle}",
        f"made, SHA-256 {sha256(der).hexdigest()}",
    )
    return "\n".join(lines) + "\n"
