"""Housekeeping: what has expired is marked, partitions exist ahead (design §7; A-136)."""

from datetime import datetime, timedelta

from acme_server.protocol.errors import ErrorType
from acme_server.storage import house, orders
from acme_server.use_cases.context import Context
from acme_server.use_cases.problem import EXPIRED, stored_problem
from sql.ids import first_of

MONTHS_AHEAD = 3
BATCH = 1000  # orders a statement
SLICE = timedelta(hours=1)  # ids that one statement looks at
MISSED = timedelta(days=14)  # for so long nobody may have swept


async def sweep_expired(context: Context, now: datetime) -> int:
    """Pending orders that expired in the last hour are invalid (A-136). Returns how many."""
    return await sweep_slice(context, now - context.limits.order_lifetime, now)


async def sweep_missed(context: Context, now: datetime) -> int:
    """So are those that expired while no worker ran. An hour of ids at a time, so that no statement is long."""
    last = now - context.limits.order_lifetime
    return sum([await sweep_slice(context, last - number * SLICE, now) for number in range(1, MISSED // SLICE)])


async def sweep_slice(context: Context, last: datetime, now: datetime) -> int:
    """Expired orders of the hour before `last` are invalid, with a cause."""
    error, swept = stored_problem(ErrorType.MALFORMED, EXPIRED), 0
    while True:
        count = await orders.sweep_expired(context.pool, first_of(last - SLICE), first_of(last), now, error, BATCH)
        swept += count
        if count < BATCH:
            return swept


async def ensure_partitions(context: Context, now: datetime) -> int:
    """Partitions exist three months ahead. Returns how many were made."""
    return await house.ensure_partitions(context.pool, now, MONTHS_AHEAD)
