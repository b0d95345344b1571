"""Certificates of a contract, as the signer leaves them, without a signer."""

from datetime import datetime, timedelta
from hashlib import sha256

from ca import storage
from sql import Conn, Pool
from sql.ids import uuid7

NAMES = "a.example.jp"  # of every certificate, unless a test says otherwise
ISSUER = """
INSERT INTO ca.issuers (id, name, kind, parent_id, certificate, key_id, spki_sha256, shard_count,
    status_url, created_at, issues_from)
VALUES (1, 'root', 'root', NULL, '\\x00', $1, $1, 1, 'http://s.test', $2, NULL),
       (2, 'issuing', 'issuing', 1, '\\x00', $1, $1, 4, 'http://s.test', $2, $2)
ON CONFLICT DO NOTHING
"""
DECISION = """
INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, names, not_after_limit, facts,
    findings, decided_at)
SELECT $1, id, $1, 'before_signing', 'admitted', '{a.example.jp}', $3, '', '', $4 FROM gate.contracts WHERE handle = $2
"""
RECORD = """
INSERT INTO ca.to_be_signed (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256, not_before,
    not_after, shard, state, deadline_at, created_at)
VALUES ($1, 2, $1, $2, 'ov', '', '{a.example.jp}', $3, $4, $5, $6, $7, $5, $4)
"""
CERTIFICATE = """
INSERT INTO ca.certificates (id, issuer_id, serial, der, names, spki_sha256, not_before, not_after, shard, signed_at)
VALUES ($1, 2, $2, '', '{a.example.jp}', $3, $4, $5, $6, $4)
"""
PRECERTIFICATE = "INSERT INTO ca.precertificates (id, der, signed_at, spki_sha256) VALUES ($1, '', $2, $3)"
ISSUANCE = """
INSERT INTO acme.issuances (order_id, to_be_signed_id, account_id, contract_id)
SELECT $1, $1, $1, id FROM gate.contracts WHERE handle = $2
"""


async def issue(
    pool: Pool, contract: str, number: int, now: datetime, *, key: bytes = b"", only_precertified: str | None = None,
    names: str = NAMES,
) -> bytes:  # fmt: skip
    """The serial of a new certificate of the contract; `key` tells keys apart, one of its own if empty.

    `only_precertified`: no certificate followed its precertificate, and its record is in this state. `names` have
    commas between them.
    """
    serial, spki = bytes([1, *[0] * 8]) + number.to_bytes(4, "big"), sha256(key or b"%d" % number).digest()
    made, until = uuid7(now), now + timedelta(days=90)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(ISSUER, sha256(b"issuer").digest(), now)
        await conn.execute(DECISION, made, contract, until, now)
        begins = "signed" if only_precertified is None else "admitted"
        await conn.execute(RECORD.replace(NAMES, names), made, serial, spki, now, until, number % 4, begins)
        await conn.execute("INSERT INTO ca.serials VALUES ($1, $2, 2)", serial, made)
        if only_precertified is None:
            await conn.execute(CERTIFICATE.replace(NAMES, names), made, serial, spki, now, until, number % 4)
        else:
            await conn.execute(PRECERTIFICATE, made, now, spki)
        await conn.execute(ISSUANCE, made, contract)
        if only_precertified == "void":
            await storage.void(conn, made, ground="deadline", actor="process:test", now=now)
    return serial


async def publish(pool: Pool, now: datetime) -> None:
    """CRLs show all that is revoked."""
    await pool.execute("UPDATE ca.revocations SET published_at = $1 WHERE published_at IS NULL", now)


async def revoked(conn: Conn | Pool) -> dict[bytes, int | None]:
    """Serial and code of every revocation."""
    return {row["serial"]: row["reason"] for row in await conn.fetch("SELECT serial, reason FROM ca.revocations")}


async def notices(conn: Conn | Pool) -> list[str]:
    """Kinds of the notices since the contract was formed, in order."""
    rows = await conn.fetch("SELECT kind FROM office.notices WHERE kind <> 'contract_formed' ORDER BY queued_at, id")
    return [row["kind"] for row in rows]
