"""Certificates and CRLs that a restored backup does not know, taken in again: two people, a transaction for each file.

Nothing is signed anew: a certificate's record is there as signed, and a CRL's entries are on the shard's next CRL.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from ca import storage as ca
from ca.imported import Entry, Found, FoundCrl
from ca.storage import KEY_COMPROMISE
from office.storage import certificate_imports as storage
from office.storage import revocations
from office.storage.people import Person
from office.use_cases.asked import actor, two_persons
from office.use_cases.certificate_imports import Import, Read, Whose, look, look_at, parts, sorted_entries
from office.use_cases.revocations import CRL_ATTEMPTS
from sql import Conn, evidence
from sql.evidence import append, append_all, entry

BLOCKED = "its key is blocked"


class Taken(msgspec.Struct, frozen=True):
    """By whom, when, and as which import of which file."""

    id: UUID
    file_sha256: bytes
    first: Person
    second: Person
    now: datetime

    @property
    def by(self) -> str:
        """Who acted, as evidence and revocations name them."""
        return actor(self.first)


async def take_in(
    conn: Conn, reads: Sequence[Read], whose: Whose, first: str, second: str, now: datetime
) -> Import:  # fmt: skip
    """Two people have the files taken in: each whole, or not at all; done again it changes nothing. Raises Unfit."""
    people = await two_persons(conn, first, second)
    shown = await look(conn, reads, whose)
    for one in reads:
        async with conn.transaction():
            await storage.hold(conn)
            made = await storage.insert(conn, one.sha256, people[0].id, people[1].id, now)
            await take_in_file(conn, one, whose, Taken(made, one.sha256, *people, now))
    return shown


async def take_in_file(conn: Conn, one: Read, whose: Whose, taken: Taken) -> None:
    """All of a file, in the caller's transaction. Raises Unfit."""
    keys = {key for found in one.certificates for key in await certificate(conn, one, found, whose, taken)}
    shards = set[str]()
    if one.crl is not None:
        keys |= await crl(conn, one, one.crl, taken)
        shards.add(f"{one.crl.issuer_id}/{one.crl.shard}")
    shards |= await revoke_compromised(conn, sorted(keys), taken)
    for shard in sorted(shards):  # in one order, so that nobody waits in a circle
        await revocations.enqueue_crl(conn, shard, CRL_ATTEMPTS, taken.now)


async def certificate(conn: Conn, one: Read, found: Found, whose: Whose, taken: Taken) -> list[bytes]:
    """It is this CA's from now on, with its evidence. Returns its key, if that is compromised."""
    known = (await storage.known(conn, [found.serial])).get(found.serial)
    line = await look_at(conn, one, found, known, whose)
    if line.state == "known":
        return []
    await storage.import_certificate(conn, taken.id, found, line.contract_id, taken.now)
    proof = entry(
        "certificate.imported", taken.by, taken.now, contract_id=line.contract_id, second=actor(taken.second),
        import_id=taken.id, file_sha256=taken.file_sha256.hex(), serial=found.serial.hex(), issuer_id=found.issuer_id,
        sha256=sha256(found.der).hexdigest(), precertificate=found.is_precertificate, profile=found.profile,
        shard=found.shard, not_after=found.not_after, contract_by=line.contract_by,
    )  # fmt: skip
    await append(conn, proof)
    compromised = known is not None and known.reason == KEY_COMPROMISE
    return [found.spki_sha256] if compromised or await storage.blocked(conn, [found.spki_sha256]) else []


async def crl(conn: Conn, one: Read, lost: FoundCrl, taken: Taken) -> set[bytes]:
    """What it shows as revoked is, and the next CRL has a higher number. Returns which keys are compromised."""
    found, ground = await sorted_entries(conn, one, lost), f"on CRL {lost.number}, which was lost"
    for some in parts(found.strange):
        await storage.import_serials(conn, lost, [each.serial for each in some], taken.now)
    for some in parts([*found.strange, *found.revoke]):
        await storage.take_up(conn, lost, some, ground, taken.by)
        await append_all(conn, await proofs_of(conn, some, ground, taken))
    for each in found.upgrade:
        await ca.upgrade_reason_to_key_compromise(conn, each.serial, requested_by=taken.by, now=taken.now)
        await ca.date_compromise(
            conn, each.serial, each.revoked_at, decided_by=(taken.by, actor(taken.second)), note=ground, now=taken.now
        )
    await storage.raise_floor(conn, lost.number)
    proof = entry(
        "crl.imported", taken.by, taken.now, second=actor(taken.second), import_id=taken.id, issuer_id=lost.issuer_id,
        shard=lost.shard, number=lost.number, this_update=lost.this_update, sha256=taken.file_sha256.hex(),
        entries=len(lost.entries), revoked=len(found.strange) + len(found.revoke), upgraded=len(found.upgrade),
    )  # fmt: skip
    await append(conn, proof)
    return await keys_of(conn, [each for each in lost.entries if each.reason == KEY_COMPROMISE])


async def proofs_of(conn: Conn, some: Sequence[Entry], ground: str, taken: Taken) -> list[evidence.Entry]:
    """The evidence of each revocation, with the contract where one is known."""
    known = await storage.known(conn, [each.serial for each in some])
    about: list[tuple[UUID | None, dict[str, Any]]] = [
        (known[each.serial].contract_id, {
            "rule": "T11-11", "serial": each.serial.hex(), "reason": each.reason, "ground": ground,
            "requested_at": each.revoked_at, "revoked_at": each.revoked_at, "second": actor(taken.second),
            "import_id": taken.id,
        })
        for each in some
    ]  # fmt: skip
    return evidence.entries("certificate.revoked", taken.by, taken.now, about)


async def keys_of(conn: Conn, compromised: Sequence[Entry]) -> set[bytes]:
    """The keys that are known to be those of these."""
    keys = set[bytes]()
    for some in parts(compromised):
        known = await storage.known(conn, [each.serial for each in some])
        keys |= {each.spki_sha256 for each in known.values() if each.spki_sha256 is not None}
    return keys


async def revoke_compromised(conn: Conn, keys: Sequence[bytes], taken: Taken) -> set[str]:
    """Keys are blocked, and all that lives with them revoked as compromised (C-076, C-163). Which CRLs change."""
    by, now, shards = taken.by, taken.now, set[str]()
    for key in keys:
        await ca.block_key(conn, key, "compromised, as a CRL that was lost shows", now, actor=by)
        for live in await ca.live_with_key(conn, key, now):
            shard = await ca.revoke(
                conn, live.serial, reason=KEY_COMPROMISE, ground=BLOCKED, requested_by=by, requested_at=now, now=now
            ) or await ca.upgrade_reason_to_key_compromise(conn, live.serial, requested_by=by, now=now)
            if shard is not None:
                shards.add(f"{shard.issuer_id}/{shard.shard}")
    return shards
