"""A key proven to be compromised: blocked for ever, its certificates revoked within 24 hours (A11.1.2; C-162, C-163).

The proof is conclusive and software checks it: nobody has to decide. Whoever sends it needs no certificate of ours.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from ca import storage as ca
from ca.key_proof import NAME, STATEMENT, NotProven, Proof, of_csr, of_statement
from office.storage import key_proofs, revocations
from office.storage.revocations import Scope
from office.use_cases import cases, own_keys
from office.use_cases.asked import Unfit, checked_text
from office.use_cases.cases import Opening
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

GROUND = "compromise"
INTAKE = "process:office"
REPORTER = "who has the private key"


class Wanted(msgspec.Struct, frozen=True):
    """What a key signs to prove its compromise: a request with this common name alone, or this line."""

    name: str
    statement: str


WANTED = Wanted(NAME, STATEMENT.decode().removesuffix("\n"))


class Reported(msgspec.Struct, frozen=True):
    """What a proof led to: the key is blocked, and so many certificates are revoked by the deadline.

    `own`: it is no customer's key, but this CA's, responder's or log's. Then people decide, and nothing is blocked.
    """

    id: UUID
    received_at: datetime
    spki_sha256: bytes
    blocked_before: bool
    certificates: int
    case_id: UUID | None
    deadline_at: datetime | None
    own: str | None = None


def proof_of(octets: bytes, signature: bytes | None) -> Proof:
    """The proof in a CSR, or in a public key with the signature of the statement. Raises Unfit."""
    try:
        return of_csr(octets) if signature is None else of_statement(octets, signature)
    except NotProven as why:
        raise Unfit(f"nothing is proven: {why}") from None


async def report(conn: Conn, proof: Proof, reporter: str, email: str, now: datetime) -> Reported:
    """The key is blocked, its certificates' revocation is decided, and everybody concerned told. Raises Unfit.

    Proven twice it is the same case. The office's sweep revokes within seconds.
    """
    checked_text("reporter", reporter, 200)
    if "@" not in checked_text("e-mail address", email, 254):
        raise Unfit(f"'{email}' is no e-mail address: we write there what becomes of it")
    key = proof.spki_sha256
    if own := await own_keys.owner(conn, key):
        async with conn.transaction():
            proof_id, case_id = await own_keys.alarm(conn, proof, own, reporter, email, now)
        return Reported(proof_id, now, key, False, 0, case_id, await _deadline(conn, case_id), own.whose)
    async with conn.transaction():
        new = await ca.block_key(conn, key, f"A11.1.2, proven by a {proof.kind}", now, actor=INTAKE)
        number = await key_proofs.to_revoke(conn, key, now)
        case_id = await _case(conn, key, now) if number else None
        again = case_id is not None and await key_proofs.proven(conn, key, case_id)
        proof_id = await key_proofs.insert(conn, proof, reporter, email, now, case_id)
        until = await _deadline(conn, case_id)
        found = Reported(proof_id, now, key, not new, number, case_id, until)
        await _tell(conn, found, email, again, now)
        row = entry(
            "key.compromise_proven", INTAKE, now, rule="T11-3", clause="A11.1.2", spki_sha256=key.hex(),
            proof=proof_id, proof_kind=proof.kind, case=case_id, certificates=number,
        )  # fmt: skip
        await append(conn, row)
    return found


async def _case(conn: Conn, key: bytes, now: datetime) -> UUID:
    """The case that revokes every certificate of the key, within a day of this at the latest (T11-9).

    One that people had opened, or decided and not begun, executes by the proof. Who sent it is in no case (T16-2).
    """
    if case_id := await key_proofs.case_under_way(conn, key):
        await revocations.set_state(conn, case_id, "executing", ["open", "decided"])
        await revocations.attended(conn, case_id)  # a proof leaves nothing to look at, as in a case that it opens
        await revocations.insert_awareness(conn, case_id, "report", now, now)
        await cases.clock(conn, case_id)
        return case_id
    opening = Opening(GROUND, Scope(spki_sha256=key), REPORTER, "proven by a signature of the key", now, "report")
    return await cases.opened(conn, opening, now, state="decided", attention=False)


async def _deadline(conn: Conn, case_id: UUID | None) -> datetime | None:
    found = await revocations.case_of(conn, case_id) if case_id else None
    return found.deadline_at if found else None


async def _tell(conn: Conn, found: Reported, email: str, again: bool, now: datetime) -> None:
    """Subscribers and reporter get the preliminary report at once (C-162); if it is proven `again`, the reporter alone.

    Of a key without certificates the answer to the report is all: a door for anybody writes to nobody else's address.
    """
    if found.case_id is None or found.deadline_at is None:
        return
    key, until = found.spki_sha256.hex(), found.deadline_at.isoformat()
    received, number = found.received_at.isoformat(), str(found.certificates)
    covered = [] if again else await revocations.covered(conn, Scope(spki_sha256=found.spki_sha256), [], now)
    for each in covered:
        if each.id is not None:
            await notify(
                conn, "key_compromise_found", now, contract_id=each.id, received_at=received, key_sha256=key,
                certificates=number, revoked_by=until,
            )  # fmt: skip
    await notify(
        conn, "key_compromise_answer", now, received_at=received, key_sha256=key, certificates=number,
        revoked_by=until, email=email,
    )  # fmt: skip
