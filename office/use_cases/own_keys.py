"""Keys that are no customer's: those of issuers, OCSP responders and logs. Software revokes nothing because of them."""

from datetime import datetime
from uuid import UUID

from ca.key_proof import Proof
from ca.log_lists import LogLists
from office.storage import key_proofs
from office.storage.key_proofs import Own
from office.storage.revocations import Scope
from office.use_cases import cases
from office.use_cases.cases import Opening
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

ACTOR = "process:office"
REPORTER = "who has the private key"


async def owner(conn: Conn, spki_sha256: bytes) -> Own | None:
    """Whose key it is; None when it is nobody's of these. A log's id is the hash of its key (RFC 6962 §3.2)."""
    if own := await key_proofs.own_key(conn, spki_sha256):
        return own
    listed = await LogLists(None).refresh(conn)
    log = listed.by_id.get(spki_sha256) if listed else None
    return Own(f"the CT log {log.description}", []) if log else None


async def alarm(
    conn: Conn, proof: Proof, own: Own, reporter: str, email: str, now: datetime
) -> tuple[UUID, UUID | None]:
    """The proof is kept, officers are told, and of each issuing CA concerned a case waits for two people (A11.4.8).
    Where none does, of a responder, a log or another root, somebody says on the desk what was done.

    In the caller's transaction. The ids of the proof's record and of the case, the first if there are several.
    """
    again = await key_proofs.was_proven(conn, proof.spki_sha256)
    ids = [await _case(conn, issuer_id, own, now) for issuer_id in own.issuing]
    case_id = ids[0] if ids else None
    proof_id = await key_proofs.insert(conn, proof, reporter, email, now, case_id, is_own=True)
    received = now.isoformat()
    if not again:
        await notify(conn, "own_key_proven", now, whose=own.whose, received_at=received)
    key = proof.spki_sha256.hex()
    await notify(conn, "own_key_answer", now, whose=own.whose, received_at=received, key_sha256=key, email=email)
    row = entry(
        "key.own_compromise_proven", ACTOR, now, rule="T11-13", clause="A11.4.8", spki_sha256=key,
        whose=own.whose, proof=proof_id, proof_kind=proof.kind, cases=ids,
    )  # fmt: skip
    await append(conn, row)
    return proof_id, case_id


async def _case(conn: Conn, issuer_id: int, own: Own, now: datetime) -> UUID:
    """A case about everything that the issuing CA signed, which nobody has decided: the one there is, or a new one."""
    if found := await key_proofs.case_of_issuer(conn, issuer_id):
        return found
    note = f"a signature proves that the key of {own.whose} is compromised"
    return await cases.opened(conn, Opening("ca_key", Scope(issuer_id=issuer_id), REPORTER, note, now, "report"), now)
