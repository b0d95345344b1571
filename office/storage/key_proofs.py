"""Keys proven to be compromised (C-076, C-162, C-163)."""

from datetime import datetime
from uuid import UUID

import msgspec

from ca.key_proof import Proof
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import one

SQL = statements("office/key_proofs")


class Own(msgspec.Struct, frozen=True):
    """Whose key it is that is no customer's, in words, and the issuing CAs whose certificates stand on it."""

    whose: str
    issuing: list[int]


async def insert(
    conn: Conn, proof: Proof, reporter: str, email: str, now: datetime, case_id: UUID | None, *, is_own: bool = False
) -> UUID:
    """The id of the new record."""
    proof_id = uuid7(now)
    values = proof.spki, proof.spki_sha256, proof.kind, proof.proof, reporter, email, now, case_id, is_own
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


async def own_key(conn: Conn, spki_sha256: bytes) -> Own | None:
    """The issuer or OCSP responder of ours that has the key."""
    return one(Own, await conn.fetchrow(SQL["own_key"], spki_sha256))


async def was_proven(conn: Conn, spki_sha256: bytes) -> bool:
    """Whether anybody proved the key's compromise before."""
    return bool(await conn.fetchval(SQL["was_proven"], spki_sha256))


async def case_of_issuer(conn: Conn, issuer_id: int) -> UUID | None:
    """A case about the compromise of an issuing CA that has not revoked yet."""
    found: UUID | None = await conn.fetchval(SQL["case_of_issuer"], issuer_id)
    return found
