"""The self-audit: a random sample of what was issued, examined anew (BR 8.7, C-175).

Which certificates it has nobody chooses: they are the first in the order of SHA-256 over seed and serial number. The
seed is the hash of the first checkpoint sealed a minute after the period: whoever has the checkpoints can repeat it.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from ca import storage as ca
from ca.lint_report import Report
from ca.signer_lint import Linter
from office.storage import proofs, samples
from office.storage.people import Person
from office.storage.samples import Issuance, NewSample, Sample, Sampled
from office.use_cases import asked
from office.use_cases.asked import MOST, NoSuch, Unfit
from office.use_cases.certificates import SERIAL
from office.use_cases.sample_look import OWN, faults_of
from office.use_cases.sample_proofs import proof_faults
from sql import Conn
from sql.evidence import Entry, append, entry
from sql.ids import uuid7

LEAST_PERCENT = 3
LATER = timedelta(minutes=1)  # what was begun in the period is committed by then
CAA_LOOKS = timedelta(days=1)
BATCH = 100
BEGINNING = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class Period(msgspec.Struct, frozen=True):
    """From its first instant to the first after it."""

    since: datetime
    until: datetime


class SeedAsked(Unfit):
    """There is no seed yet; the evidence that asks for one must be kept."""


class Shown(msgspec.Struct, frozen=True):
    """A sample with its certificates."""

    sample: Sample
    certificates: list[Sampled]


async def draw(conn: Conn, period: Period, percent: int, seed: bytes | None, person: str, now: datetime) -> UUID:
    """The sample of the period, drawn and recorded before anything of it is examined; or the unfinished one.

    Of n certificates as many as `percent` of n, rounded up; an empty sample of none. Raises Unfit.
    """
    if percent < LEAST_PERCENT:
        raise Unfit(f"{percent} % are too few: BR 8.7 wants {LEAST_PERCENT} % at least")
    who = await asked.person(conn, person)
    if (begun := await samples.unfinished(conn, period.since, period.until, percent)) is not None:
        return begun
    await without_gap(conn, period, now)
    given, source = await seed_of(conn, period, seed, who, now)
    found = await samples.population(conn, period.since, period.until)
    number = math.ceil(found.number * percent / 100)
    serials = await samples.chosen(conn, period.since, period.until, given, number)
    new = NewSample(
        uuid7(now), period.since, period.until, percent, given, source, found.number, found.sha256, who.id, now, serials
    )
    async with conn.transaction():
        await samples.insert(conn, new)
        await append(conn, drawn(new, who))
    return new.id


async def without_gap(conn: Conn, period: Period, now: datetime) -> None:
    """The period is over, and nothing issued before it was never open to a sample. Raises Unfit."""
    if not period.since < period.until <= now:
        raise Unfit("a period begins before it ends, and it must be over")
    covered = await samples.sampled_until(conn) or BEGINNING
    if covered < period.since and (await samples.population(conn, covered, period.since)).number:
        raise Unfit(
            f"certificates issued before {period.since.isoformat()} are in no sample: begin the period at "
            f"{covered.isoformat()}"
        )


async def seed_of(conn: Conn, period: Period, given: bytes | None, who: Person, now: datetime) -> tuple[bytes, str]:
    """The seed and where it is from. Raises Unfit; SeedAsked having left evidence, which the next checkpoint seals."""
    if given is not None:
        return given, "given"
    if now < period.until + LATER:
        raise Unfit("a minute must be over since the period: its seed comes then")
    if (found := await samples.seed_after(conn, period.until + LATER)) is None:
        asking = entry("audit.sample_asked", asked.actor(who), now, since=period.since, until=period.until)
        await append(conn, asking)
        raise SeedAsked("no checkpoint was sealed since the period; one was asked for: run this again in a few seconds")
    return found.hash, f"checkpoint {found.number}"


def drawn(new: NewSample, who: Person) -> Entry:
    """The evidence of a draw: all that is needed to repeat it."""
    return entry(
        "audit.sample_drawn", asked.actor(who), new.drawn_at, sample=new.id, since=new.from_at, until=new.until_at,
        percent=new.percent, seed=new.seed.hex(), seed_source=new.seed_source, population=new.population,
        population_sha256=new.population_sha256.hex(), drawn=len(new.serials),
        drawn_sha256=sha256(b"".join(new.serials)).hexdigest(),
    )  # fmt: skip


async def examine(conn: Conn, sample_id: UUID, linter: Linter | None, now: datetime) -> None:
    """Everything of the sample is linted and decided anew, with its evidence. Whoever was stopped may go on."""
    while serials := await samples.waiting(conn, sample_id, BATCH):
        found = [await samples.issuance(conn, serial) for serial in serials]
        reports = await linter.lint([one.tbs for one in found]) if linter else [None] * len(found)
        for one, report in zip(found, reports, strict=True):
            await examine_one(conn, sample_id, one, report, linter is not None, now)


async def examine_one(
    conn: Conn, sample_id: UUID, one: Issuance, report: Report | None, linted: bool, now: datetime
) -> None:
    """What is wrong with one certificate is recorded. Raises Unfit when the linter did not answer."""
    if linted and report is None:
        raise Unfit("the linter did not answer: run the same command again, which goes on")
    issuer = await ca.issuer(conn, one.issuer_id)
    faults = ["its issuer is unknown"] if issuer is None else faults_of(one, issuer)
    faults += dict.fromkeys(await proofs_looked_at(conn, one))
    faults += [] if report is None else dict.fromkeys(f"{report.tool}: {fault}" for fault in report.faults())
    tools = [OWN] if report is None else [OWN, report.tool]
    async with conn.transaction():
        if await samples.record_audit(conn, sample_id, one.serial, tools, faults, now):
            proof = entry(
                "audit.certificate_examined", "operator", now,
                contract_id=one.decision.contract_id if one.decision else None, sample=sample_id,
                serial=one.serial.hex(), linted_by=tools, faults=faults,
            )  # fmt: skip
            await append(conn, proof)


async def proofs_looked_at(conn: Conn, one: Issuance) -> list[str]:
    """What is wrong with how its names were proven. Older looks at CAA than a day are none."""
    if one.decision is None:
        return []
    since, until = one.signed_at - CAA_LOOKS, one.signed_at
    looked = await proofs.caa_checks(conn, one.serial, one.decision.contract_id, since, until, one.names)
    return list(proof_faults(one.names, await proofs.proofs(conn, one.serial), looked, until))


async def shown(conn: Conn, sample: str | UUID) -> Shown:
    """A sample by its id, or the last. Raises Unfit."""
    found = await named(conn, sample)
    return Shown(found, await samples.certificates(conn, found.id, None, None))


async def named(conn: Conn, sample: str | UUID) -> Sample:
    """The sample of an id, or the last. Raises Unfit."""
    wanted = None if sample == "last" else asked.id_of("sample", str(sample))
    found: Sequence[Sample] = await samples.samples(conn, wanted, None, 1)
    if not found:
        raise NoSuch(str(sample), "there is no such sample: see `keiyaku audit samples`")
    return found[0]


async def certificates(conn: Conn, sample: str, after: str | None, most: int) -> list[Sampled]:
    """Those of a sample behind that serial number. Raises Unfit."""
    if after is not None and not SERIAL.fullmatch(after):
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    found = await named(conn, asked.id_of("sample", sample))
    return await samples.certificates(conn, found.id, bytes.fromhex(after) if after else None, most)


async def listed(conn: Conn, before: UUID | None = None, most: int = MOST) -> list[Sample]:
    """Samples, newest first, older than that one."""
    return await samples.samples(conn, None, before, most)
