"""Workers beside each other: what one of them does, or fails to do, is no business of the other's jobs. Design §7."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from acme_server import worker
from acme_server.clock import utc_now
from acme_server.use_cases.context import Context
from acme_server.use_cases.held import held
from acme_server.use_cases.validate import end_dead
from acme_server.validation.outcome import Asked, NotProven, Proven
from tests.acme_server.conftest import Served

RESPONDED = """
UPDATE acme.authorizations SET challenge_type = 'http-01', challenge_status = 'processing', responded_at = now(),
    key_authorization = tokens[1] || '.thumbprint'
"""
WAITING = """
INSERT INTO acme.jobs (id, kind, subject, max_attempts)
SELECT gen_random_uuid(), 'validate', id::text, $1 FROM acme.authorizations
"""
HELD = "SELECT id, fence, attempts, locked_by, locked_until FROM acme.jobs WHERE locked_by = $1 ORDER BY id"
STATUSES = "SELECT DISTINCT status FROM acme.authorizations"


async def responded(served: Served, count: int, attempts: int = 13) -> None:
    """So many challenges were responded to, and their validations wait for a worker."""
    client = await served.registered()
    for number in range(count):
        assert (await client.order(f"n{number}.demo.test")).status == 201
    await served.owner.execute(RESPONDED)
    await served.owner.execute(WAITING, attempts)


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it is so."""
    async with asyncio.timeout(20):
        while not await found():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def node(served: Served, name: str) -> AsyncIterator[tuple[Context, asyncio.Event]]:
    """A worker that takes three validations at once, and what stops it."""
    context, stop = replace(served.context, worker=name, tasks=set()), asyncio.Event()
    taking = asyncio.create_task(worker.take_jobs(context, stop, ("validate",), 3))
    yield context, stop
    stop.set()
    await taking
    await asyncio.gather(*context.tasks)


async def test_stopping_one_node_touches_no_job_of_another(served: Served) -> None:
    await responded(served, 6)
    served.looks.gate = asyncio.Event()
    async with node(served, "a") as (_, stop), node(served, "b"):

        async def both_busy() -> bool:
            return len(served.looks.seen) == 6

        await until(both_busy)
        before = await served.owner.fetch(HELD, "b")
        stop.set()
        await asyncio.sleep(0)
        assert await served.owner.fetch(HELD, "b") == before
        assert len(before) == 3
        served.looks.gate.set()
    assert [row["status"] for row in await served.owner.fetch(STATUSES)] == ["valid"]
    assert await served.owner.fetchval("SELECT count(*) FROM acme.jobs") == 0
    looked = [seen[1] for seen in served.looks.seen if seen[0] == "http-01"]
    assert len(looked) == len(set(looked)) == 6


@pytest.mark.parametrize("fails", [True, False])
async def test_a_job_that_fails_waits_for_its_retry_and_not_for_its_lease(served: Served, fails: bool) -> None:
    await responded(served, 1)

    class Broken:
        """A look that ends in a fault of ours."""

        async def validate(self, asked: Asked) -> Proven | NotProven:
            raise RuntimeError("a fault")

        async def caa(self, *_: object) -> Proven | NotProven:
            raise RuntimeError("a fault")

    context = replace(served.context, worker="a", looks=Broken() if fails else served.looks)
    (job,) = await worker.jobs.claim(context.pool, 1, "a", 60, ["validate"])
    assert await held(context, job, worker.validate_job(context, job)) is None
    rows = await served.owner.fetch("SELECT locked_by, last_error FROM acme.jobs")
    assert [tuple(row.values()) for row in rows] == ([(None, "RuntimeError('a fault')")] if fails else [])


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_validation_that_no_worker_survives_ends(served: Served, attempts: int) -> None:
    """With an attempt left it waits for the next worker; without, the client is told instead of waiting for ever."""
    await responded(served, 1, attempts)
    await worker.jobs.claim(served.context.pool, 1, "dead", 60, ["validate"])
    await served.owner.execute("UPDATE acme.jobs SET locked_until = now() - interval '1 s'")
    assert await end_dead(served.context, utc_now()) == (attempts == 1)
    ended = await served.owner.fetchrow(
        "SELECT status, challenge_error IS NOT NULL, (SELECT count(*) FROM acme.jobs),"
        " (SELECT count(*) FROM evidence.records WHERE kind = 'authorization.validated' AND contract_id IS NOT NULL)"
        " FROM acme.authorizations"
    )
    assert tuple(ended.values()) == (("invalid", True, 0, 1) if attempts == 1 else ("pending", False, 1, 0))
