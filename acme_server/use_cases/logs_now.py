"""Which logs issuance would ask now for a certificate, and which of them gave an SCT lately. C-128 to C-130."""

from datetime import datetime, timedelta

import msgspec

from acme_server.config import Settings
from acme_server.use_cases.log_list import lists_here
from ca import ct_storage
from ca.ct_logs import SECOND, Log, State, enough, needed
from ca.profiles import first_offered, lifetime, offered
from sql import Conn

LATELY = timedelta(days=1)


class LogNow(msgspec.Struct, frozen=True):
    """A log of the list. `ends_from` and `ends_before` bound what it takes; `sct_at`: when it gave an SCT LATELY."""

    log: str
    operator: str
    kind: str
    state: State
    since: datetime
    ends_from: datetime | None
    ends_before: datetime | None
    is_asked: bool
    sct_at: datetime | None
    url: str
    log_id: bytes


class LogsNow(msgspec.Struct, frozen=True):
    """The list that counts, and what it means for a certificate that begins now and ends at `not_after`."""

    listed_at: datetime
    read_at: datetime
    is_signed: bool
    not_after: datetime
    scts_needed: int
    are_enough: bool
    logs: list[LogNow]


async def logs_now(settings: Settings, conn: Conn, span: timedelta | None, now: datetime) -> LogsNow | None:
    """The logs, those that are asked first; None: there is no list. Without a span: that of the first profile.

    Raises PublisherUnfit.
    """
    lists = lists_here(settings)
    if (newest := await lists.refresh(conn)) is None:
        return None
    first = first_offered(offered(settings.ca.profiles))
    end = now + (lifetime(first, now) if span is None else span - SECOND)
    asked = [log for log in newest.logs.logs if log.takes(end, now)]
    lately = await ct_storage.last_scts(conn, now - LATELY)
    shown = [shown_log(log, log in asked, lately.get(log.id.hex())) for log in newest.logs.logs]
    return LogsNow(
        newest.logs.listed_at, newest.read_at, lists.publisher is not None, end, needed(now, end),
        enough(asked, needed(now, end)), sorted(shown, key=lambda one: (not one.is_asked, one.operator, one.log)),
    )  # fmt: skip


def shown_log(log: Log, is_asked: bool, sct_at: datetime | None) -> LogNow:
    """A log as it is shown."""
    kind = "tiles" if log.tiled else "RFC 6962"
    return LogNow(
        log.description, log.operator, kind, log.state, log.since, log.ends_from, log.ends_before, is_asked, sct_at,
        log.url, log.id,
    )  # fmt: skip
