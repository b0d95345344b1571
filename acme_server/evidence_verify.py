"""Verification of evidence: names what was changed, removed, added or left unsealed (design §6).

Streams both the table and the file, so its memory is that of one checkpoint.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from acme_server import checkpoint_file
from acme_server.storage import evidence
from contract_gate import evidence_batch
from contract_gate.articles.article_16_secrecy import kept_since
from contract_gate.cited_terms import CitedTerms
from contract_gate.evidence import Checkpoint, Record, breaks_between, faults_of
from contract_gate.evidence_batch import Batch, Fault
from sql import Conn

SOON = timedelta(minutes=1)
MOST_NAMED = 1000
TRANSCRIBED = frozenset({"ceremony.ended", "root_crl.signed"})
DESTROYED = "personal_data.destroyed"
DESTROYABLE = ("ceremonies.transcript", "root_crls.transcript")
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
START, END = (-(2**15), 0), (2**15 - 1, 2**64 - 1)


class Kind(StrEnum):
    """What can be wrong."""

    CHANGED = evidence_batch.Kind.CHANGED.value
    MISSING = evidence_batch.Kind.MISSING.value
    ADDED = evidence_batch.Kind.ADDED.value
    UNSEALED = "record not sealed"
    NOT_IN_DATABASE = "checkpoint removed from the database"
    NOT_IN_FILE = "checkpoint missing from the file"
    DIFFERS = "checkpoint differs between database and file"
    NOT_GENUINE = "checkpoint not genuine"
    CHAIN_BROKEN = "chain broken"
    BAD_LINE = "line of the file unusable"
    TRANSCRIPT = "transcript is not the one in evidence"
    TERMS = "cites other Terms than those in force"


class Transcribed(msgspec.Struct, frozen=True):
    """What evidence says of a transcript."""

    transcript_sha256: str
    ceremony: UUID | None = None
    root_crl: UUID | None = None


class Destroyed(msgspec.Struct, frozen=True):
    """What evidence says of data past their retention: the field, and of which rows."""

    field: str
    rows: list[UUID | int]


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong: which record, checkpoint or line, and in what way."""

    kind: Kind
    subject: str
    detail: str = ""


class Report(msgspec.Struct):
    """What was looked at and what was wrong. `problems` names the first thousand, `omitted` counts the rest."""

    checkpoints: int = 0
    records: int = 0
    problems: list[Problem] = msgspec.field(default_factory=list)
    omitted: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.problems

    def add(self, kind: Kind, subject: object, detail: str = "") -> None:
        """The problem is named, or counted when there are too many."""
        if len(self.problems) < MOST_NAMED:
            self.problems.append(Problem(kind, str(subject), detail))
        else:
            self.omitted += 1


async def verify(dsn: str, file: Path, key: Ed25519PublicKey, now: datetime) -> Report:
    """The evidence in the database against the checkpoints in `file`, signed by `key`. Needs SELECT on evidence.

    Raises OSError when the file cannot be read.
    """
    size = os.stat(file).st_size  # before the snapshot: a checkpoint is in the table before it is in the file
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            return await Verification(conn, key, now).run(checkpoint_file.read(file, size))
    finally:
        await conn.close()


class Verification:
    """One pass along the chain."""

    def __init__(self, conn: Conn, key: Ed25519PublicKey, now: datetime) -> None:
        self.conn, self.key, self.now, self.report = conn, key, now, Report()
        self.before: Checkpoint | None = None
        self.reached = START
        self.transcripts: dict[UUID, str] = {}  # SHA-256 of each, by the ceremony or CRL it is of
        self.destroyed: dict[UUID, datetime] = {}  # what was signed by then was past its retention
        self.terms = CitedTerms(())

    async def run(self, lines: Iterator[Checkpoint | None]) -> Report:
        """The report of everything."""
        self.terms = CitedTerms(await evidence.terms(self.conn))
        async for filed, stored in pairs(self.ascending(lines), evidence.checkpoints(self.conn)):
            if genuine := self.compare(filed, stored):
                await self.follow(genuine)
        await self.rest(END, self.unsealed)
        await self.compare_transcripts()
        return self.report

    def ascending(self, lines: Iterator[Checkpoint | None]) -> Iterator[Checkpoint]:
        """The usable lines of the file, in order of number; the others are named."""
        number = 0
        for at, line in enumerate(lines, start=1):
            if line is None or line.number <= number:
                self.report.add(Kind.BAD_LINE, at, "out of order" if line else "not a checkpoint")
            else:
                number = line.number
                yield line

    def compare(self, filed: Checkpoint | None, stored: Checkpoint | None) -> Checkpoint | None:
        """The copy that is genuine, the file's first; everything wrong with either is named."""
        if filed and stored and filed != stored:
            names = [name for name in Checkpoint.__struct_fields__ if getattr(filed, name) != getattr(stored, name)]
            self.report.add(Kind.DIFFERS, filed.number, ", ".join(names))
        if filed and not stored:
            self.report.add(Kind.NOT_IN_DATABASE, filed.number)
        if stored and not filed and self.now - stored.sealed_at > SOON:
            self.report.add(Kind.NOT_IN_FILE, stored.number)
        return self.genuine(filed, "file") or (None if filed == stored else self.genuine(stored, "database"))

    def genuine(self, one: Checkpoint | None, where: str) -> Checkpoint | None:
        """The copy, if nothing is wrong with it in itself."""
        faults = faults_of(one, self.key) if one else []
        if one and faults:
            self.report.add(Kind.NOT_GENUINE, one.number, f"in the {where}: {'; '.join(faults)}")
        return None if faults else one

    async def follow(self, one: Checkpoint) -> None:
        """The next genuine checkpoint is compared with the one before it and with its records."""
        if breaks := breaks_between(self.before, one):
            self.report.add(Kind.CHAIN_BROKEN, one.number, "; ".join(breaks))
        if self.before is None or self.before.era != one.era or self.before.to_transaction < one.from_transaction:
            await self.rest((one.era, one.from_transaction), self.added)
        await self.batch(one)
        self.before, self.reached = one, (one.era, one.to_transaction)
        self.report.checkpoints += 1

    async def batch(self, one: Checkpoint) -> None:
        """The records of the checkpoint's range against its leaves, both in order of id."""
        batch = Batch(one.leaves)
        start, end = (one.era, one.from_transaction), (one.era, one.to_transaction)
        async for record in evidence.records_between(self.conn, start, end):
            self.report.records += 1
            self.note(record, one.sealed_at + SOON)
            self.add_all(batch.faults(record), one.number)
        self.add_all(batch.rest(), one.number)

    def add_all(self, faults: Iterable[Fault], number: int) -> None:
        """What is wrong with records of the checkpoint of that number is named."""
        for each in faults:
            of = "not among the records of" if each.kind is evidence_batch.Kind.ADDED else "sealed by"
            self.report.add(Kind(each.kind), each.id, f"{of} checkpoint {number}")

    async def rest(self, end: tuple[int, int], judge: Callable[[Record], None]) -> None:
        """Records that lie between what is sealed and `end` are judged."""
        if self.reached < end:
            async for record in evidence.records_between(self.conn, self.reached, end):
                self.report.records += 1
                self.note(record, self.now)
                judge(record)

    def note(self, record: Record, by: datetime) -> None:
        """The hash of a transcript, which is outside evidence, for it names people (T16-3); or its end (T16-2).

        Whoever writes a record dates it: it is no later than `by`, when it was there. The Terms that it cites were
        in force at its instant (T20-3).
        """
        try:
            if fault := self.terms.fault(record):
                self.report.add(Kind.TERMS, record.id, fault)
            if record.kind in TRANSCRIBED:
                told = msgspec.json.decode(record.content, type=Transcribed)
                if (of := told.ceremony or told.root_crl) is not None:
                    self.transcripts[of] = told.transcript_sha256
            elif record.kind == DESTROYED:
                gone = msgspec.json.decode(record.content, type=Destroyed)
                if gone.field in DESTROYABLE:
                    since = kept_since(gone.field, min(record.recorded_at, by))
                    self.destroyed |= {row: since for row in gone.rows if isinstance(row, UUID)}
        except (msgspec.DecodeError, ValueError, OverflowError, TypeError):
            return  # a changed record, which is named as such

    async def compare_transcripts(self) -> None:
        """Each transcript has its hash in evidence, and each hash its transcript, unless evidence has its end too."""
        kept = {each.id: each for each in await evidence.transcripts(self.conn)}
        for of in sorted(kept.keys() | self.transcripts):
            found, digest = kept.get(of), self.transcripts.get(of)
            if found is None:
                self.report.add(Kind.TRANSCRIPT, of, "it is missing")
            elif digest is None:
                self.report.add(Kind.TRANSCRIPT, of, "evidence has no hash of it")
            elif found.destroyed:
                if not found.signed_at <= self.destroyed.get(of, BEFORE_ALL):
                    self.report.add(
                        Kind.TRANSCRIPT, of, "evidence does not say that it was destroyed after its retention"
                    )
            elif sha256(found.transcript.encode()).hexdigest() != digest:
                self.report.add(Kind.TRANSCRIPT, of, "it was changed")

    def added(self, record: Record) -> None:
        """A record in a gap of the chain."""
        self.report.add(Kind.ADDED, record.id, "in no genuine checkpoint")

    def unsealed(self, record: Record) -> None:
        """A record after the last checkpoint has a minute's time."""
        at = record.recorded_at
        if at.tzinfo is None or self.now - at > SOON:
            self.report.add(Kind.UNSEALED, record.id, f"recorded at {at}")


async def pairs(
    filed: Iterator[Checkpoint], stored: AsyncIterator[Checkpoint]
) -> AsyncIterator[tuple[Checkpoint | None, Checkpoint | None]]:
    """The file's and the database's checkpoint of each number, in order of number."""
    left, right = next(filed, None), await anext(stored, None)
    while left or right:
        if right is None or (left and left.number < right.number):
            yield left, None
            left = next(filed, None)
        elif left is None or right.number < left.number:
            yield None, right
            right = await anext(stored, None)
        else:
            yield left, right
            left, right = next(filed, None), await anext(stored, None)
