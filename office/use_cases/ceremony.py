"""The key ceremony: root and issuing CA are made by two people, step by step, each resumed where it was interrupted.

What a step signs is recorded before anybody is asked. A key that an interrupted step made is taken, never made again; a
signature it made is not known, so the same recorded bytes are signed again. Evidence holds each step (C-117, C-168).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from ca import ceremony as script_of
from ca import hierarchy
from ca import storage as ca
from ca.ceremony import Results, Script, Step, Vault
from ca.hierarchy import ISSUING, ROOT
from ca.keys import KeyAway, KeyUnusable
from ca.linting import LintError
from office.storage import ceremonies
from office.storage.ceremonies import Ceremony, StepRow
from office.storage.people import Person
from office.use_cases.asked import Unfit, actor
from sql import Conn, evidence
from sql.ids import uuid7

STEPS = tuple(Step)
LET_GO_TRIES, LET_GO_SECONDS = 10, 0.1


class Places(msgspec.Struct, frozen=True):
    """Where the keys of root and issuing CA are."""

    root: Vault
    issuing: Vault

    def of(self, issuer_id: int) -> Vault:
        """The one of them."""
        return self.root if issuer_id == ROOT else self.issuing


class Prepared(msgspec.Struct, frozen=True):
    """The next step: what it does, what it will sign, and what was done before."""

    number: int
    step: Step
    text: str
    tbs: list[bytes]
    prepared_at: datetime
    preparations: int
    done: Results

    @property
    def hashes(self) -> list[str]:
        """SHA-256 of what will be signed."""
        return [sha256(each).hexdigest() for each in self.tbs]


async def enter(conn: Conn, script: Script, places: Places, now: datetime) -> Ceremony:
    """The ceremony of this script: the one that is over, or under way, else it is begun. Raises Unfit."""
    await hold_room(conn)
    written = msgspec.json.encode(script, order="deterministic")
    found = await ceremonies.newest(conn)
    if found is not None and found.ended_at is None:
        if found.script != written:
            raise Unfit(f"a ceremony is under way with another script; resume it with its own: {found.script.decode()}")
        return found
    if found is not None and found.script == written:
        return found
    if await ca.issuer_count(conn):
        raise Unfit("the database has a CA already; nothing was changed")
    require_empty(script, places)
    made = Ceremony(uuid7(now), written, now, None, None)
    async with conn.transaction():
        await ceremonies.insert_ceremony(conn, made.id, written, now)
        await evidence.append(
            conn, evidence.entry("ceremony.begun", "process:ceremony", now, ceremony=str(made.id), script=script)
        )
    return made


async def hold_room(conn: Conn) -> None:
    """This connection alone holds a ceremony. One that just broke off needs a moment to let go. Raises Unfit."""
    for _ in range(LET_GO_TRIES):
        if await ceremonies.hold_room(conn):
            return
        await asyncio.sleep(LET_GO_SECONDS)
    raise Unfit("another ceremony is being held just now: wait for its end")


def require_empty(script: Script, places: Places) -> None:
    """Root and issuing CA have places of their own, and neither holds a CA's key. Raises Unfit."""
    if script.root_place == script.issuing_place:
        raise Unfit(f"the root's key must not lie beside the issuing CA's: both would be in {script.root_place}")
    try:
        for issuer_id in (ROOT, ISSUING):
            vault = places.of(issuer_id)
            if any(vault.has(label := hierarchy.key_label(each)) for each in (ROOT, ISSUING)):
                raise Unfit(f"{vault.describe()} holds a key {label!r} already: use an empty token or folder")
    except KeyUnusable as fault:
        raise Unfit(str(fault)) from None


async def next_step(conn: Conn, ceremony: Ceremony, now: datetime) -> Prepared | None:
    """The next step, what it signs recorded; None after the last. What is older than a day is prepared anew."""
    script, rows = msgspec.json.decode(ceremony.script, type=Script), await ceremonies.steps(conn, ceremony.id)
    done = results(rows)
    if len(done) == len(STEPS):
        return None
    number, step = len(done) + 1, STEPS[len(done)]
    row = rows[-1] if len(rows) == number else None
    if row is None or not still_fit(script, step, done, row, now):
        row = await prepare(conn, ceremony, script, number, done, row, now)
    return Prepared(number, step, script_of.text_of(step, script), row.tbs, row.prepared_at, row.preparations, done)


def results(rows: Sequence[StepRow]) -> dict[Step, Sequence[bytes]]:
    """What came of each step that is done."""
    return {Step(row.step): row.result for row in rows if row.result is not None}


def still_fit(script: Script, step: Step, done: Results, row: StepRow, now: datetime) -> bool:
    """Whether what was prepared may still be signed."""
    try:
        script_of.check(step, script, done, row.tbs, row.prepared_at, now)
    except LintError:
        return False
    return True


async def prepare(
    conn: Conn, ceremony: Ceremony, script: Script, number: int, done: Results, before: StepRow | None, now: datetime
) -> StepRow:
    """What the step signs is made, checked and recorded."""
    step, at = STEPS[number - 1], now.replace(microsecond=0)
    tbs = script_of.to_sign(step, script, done, at)
    async with conn.transaction():
        await ceremonies.prepare(conn, ceremony.id, number, step, tbs, at)
        await evidence.append(
            conn,
            evidence.entry(
                "ceremony.prepared", "process:ceremony", now,
                ceremony=str(ceremony.id), step=step, tbs_sha256=[sha256(each).hexdigest() for each in tbs],
            ),
        )  # fmt: skip
    return StepRow(step, tbs, at, 1 if before is None else before.preparations + 1, None, None, None, None)


async def take(
    conn: Conn, ceremony: Ceremony, prepared: Prepared, people: tuple[Person, Person], places: Places, now: datetime
) -> None:
    """The step is done, as two people agreed. Raises Unfit: then it can be taken again."""
    script, step = msgspec.json.decode(ceremony.script, type=Script), prepared.step
    try:
        script_of.check(step, script, prepared.done, prepared.tbs, prepared.prepared_at, now)
        made = perform(prepared, places)
    except (KeyUnusable, KeyAway, LintError) as fault:
        raise Unfit(f"step {step} is not done: {fault}") from None
    async with conn.transaction():
        if not await ceremonies.finish_step(conn, ceremony.id, step, people[0].id, people[1].id, made, now):
            raise Unfit(f"step {step} was done by somebody else: nothing was recorded")
        await evidence.append(conn, proof_of(ceremony.id, prepared, people, made, now))
        if step is Step.PUBLISH:
            await publish(conn, ceremony, script, prepared.done, people, now)


def perform(prepared: Prepared, places: Places) -> list[bytes]:
    """What the step makes with the one key it needs. Of the places only that one is opened."""
    step = prepared.step
    if step is Step.BEGIN:
        return [places.root.describe().encode(), places.issuing.describe().encode()]
    issuer_id = {**script_of.KEYS, **script_of.SIGNERS}.get(step)
    if issuer_id is None:
        return []
    return script_of.perform(step, places.of(issuer_id), prepared.done, prepared.tbs)


def proof_of(
    ceremony_id: UUID, prepared: Prepared, people: tuple[Person, Person], made: Sequence[bytes], now: datetime
) -> evidence.Entry:
    """The step as evidence."""
    return evidence.entry(
        "ceremony.done", actor(people[0]), now,
        ceremony=str(ceremony_id), step=prepared.step, second=actor(people[1]), key=label_of(prepared.step),
        tbs_sha256=prepared.hashes, result_sha256=[sha256(each).hexdigest() for each in made],
    )  # fmt: skip


def label_of(step: Step) -> str | None:
    """The key that a step makes or uses."""
    issuer_id = {**script_of.KEYS, **script_of.SIGNERS}.get(step)
    return None if issuer_id is None else hierarchy.key_label(issuer_id)


async def publish(
    conn: Conn, ceremony: Ceremony, script: Script, done: Results, people: tuple[Person, Person], now: datetime
) -> None:
    """Issuers and CRLs are in the database; the ceremony is over, evidence has its transcript's hash (T16-3)."""
    crls: Mapping[int, Sequence[bytes]] = {ROOT: done[Step.ROOT_CRL], ISSUING: done[Step.ISSUING_CRLS]}
    rows = {row.step: row for row in await ceremonies.steps(conn, ceremony.id)}
    for issuer, parent, step in (
        (script_of.root_of(script, done), None, Step.ROOT_CRL),
        (script_of.issuing_of(script, done), ROOT, Step.ISSUING_CRLS),
    ):
        await ca.insert_issuer(conn, issuer, parent, now, actor(people[0]))
        starts = rows[step].prepared_at
        ends = starts + hierarchy.crl_lifetime(of_root=parent is None)
        for shard, der in enumerate(crls[issuer.id]):
            await ca.insert_crl(conn, issuer.id, shard, 1, starts, ends, der)
    written = transcript(ceremony, script, await ceremonies.steps(conn, ceremony.id))
    if not await ceremonies.end_ceremony(conn, ceremony.id, written, now):
        raise Unfit("the ceremony was ended by somebody else: nothing was recorded")
    digest = sha256(written.encode()).hexdigest()
    await evidence.append(
        conn,
        evidence.entry(
            "ceremony.ended", actor(people[0]), now,
            ceremony=str(ceremony.id), transcript_sha256=digest,
        ),
    )  # fmt: skip


def transcript(ceremony: Ceremony, script: Script, rows: Sequence[StepRow]) -> str:
    """All that was done: by whom, when, with which key, and the hashes of what was signed and made."""
    lines = [
        f"Key ceremony {ceremony.id}, begun {ceremony.begun_at:%Y-%m-%dT%H:%M:%SZ}",
        "",
        script_of.read_out(script),
    ]
    for number, row in enumerate(rows, start=1):
        step = Step(row.step)
        lines += ["", f"{number}. {step}, done {row.done_at:%Y-%m-%dT%H:%M:%SZ} by {row.first} and {row.second}"]
        lines += [f"   key {label}"] if (label := label_of(step)) else []
        times = f" {row.preparations} times, the last time" if row.preparations > 1 else ""
        lines += [f"   prepared{times} {row.prepared_at:%Y-%m-%dT%H:%M:%SZ}"]
        lines += [f"   to be signed, SHA-256 {sha256(each).hexdigest()}" for each in row.tbs]
        lines += [f"   found {each.decode()}" for each in row.result or () if step is Step.BEGIN]
        lines += [f"   made, SHA-256 {sha256(each).hexdigest()}" for each in row.result or () if step is not Step.BEGIN]
    return "\n".join(lines) + "\n"


async def finished(conn: Conn) -> Ceremony | None:
    """The newest ceremony, when it is over."""
    found = await ceremonies.newest(conn)
    return found if found is not None and found.ended_at is not None else None
