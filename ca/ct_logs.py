"""Which logs there are, which of them take a certificate, and which SCTs are enough (pure). C-128 to C-131.

The list is in the JSON format that Google publishes (log_list_schema v3); browsers trust what is in theirs.
"""

from base64 import b64decode
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import combinations
from typing import Annotated, Literal

import msgspec

State = Literal["pending", "qualified", "usable", "readonly", "retired", "rejected"]
ONCE_GOOD: frozenset[State] = frozenset({"qualified", "usable", "readonly", "retired"})  # C-129
FEW, MORE, FEW_UP_TO = 2, 3, timedelta(days=180)  # C-128, C-131: SCTs up to so long, and beyond
OPERATORS = 2
LISTED_MAX = 1000
SECOND = timedelta(seconds=1)


class ListRefused(ValueError):
    """What was read is no list of logs; says why."""


class Since(msgspec.Struct):
    """When a log came into its state."""

    timestamp: datetime


class Interval(msgspec.Struct):
    """Which certificates a log takes: those that end in it."""

    start_inclusive: datetime
    end_exclusive: datetime


class Described(msgspec.Struct):
    """A log as the list describes it. An RFC 6962 log has `url`, one with static tiles `submission_url`."""

    log_id: str
    key: str
    state: dict[State, Since] = msgspec.field(default_factory=dict)
    description: str = ""
    url: str = ""
    submission_url: str = ""
    temporal_interval: Interval | None = None
    log_type: str = "prod"


class Operator(msgspec.Struct):
    """Who runs logs."""

    name: str
    logs: list[Described] = []
    tiled_logs: list[Described] = []


class Published(msgspec.Struct):
    """The list, as much of it as we use."""

    log_list_timestamp: datetime
    operators: Annotated[list[Operator], msgspec.Meta(max_length=LISTED_MAX)]
    version: str = ""


class Log(msgspec.Struct, frozen=True):
    """A log. `id` is the hash of `key`, its SPKI; `tiled`: it is no RFC 6962 log, but takes the same call.

    `ends_from` and `ends_before` bound the notAfter of what it takes, None without a bound.
    """

    id: bytes
    key: bytes
    url: str
    operator: str
    description: str
    tiled: bool
    state: State
    since: datetime
    ends_from: datetime | None
    ends_before: datetime | None

    def takes(self, not_after: datetime, now: datetime) -> bool:
        """Whether it is usable now, and its shard covers a certificate that ends then. C-130."""
        return (
            self.state == "usable"
            and self.since <= now
            and (self.ends_from is None or self.ends_from <= not_after)
            and (self.ends_before is None or not_after < self.ends_before)
        )


class LogList(msgspec.Struct, frozen=True):
    """The logs of a list, and when it says that it was made."""

    version: str
    listed_at: datetime
    logs: tuple[Log, ...]

    def by_id(self) -> dict[bytes, Log]:
        """Logs whose SCTs a certificate may hold, by their id. C-129."""
        return {log.id: log for log in self.logs if log.state in ONCE_GOOD}


def parse(content: bytes) -> LogList:
    """The list in these bytes. Raises ListRefused."""
    try:
        published = msgspec.json.decode(content, type=Published)
        logs = tuple(
            log_of(operator.name, one, tiled=tiled)
            for operator in published.operators
            for tiled, described in ((False, operator.logs), (True, operator.tiled_logs))
            for one in described
            if one.log_type == "prod" and one.state
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise ListRefused(f"no list of logs (v3): {fault}") from None
    if len({log.id for log in logs}) != len(logs):
        raise ListRefused("no list of logs (v3): a log is in it twice")
    return LogList(published.version, utc(published.log_list_timestamp), logs)


def log_of(operator: str, found: Described, *, tiled: bool) -> Log:
    """The log that is described. Raises ValueError."""
    key, shown = b64decode(found.key, validate=True), found.description or found.log_id
    if sha256(key).digest() != b64decode(found.log_id, validate=True):
        raise ValueError(f"{shown}: log_id is not the hash of its key")
    url = found.submission_url if tiled else found.url
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{shown}: no address to submit to")
    if len(found.state) != 1:
        raise ValueError(f"{shown}: not in one state")
    (state, since), span = next(iter(found.state.items())), found.temporal_interval
    return Log(
        sha256(key).digest(), key, f"{url.rstrip('/')}/", operator, shown, tiled, state, utc(since.timestamp),
        utc(span.start_inclusive) if span else None, utc(span.end_exclusive) if span else None,
    )  # fmt: skip


def utc(at: datetime) -> datetime:
    """The instant; one that names no zone is in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def needed(not_before: datetime, not_after: datetime) -> int:
    """How many SCTs a certificate needs. Both its ends count (C-081). C-128, C-131."""
    return FEW if not_after - not_before + SECOND <= FEW_UP_TO else MORE


def enough(logs: Collection[Log], number: int) -> bool:
    """Whether SCTs of these satisfy Chrome and Apple: so many logs, two operators, an RFC 6962 log. C-128, C-131."""
    return (
        len({log.id for log in logs}) >= number
        and len({log.operator for log in logs}) >= OPERATORS
        and not all(log.tiled for log in logs)
    )


def chosen(logs: Iterable[Log], number: int) -> tuple[Log, ...] | None:
    """The first `number` of them that are enough; None when no such are among them."""
    return next((some for some in combinations(logs, number) if enough(some, number)), None)


def next_to_ask(candidates: Sequence[Log], asked: Collection[Log]) -> Log | None:
    """The candidate that adds most to those who answered or are being asked: an RFC 6962 log, another operator."""
    operators, only_tiled = {log.operator for log in asked}, all(log.tiled for log in asked)
    left = [log for log in candidates if log not in asked]
    return max(left, key=lambda log: (log.operator not in operators) + (only_tiled and not log.tiled), default=None)
