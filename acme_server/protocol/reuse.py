"""How long the proof of domain control may be used again. BR 4.2.1, 3.2.2.4.22; C-015, C-016, C-028, T4-4."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
# how old the proof may be at issuance, by the instant of issuance; oldest first
REUSE_LIMITS: Sequence[tuple[datetime, timedelta]] = (
    (datetime(2027, 3, 15, tzinfo=UTC), 100 * DAY),
    (datetime(2029, 3, 15, tzinfo=UTC), 10 * DAY),
)
LIMIT_BEFORE = 200 * DAY
LIMIT_OF_METHOD: Mapping[str, timedelta] = {"dns-persist-01": 10 * DAY}


AT_HAND = timedelta(minutes=10)


def reuse_of(method: str, lifetime: timedelta, ttl: int | None, order_lifetime: timedelta) -> timedelta:
    """How long a proof by this method is wanted: what the settings say, what its method allows, what its record says.

    C-028, A-244, A-245. For the order at hand ten minutes at least, which no new order can use: what is used again
    outlives the new order.
    """
    wanted = min(lifetime, LIMIT_OF_METHOD.get(method, lifetime))
    if ttl is None:
        return wanted
    return min(wanted, max(timedelta(seconds=ttl), min(AT_HAND, order_lifetime)))


def usable_until(proven_at: datetime, wanted: timedelta) -> datetime:
    """The instant, exclusive and in whole seconds, until which a proof may be used: at most `wanted` long. T4-4.

    A proof that a new limit makes too old ends where that limit begins.
    """
    until = proven_at + min(wanted, LIMIT_BEFORE)
    for since, limit in REUSE_LIMITS:
        until = min(until, max(since, proven_at + limit))
    return until.replace(microsecond=0)
