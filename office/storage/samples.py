"""Random samples of what was issued (BR 8.7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.record import DecisionRow
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/samples")


class Population(msgspec.Struct, frozen=True):
    """How many serial numbers were issued in a period, and the digest of all of them in their order."""

    number: int
    sha256: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """A checkpoint whose hash is a seed."""

    number: int
    hash: bytes


class NewSample(msgspec.Struct, frozen=True):
    """A sample to record, before anything of it is examined."""

    id: UUID
    from_at: datetime
    until_at: datetime
    percent: int
    seed: bytes
    seed_source: str
    population: int
    population_sha256: bytes
    drawn_by: UUID
    drawn_at: datetime
    serials: list[bytes]


class Sample(msgspec.Struct, frozen=True):
    """A sample, and how far its examination is."""

    id: UUID
    from_at: datetime
    until_at: datetime
    percent: int
    population: int
    drawn: int
    audited: int
    faulty: int
    seed: bytes
    seed_source: str
    population_sha256: bytes
    drawn_by: str
    drawn_at: datetime


class Sampled(msgspec.Struct, frozen=True):
    """A certificate of a sample, who linted it anew, and what is wrong with it."""

    serial: str
    linted_by: list[str] | None
    faults: list[str] | None
    audited_at: datetime | None


class Issuance(msgspec.Struct, frozen=True):
    """What was recorded, signed and decided under a serial number; of what came back through an import no decision is
    left.
    """

    id: UUID
    issuer_id: int
    serial: bytes
    profile: str
    tbs: bytes
    names: list[str]
    spki_sha256: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    created_at: datetime
    signed_at: datetime
    precertificate: bytes | None
    certificate: bytes | None
    decision: DecisionRow | None


async def population(conn: Conn, since: datetime, until: datetime) -> Population:
    """What was issued in the period."""
    found = one(Population, await conn.fetchrow(SQL["population"], since, until))
    assert found is not None  # an aggregate
    return found


async def chosen(conn: Conn, since: datetime, until: datetime, seed: bytes, number: int) -> list[bytes]:
    """So many serial numbers of the period, which the seed determines."""
    return [row["serial"] for row in await conn.fetch(SQL["chosen"], since, until, seed, number)]


async def seed_after(conn: Conn, at: datetime) -> Checkpoint | None:
    """The first checkpoint sealed at or after the instant."""
    return one(Checkpoint, await conn.fetchrow(SQL["seed_after"], at))


async def sampled_until(conn: Conn) -> datetime | None:
    """Up to when samples reach; None before the first."""
    at: datetime | None = await conn.fetchval(SQL["sampled_until"])
    return at


async def insert(conn: Conn, new: NewSample) -> None:
    """The sample with its serial numbers, none examined."""
    await conn.execute(SQL["insert_sample"], *(getattr(new, name) for name in new.__struct_fields__))


async def samples(conn: Conn, id: UUID | None, before: UUID | None, most: int) -> list[Sample]:
    """Samples, newest first, older than that one; with an id, that one."""
    return many(Sample, await conn.fetch(SQL["samples"], id, before, most))


async def unfinished(conn: Conn, since: datetime, until: datetime, percent: int) -> UUID | None:
    """A sample of this period and share with something left to examine."""
    found: UUID | None = await conn.fetchval(SQL["unfinished"], since, until, percent)
    return found


async def certificates(conn: Conn, sample_id: UUID, after: bytes | None, most: int | None) -> list[Sampled]:
    """Those of a sample behind that serial number, so many or all."""
    return many(Sampled, await conn.fetch(SQL["certificates"], sample_id, after, most))


async def waiting(conn: Conn, sample_id: UUID, most: int) -> list[bytes]:
    """Serial numbers of the sample that are not examined yet."""
    return [row["serial"] for row in await conn.fetch(SQL["waiting"], sample_id, most)]


async def issuance(conn: Conn, serial: bytes) -> Issuance:
    """What there is of a serial number that was signed."""
    row = await conn.fetchrow(SQL["evidence_of_issuance"], serial)
    assert row is not None
    fields: dict[str, Any] = dict(row)
    decided = {name: fields.pop(name) for name in DecisionRow.__struct_fields__ if name in fields and name not in
               ("id", "names")}  # fmt: skip
    decision_id, names = fields.pop("decision_id"), fields.pop("admitted_names")
    decision = decision_id and DecisionRow(id=decision_id, names=tuple(names), **decided)
    return Issuance(**fields, decision=decision)


async def record_audit(
    conn: Conn, sample_id: UUID, serial: bytes, linted_by: Sequence[str], faults: Sequence[str], now: datetime
) -> bool:
    """What was found is recorded; False when it was already."""
    row = await conn.fetchrow(SQL["record_audit"], sample_id, serial, list(linted_by), list(faults), now)
    return row is not None
