"""The key ceremony: root and issuing CA, or one more issuing CA, are made by two people, step by step, each resumed
where it was interrupted.

What a step signs is recorded before anybody is asked. A key that an interrupted step made is taken, never made again; a
signature it made is not known, so the same recorded bytes are signed again. Evidence holds each step (C-117, C-168).
"""

import asyncio
from collections.abc import Sequence
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

LET_GO_TRIES, LET_GO_SECONDS = 10, 0.1


class Places(msgspec.Struct, frozen=True):
    """Where the keys of root and issuing CA are."""

    root: Vault
    issuing: Vault

    def of(self, role: int) -> Vault:
        """The one of them, for ROOT or ISSUING."""
        return self.root if role == ROOT else self.issuing


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


def differing(own: Script, given: Script) -> str:
    """What the one script says and the other does not, a line each; all of it where they read the same."""
    lines, others = script_of.read_out(own).splitlines(), script_of.read_out(given).splitlines()
    return "\n".join(f"  {line}" for line in [line for line in lines if line not in others] or lines)


async def enter(conn: Conn, script: Script, places: Places, now: datetime) -> Ceremony:
    """The ceremony of this script: the one that is over, or under way, else it is begun. Raises Unfit."""
    await hold_room(conn)
    written = msgspec.json.encode(script, order="deterministic")
    found = await ceremonies.newest(conn)
    if found is not None and found.ended_at is None:
        if found.script != written:
            own = msgspec.json.decode(found.script, type=Script)
            raise Unfit(
                f"a ceremony is under way with another script; resume it with its own:\n{differing(own, script)}"
            )
        return found
    if found is not None and found.script == written:
        return found
    if script.successor is not None:
        await require_new(conn, script, now)
    elif await ca.issuer_count(conn):
        raise Unfit("the database has a CA already; nothing was changed")
    require_places(script, places)
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


async def require_new(conn: Conn, script: Script, now: datetime) -> None:
    """There is no issuer of this name, and the time from which it issues is to come. Raises Unfit."""
    wanted = script.successor
    if wanted is None or await ca.issuer(conn, wanted.number) is not None:
        raise Unfit(f"there is a CA called {script.names.issuing!r} already; nothing was changed")
    if wanted.issues_from is not None and wanted.issues_from <= now:
        raise Unfit("--issues-from is past: leave it out, and the CA issues as soon as it is published")


def require_places(script: Script, places: Places) -> None:
    """Root and issuing CA have places of their own, and neither holds a CA's key; for one more issuing CA the root's
    holds that root's, and the other none of the new number. Raises Unfit.
    """
    if script.root_place == script.issuing_place:
        raise Unfit(f"the root's key must not lie beside the issuing CA's: both would be in {script.root_place}")
    try:
        for role in (ROOT, ISSUING):
            require_keys(script, role, places.of(role))
    except KeyUnusable as fault:
        raise Unfit(str(fault)) from None


def require_keys(script: Script, role: int, vault: Vault) -> None:
    """The place has what the ceremony needs, and no more. Raises Unfit and KeyUnusable."""
    succeeding = script.successor is not None
    if succeeding and role == ROOT:
        if not vault.has(label := script_of.label(script, ROOT)):
            raise Unfit(f"{vault.describe()} holds no key {label!r}: the root's is needed")
        return
    for each in (ISSUING,) if succeeding else (ROOT, ISSUING):
        if vault.has(label := script_of.label(script, each)):
            rather = "delete it if no CA needs it" if succeeding else "use an empty token or folder"
            raise Unfit(f"{vault.describe()} holds a key {label!r} already: {rather}")


async def next_step(conn: Conn, ceremony: Ceremony, now: datetime) -> Prepared | None:
    """The next step, what it signs recorded; None after the last. What is older than a day is prepared anew."""
    script, rows = msgspec.json.decode(ceremony.script, type=Script), await ceremonies.steps(conn, ceremony.id)
    taken = results(rows)
    if len(taken) == len(script.steps):
        return None
    number, step, done = len(taken) + 1, script.steps[len(taken)], await given(conn, script) | taken
    row = rows[-1] if len(rows) == number else None
    if row is None or not still_fit(script, step, done, row, now):
        row = await prepare(conn, ceremony, script, number, done, row, now)
    return Prepared(number, step, script_of.text_of(step, script), row.tbs, row.prepared_at, row.preparations, done)


def results(rows: Sequence[StepRow]) -> dict[Step, Sequence[bytes]]:
    """What came of each step that is done."""
    return {Step(row.step): row.result for row in rows if row.result is not None}


async def given(conn: Conn, script: Script) -> dict[Step, Sequence[bytes]]:
    """What a ceremony before made that this one stands on. Raises Unfit."""
    if script.successor is None:
        return {}
    root = await ca.issuer(conn, script.successor.root_number)
    if root is None:
        raise Unfit(f"there is no root {script.names.root!r}")
    return {Step.ROOT_KEY: [root.spki], Step.ROOT_CERTIFICATE: [root.certificate]}


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
    step, at = script.steps[number - 1], now.replace(microsecond=0)
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
        made = perform(script, prepared, places)
    except (KeyUnusable, KeyAway, LintError) as fault:
        raise Unfit(f"step {step} is not done: {fault}") from None
    async with conn.transaction():
        if not await ceremonies.finish_step(conn, ceremony.id, step, people[0].id, people[1].id, made, now):
            raise Unfit(f"step {step} was done by somebody else: nothing was recorded")
        await evidence.append(conn, proof_of(ceremony.id, script, prepared, people, made, now))
        if step is Step.PUBLISH:
            await publish(conn, ceremony, script, prepared.done, people, now)


def perform(script: Script, prepared: Prepared, places: Places) -> list[bytes]:
    """What the step makes with the one key it needs. Of the places only that one is opened."""
    step = prepared.step
    if step is Step.BEGIN:
        return [places.root.describe().encode(), places.issuing.describe().encode()]
    role = script_of.role_of(step)
    return [] if role is None else script_of.perform(step, script, places.of(role), prepared.done, prepared.tbs)


def proof_of(
    ceremony_id: UUID, script: Script, prepared: Prepared, people: tuple[Person, Person], made: Sequence[bytes],
    now: datetime,
) -> evidence.Entry:  # fmt: skip
    """The step as evidence."""
    return evidence.entry(
        "ceremony.done", actor(people[0]), now,
        ceremony=str(ceremony_id), step=prepared.step, second=actor(people[1]), key=label_of(script, prepared.step),
        tbs_sha256=prepared.hashes, result_sha256=[sha256(each).hexdigest() for each in made],
    )  # fmt: skip


def label_of(script: Script, step: Step) -> str | None:
    """The key that a step makes or uses."""
    role = script_of.role_of(step)
    return None if role is None else script_of.label(script, role)


async def publish(
    conn: Conn, ceremony: Ceremony, script: Script, done: Results, people: tuple[Person, Person], now: datetime
) -> None:
    """Issuers and CRLs are in the database; the ceremony is over, evidence has its transcript's hash (T16-3)."""
    rows = {row.step: row for row in await ceremonies.steps(conn, ceremony.id)}
    wanted = script.successor and script.successor.issues_from
    made = [(script_of.issuing_of(script, done), script.number(ROOT), Step.ISSUING_CRLS)]
    first = [] if script.successor else [(script_of.root_of(script, done), None, Step.ROOT_CRL)]
    for issuer, parent, step in (*first, *made):
        await ca.insert_issuer(conn, issuer, parent, now, actor(people[0]), max(now, wanted or now))
        starts = rows[step].prepared_at
        ends = starts + hierarchy.crl_lifetime(of_root=parent is None)
        for shard, der in enumerate(done[step]):
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
        lines += [f"   key {label}"] if (label := label_of(script, step)) else []
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
