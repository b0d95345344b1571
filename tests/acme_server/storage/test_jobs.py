"""The job table under many workers: any interleaving does what a simple model of it says. Design §7."""

import asyncio
import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from acme_server.storage import jobs
from acme_server.storage.jobs import Job
from sql import Pool
from tests.conftest import NOW

MOST, CAP = 4, 2.0
WORKERS, SUBJECTS = ("a", "b", "c"), ("1", "2", "3", "4", "5", "6")


@dataclass
class Row:
    """What the table should say of a job."""

    subject: str
    attempts: int = 0
    fence: int = 0
    holder: str | None = None
    due: bool = True  # its time has come
    lapsed: bool = False  # its lease has ended
    dead: bool = False

    @property
    def free(self) -> bool:
        """Whether a worker may take it."""
        return not self.dead and self.due and (self.holder is None or self.lapsed) and self.attempts < MOST


@dataclass
class Table:
    """The real table beside its model. Every step changes both, and then they are compared."""

    pool: Pool
    chance: random.Random
    model: dict[UUID, Row] = field(default_factory=dict)
    taken: list[Job] = field(default_factory=list)  # all that any worker ever took, stale ones too

    async def enqueue(self) -> None:
        """One live job a subject, however often it is asked for."""
        subject = self.chance.choice(SUBJECTS)
        await jobs.enqueue(self.pool, "validate", subject, MOST, NOW)
        if not any(row.subject == subject and not row.dead for row in self.model.values()):
            made = await self.pool.fetchval("SELECT id FROM acme.jobs WHERE subject = $1 AND NOT dead", subject)
            assert made not in self.model
            self.model[made] = Row(subject)

    async def claim(self) -> None:
        """Free jobs only, each under its next fence."""
        worker, wanted = self.chance.choice(WORKERS), self.chance.randint(1, 3)
        free = {id for id, row in self.model.items() if row.free}
        claimed = await jobs.claim(self.pool, wanted, worker, 60, ["validate"])
        assert {job.id for job in claimed} <= free
        assert len(claimed) == min(wanted, len(free))
        for job in claimed:
            row = self.model[job.id]
            row.attempts, row.fence, row.holder, row.lapsed = row.attempts + 1, row.fence + 1, worker, False
            assert (job.attempts, job.fence, job.subject) == (row.attempts, row.fence, row.subject)
        self.taken += claimed

    async def finish(self) -> None:
        """Gone, if this is its latest fence; a stale one changes nothing."""
        if self.taken:
            await jobs.finish(self.pool, job := self.chance.choice(self.taken))
            if (row := self.model.get(job.id)) and row.fence == job.fence:
                del self.model[job.id]

    async def fail(self) -> None:
        """Waits, or is dead after its last attempt; a stale fence changes nothing."""
        if self.taken:
            await jobs.fail(self.pool, job := self.chance.choice(self.taken), "it failed", CAP)
            if (row := self.model.get(job.id)) and row.fence == job.fence:
                row.holder, row.lapsed, row.due, row.dead = None, False, False, row.attempts >= MOST

    async def lapse(self) -> None:
        """A lease ends: its worker is dead, or as slow as one."""
        if held := [id for id, row in self.model.items() if row.holder]:
            id = self.chance.choice(held)
            await self.pool.execute("UPDATE acme.jobs SET locked_until = now() - interval '1 s' WHERE id = $1", id)
            self.model[id].lapsed = True

    async def wait(self) -> None:
        """The time of every retry comes."""
        await self.pool.execute("UPDATE acme.jobs SET run_at = now()")
        for row in self.model.values():
            row.due = True

    async def bury(self) -> None:
        """Dead is what has no attempt left and nobody who holds it."""
        await jobs.bury(self.pool)
        for row in self.model.values():
            if not row.dead and row.holder and row.lapsed and row.attempts >= MOST:
                row.dead, row.holder, row.lapsed = True, None, False

    async def compare(self) -> None:
        """The table is what the model says."""
        rows = await self.pool.fetch("SELECT id, attempts, fence, locked_by, dead FROM acme.jobs")
        assert {row["id"]: tuple(row.values())[1:] for row in rows} == {
            id: (row.attempts, row.fence, row.holder, row.dead) for id, row in self.model.items()
        }
        dead = {job.id for job in await jobs.dead(self.pool, "validate")}
        assert dead == {id for id, row in self.model.items() if row.dead}


@pytest.mark.parametrize("seed", range(5))
async def test_any_interleaving_of_workers_is_what_the_model_says(pool: Pool, seed: int) -> None:
    table = Table(pool, random.Random(seed))
    steps = [table.enqueue, table.claim, table.claim, table.finish, table.fail, table.lapse, table.wait, table.bury]
    for _ in range(200):
        await table.chance.choices(steps, weights=[5, 4, 3, 1, 3, 3, 3, 1])[0]()
        await table.compare()
    assert len({job.id for job in table.taken}) > 6


async def test_workers_at_once_never_share_a_job(pool: Pool) -> None:
    for number in range(60):
        await jobs.enqueue(pool, "validate", str(number), MOST, NOW)
    running: set[UUID] = set()
    done: list[UUID] = []

    async def work(name: str) -> None:
        while claimed := await jobs.claim(pool, 3, name, 60, ["validate"]):
            assert running.isdisjoint(job.id for job in claimed)
            running.update(job.id for job in claimed)
            await asyncio.sleep(0)
            for job in claimed:
                running.discard(job.id)
                await jobs.finish(pool, job)
                done.append(job.id)

    await asyncio.gather(*(work(f"worker-{number}") for number in range(8)))
    assert len(done) == len(set(done)) == 60
    assert await pool.fetchval("SELECT count(*) FROM acme.jobs") == 0


async def test_retries_wait_longer_each_time_with_jitter_up_to_the_cap(pool: Pool) -> None:
    await jobs.enqueue(pool, "crl", "1/0", 1000, NOW)
    waits: dict[int, list[float]] = {}
    for _ in range(12):
        (job,) = await jobs.claim(pool, 1, "a", 60, ["crl"])
        for _ in range(5):
            await jobs.fail(pool, job, "away", CAP)
            wait = await pool.fetchval("SELECT extract(epoch FROM run_at - now())::float8 FROM acme.jobs")
            waits.setdefault(job.attempts, []).append(wait)
        await pool.execute("UPDATE acme.jobs SET run_at = now()")
    for attempts, found in waits.items():
        middle = min(CAP, 0.25 * 2**attempts)
        assert all(0.5 * middle - 0.5 < wait <= 1.5 * middle for wait in found), attempts
    assert len({round(wait, 3) for found in waits.values() for wait in found}) > 30


@pytest.mark.rule("T0-2")
async def test_issuance_is_leased_for_less_than_it_may_take(pool: Pool) -> None:
    """A worker that dies with an order leaves time for another one before the order's deadline."""
    for kind in ("issue", "validate"):
        await jobs.enqueue(pool, kind, kind, MOST, NOW)
    await jobs.claim(pool, 2, "a", 60, ["issue", "validate"])
    rows = await pool.fetch("SELECT kind, extract(epoch FROM locked_until - now()) AS lease FROM acme.jobs")
    leases = {row["kind"]: row["lease"] for row in rows}
    assert 15 < leases["issue"] <= 20
    assert 55 < leases["validate"] <= 60
