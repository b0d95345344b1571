"""What the CA knows of logs and of precertificates under way, one function a statement. None opens a transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from ca import ct_logs
from ca.ct import Given
from ca.ct_logs import ListRefused, LogList
from sql import Conn, Pool, evidence, statements

SQL = statements("ca/ct_storage")
AHEAD = timedelta(days=1)


class StoredList(msgspec.Struct, frozen=True):
    """The list of logs that counts."""

    sha256: bytes
    logs: LogList
    read_at: datetime


class Precertificate(msgspec.Struct, frozen=True):
    """A stored precertificate of an open record; `is_final`: the certificate that it leads to is recorded."""

    der: bytes
    signed_at: datetime
    tbs: bytes
    serial: bytes
    issuer_id: int
    not_before: datetime
    not_after: datetime
    contract_id: UUID
    is_final: bool


async def newest_log_list(conn: Conn | Pool, known: bytes | None) -> StoredList | None:
    """The list that counts; None when it is the known one, or there is none."""
    row = await conn.fetchrow(SQL["newest_log_list"], known)
    return None if row is None else StoredList(row["sha256"], ct_logs.parse(row["content"]), row["read_at"])


async def insert_log_list(conn: Conn | Pool, content: bytes, source: str, actor: str, now: datetime) -> bool:
    """The list counts from now on, if it says that it is newer than all before it. Raises ListRefused.

    One that is dated ahead of now would keep out all that come after it.
    """
    logs, digest = ct_logs.parse(content), sha256(content).digest()
    if logs.listed_at > now + AHEAD:
        raise ListRefused(f"this list of logs is dated in the future: {logs.listed_at:%FT%TZ}")
    proof = evidence.entry(
        "ct.list_read", actor, now, sha256=digest.hex(), listed_at=logs.listed_at, logs=len(logs.logs), source=source
    )
    added = await conn.fetchval(
        SQL["insert_log_list"], digest, content, logs.listed_at, source, now, proof.id, proof.kind, proof.actor,
        proof.content,
    )  # fmt: skip
    return added is not None


async def log_list_date(conn: Conn | Pool) -> datetime | None:
    """When the list that counts says that it was made; None: there is no list."""
    found: datetime | None = await conn.fetchval(SQL["log_list_date"])
    return found


async def precertificate(conn: Conn | Pool, id: UUID) -> Precertificate | None:
    """The precertificate of a record; None when there is none, or the record has ended."""
    row = await conn.fetchrow(SQL["precertificate"], id)
    return None if row is None else Precertificate(**row)


async def insert_final(
    conn: Conn | Pool, id: UUID, found: Precertificate, tbs: bytes, given: Sequence[Given], actor: str, now: datetime
) -> None:
    """The certificate that the SCTs lead to is recorded, unless one is, or the record has ended. C-124."""
    proof = evidence.entry(
        "scts.recorded", actor, now, contract_id=found.contract_id, certificate_id=str(id), serial=found.serial.hex(),
        scts=[{"log": one.log.description, "operator": one.log.operator, "log_id": one.log.id.hex(), "at": one.sct.at}
              for one in given],
    )  # fmt: skip
    await conn.execute(
        SQL["insert_final"], id, tbs, now, proof.id, proof.kind, proof.contract_id, proof.actor, proof.content
    )
