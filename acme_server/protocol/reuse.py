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


def reuse_of(method: str, lifetime: timedelta, ttl: int | None) -> timedelta:
    """How long a proof by this method is wanted: what the settings say, what its method allows, what its record says.

    C-028, A-244, A-245.
    """
    wanted = min(lifetime, LIMIT_OF_METHOD.get(method, lifetime))
    return wanted if ttl is None else min(wanted, timedelta(seconds=ttl))


def usable_until(proven_at: datetime, wanted: timedelta) -> datetime:
    """The instant, exclusive and in whole seconds, until which a proof may be used: at most `wanted` long. T4-4.

    A proof that a new limit makes too old ends where that limit begins.
    """
    until = proven_at + min(wanted, LIMIT_BEFORE)
    for since, limit in REUSE_LIMITS:
        until = min(until, max(since, proven_at + limit))
    return until.replace(microsecond=0)
