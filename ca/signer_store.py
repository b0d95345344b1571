"""What the signer signed, stored: a batch in one commit. Step 6 of issuance."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import asyncpg

from ca.signer_lines import Precertified, SignAnswer, Signed, SignerAway, SignRefused
from ca.signing import Certified
from sql import Conn, evidence, statements

SQL, CT = statements("ca/signer"), statements("ca/signer_ct")
ACTOR = "process:signer"


async def store_all(conn: Conn, certified: Sequence[Certified], now: datetime) -> dict[UUID, SignAnswer]:
    """Every certificate and precertificate that can be stored is."""
    precertificates = [one for one in certified if one.precertificate]
    certificates = [one for one in certified if not one.precertificate]
    return await store(conn, precertificates, now) | await store(conn, certificates, now)


async def store(conn: Conn, certified: Sequence[Certified], now: datetime) -> dict[UUID, SignAnswer]:
    """Each of one kind that can be stored is; in one commit, or one by one when one of them spoils the batch."""
    if not certified:
        return {}
    try:
        return await store_batch(conn, certified, now)
    except asyncpg.PostgresError as fault:
        if conn.is_closed():
            raise
        if len(certified) > 1:
            answers: dict[UUID, SignAnswer] = {}
            for one in certified:
                answers |= await store(conn, [one], now)
            return answers
        return {certified[0].record.id: unstorable(fault)}


def unstorable(fault: asyncpg.PostgresError) -> SignRefused | SignerAway:
    """What the store's refusal of one certificate means: its order has ended, or the store was in trouble."""
    if isinstance(fault, asyncpg.IntegrityConstraintViolationError):
        return SignRefused(f"not stored: {fault}")
    return SignerAway(f"not stored: {fault}")


async def store_batch(conn: Conn, certified: Sequence[Certified], now: datetime) -> dict[UUID, SignAnswer]:
    """One statement, one commit. Another signer's or the sweeper's change in between is answered as it is."""
    ids, pre = [one.record.id for one in certified], certified[0].precertificate
    proofs = [proof_of(one, now) for one in certified]
    stored = await conn.fetch(
        CT["store_precertificates"] if pre else SQL["store_certificates"],
        ids, [one.der for one in certified], now, [proof.id for proof in proofs],
        proofs[0].kind, [proof.contract_id for proof in proofs], ACTOR, [proof.content for proof in proofs],
    )  # fmt: skip
    done: SignAnswer = Precertified() if pre else Signed()
    answers: dict[UUID, SignAnswer] = {row["id"]: done for row in stored}
    if missing := [one for one in ids if one not in answers]:
        states = {row["id"]: row["state"] for row in await conn.fetch(SQL["load_states"], missing)}
        answers |= {one: as_it_is(states[one]) for one in missing}
    return answers


def as_it_is(state: str) -> SignAnswer:
    """What is answered for a record that was in this state when its certificate was to be stored."""
    if state == "admitted":
        return SignRefused("C-142: it is revoked")
    return Signed() if state == "signed" else SignRefused(f"record is {state}")


def proof_of(one: Certified, now: datetime) -> evidence.Entry:
    """The evidence of a signature, with what the linter said before. C-064."""
    linted = {"lint": one.report.shown()} if one.report is not None else {}
    return evidence.entry(
        "precertificate.signed" if one.precertificate else "certificate.signed", ACTOR, now,
        contract_id=one.record.contract_id, certificate_id=one.record.id, serial=one.record.serial.hex(),
        sha256=sha256(one.der).hexdigest(), **linted,
    )  # fmt: skip
