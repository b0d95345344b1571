"""The office's daily jobs and its mail, in the process `work` under the role keiyaku_office (design §7)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from office.use_cases import (
    bank,
    caa_reports,
    carrying,
    deliver,
    desk,
    ending,
    holidays,
    idempotency,
    incident_steps,
    invoices,
    nonpayment,
    register_check,
    reminders,
    renewal,
    replacement,
    retention,
    revalidation,
    revocations,
    seal,
    service_end,
    terms,
)
from office.use_cases.corporate_register import Register
from office.use_cases.mail import Posting
from sql import Pool
from sql.away import DATABASE_AWAY

LOOK = timedelta(seconds=1)  # how soon a clock that was set is noticed
Sweep = Callable[[Pool, datetime], Awaitable[object]]
LOG = logging.getLogger(__name__)


def sweeps(posting: Posting, register: Register | None = None) -> list[tuple[timedelta, Sweep]]:
    """How often each runs. Each is idempotent and takes its rows by SKIP LOCKED or an advisory lock: nodes share.

    Nobody is looked up without a register (T6-5).
    """
    lookups: list[tuple[timedelta, Sweep]] = []
    if register is not None:
        lookups.append((timedelta(hours=1), partial(register_check.sweep, register=register)))
    return [
        *lookups,
        (timedelta(seconds=2), partial(deliver.address_notices, posting=posting)),
        (timedelta(seconds=2), partial(deliver.hand_off, posting=posting)),
        (timedelta(seconds=10), partial(deliver.look_at_postings, posting=posting)),
        (timedelta(seconds=30), terms.take_effect),
        (timedelta(seconds=30), caa_reports.tell),
        (timedelta(hours=1), invoices.claim_differences),
        (timedelta(hours=1), carrying.mark_spent),
        (timedelta(hours=1), carrying.carry_fees),
        (timedelta(hours=1), reminders.remind),
        (timedelta(hours=1), bank.alarm),
        (timedelta(seconds=5), revocations.sweep),
        (timedelta(seconds=5), replacement.sweep),
        (timedelta(hours=1), nonpayment.sweep),
        (timedelta(seconds=1), incident_steps.sweep),
        (timedelta(hours=12), holidays.sweep),
        (timedelta(minutes=10), ending.sweep),
        (timedelta(seconds=30), service_end.sweep),
        (timedelta(minutes=1), seal.ask_deletion),
        (timedelta(hours=6), retention.sweep),
        (timedelta(minutes=10), desk.sweep),
        (timedelta(minutes=10), idempotency.sweep),
        (timedelta(hours=1), partial(renewal.sweep_all, portal=posting.base_url)),
        (timedelta(hours=6), revalidation.sweep_all),
    ]


async def run(
    pool: Pool, posting: Posting, clock: Callable[[], datetime], stop: asyncio.Event, register: Register | None = None
) -> None:
    """Works until `stop`, then finishes what is at hand."""
    await asyncio.gather(*(every(span, sweep, pool, clock, stop) for span, sweep in sweeps(posting, register)))


async def every(span: timedelta, sweep: Sweep, pool: Pool, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """`sweep` runs every `span`; a failure is logged and the next turn tries again."""
    while not stop.is_set():
        try:
            await sweep(pool, clock())
        except (*DATABASE_AWAY, TimeoutError) as fault:
            LOG.warning("the database is away: %s", type(fault).__name__)
        except Exception:
            LOG.exception("a sweep of the office failed")
        await passed(span, clock, stop)


async def passed(span: timedelta, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Returns after `span` of our clock, which `dev` may set on or back meanwhile, or when the process is to stop."""
    began = clock()
    while not stop.is_set() and (left := span - abs(clock() - began)) > timedelta(0):
        try:
            async with asyncio.timeout(min(left, LOOK).total_seconds()):
                await stop.wait()
        except TimeoutError:
            continue
