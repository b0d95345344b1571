"""Housekeeping: what has expired is marked, partitions exist ahead (design §7; A-136)."""

from datetime import datetime, timedelta

from acme_server.protocol.errors import ErrorType
from acme_server.storage import house, orders
from acme_server.use_cases.context import Context
from acme_server.use_cases.problem import EXPIRED, stored_problem
from sql.ids import uuid7

MONTHS_AHEAD = 3
BATCH = 1000
LOOK_BACK = timedelta(days=2)


async def sweep_expired(context: Context, now: datetime) -> int:
    """Pending orders past their expiry are invalid (A-136). Looks at the ids that expired lately, so it stays cheap."""
    error = stored_problem(ErrorType.MALFORMED, EXPIRED)
    last = now - context.limits.order_lifetime
    return await orders.sweep_expired(context.pool, uuid7(last - LOOK_BACK), uuid7(last), now, error, BATCH)


async def ensure_partitions(context: Context, now: datetime) -> int:
    """Partitions exist three months ahead. Returns how many were made."""
    return await house.ensure_partitions(context.pool, now, MONTHS_AHEAD)
