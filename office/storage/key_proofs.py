"""Keys proven to be compromised (C-076, C-162, C-163)."""

from datetime import datetime
from uuid import UUID

from ca.key_proof import Proof
from sql import Conn, statements
from sql.ids import uuid7

SQL = statements("office/key_proofs")


async def insert(conn: Conn, proof: Proof, reporter: str, email: str, now: datetime, case_id: UUID | None) -> UUID:
    """The id of the new record."""
    proof_id = uuid7(now)
    values = proof.spki, proof.spki_sha256, proof.kind, proof.proof, reporter, email, now, case_id
    await conn.execute(SQL["insert"], proof_id, *values)
    return proof_id


async def to_revoke(conn: Conn, spki_sha256: bytes, now: datetime) -> int:
    """How many live certificates of the key no CRL tells the compromise of, nor will."""
    return int(await conn.fetchval(SQL["to_revoke"], spki_sha256, now))


async def case_under_way(conn: Conn, spki_sha256: bytes) -> UUID | None:
    """A case about the key that has not revoked yet."""
    found: UUID | None = await conn.fetchval(SQL["case_under_way"], spki_sha256)
    return found


async def proven(conn: Conn, spki_sha256: bytes, case_id: UUID) -> bool:
    """Whether a proof of the key led to the case before."""
    return bool(await conn.fetchval(SQL["proven"], spki_sha256, case_id))
