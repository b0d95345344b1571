"""What the CA knows of precertificates under way, one function a statement. None opens a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ca.ct import Given
from sql import Conn, Pool, evidence, statements
from sql.ids import first_of

SQL = statements("ca/ct_storage")


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


class GivenSct(msgspec.Struct, frozen=True):
    """An SCT as evidence has it."""

    log_id: str
    at: datetime


class Recorded(msgspec.Struct, frozen=True):
    """The SCTs that a certificate was recorded with."""

    scts: list[GivenSct]


async def last_scts(conn: Conn, since: datetime) -> Mapping[str, datetime]:
    """When each log, by its id in hexadecimal, gave the last SCT that a certificate was recorded with since then."""
    found: dict[str, datetime] = {}
    for row in await conn.fetch(SQL["scts_recorded"], first_of(since)):
        for sct in msgspec.json.decode(row["content"], type=Recorded).scts:
            found[sct.log_id] = max(sct.at, found.get(sct.log_id, sct.at))
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
