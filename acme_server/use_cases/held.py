"""Work on a job that this process holds: if it fails, the job waits for its retry, not for its lease (design §7)."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from acme_server.storage import jobs
from acme_server.storage.jobs import Job
from acme_server.use_cases.context import Context

LOG = structlog.get_logger(__name__)
T = TypeVar("T")
LONGEST_WAIT = 60.0
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 4.0)  # about ten seconds: the lease of whoever cannot give it back ends anyway


async def held(context: Context, job: Job, work: Awaitable[T]) -> T | None:
    """What the work on the job results in; None when it failed, which is logged, and the job waits."""
    try:
        return await work
    except Exception as error:
        LOG.exception("job_failed", kind=job.kind, subject=job.subject, attempts=job.attempts)
        await give_back(context, job, repr(error))
        return None


async def give_back(context: Context, job: Job, reason: str) -> None:
    """The job waits for its retry, as soon as the database answers: it may be what failed."""
    for pause in PAUSES:
        try:
            await jobs.fail(context.pool, job, reason, LONGEST_WAIT)
            return
        except Exception as error:
            LOG.warning("job_not_given_back", kind=job.kind, subject=job.subject, reason=repr(error))
            await asyncio.sleep(pause)
