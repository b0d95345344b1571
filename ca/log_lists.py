"""Lists of logs in the database, and the one of them that counts. C-130.

A row is believed only as far as its octets and their signature go: each process verifies both when it loads a list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import asyncpg
import msgspec
import structlog

from ca import ct_logs
from ca.ct_logs import ListRefused, Log, LogList
from ca.ct_publisher import Publisher
from sql import Conn, Pool, evidence, statements

SQL = statements("ca/log_lists")
LOG = structlog.get_logger(__name__)
AHEAD = timedelta(days=1)
UNSIGNED = b""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
SHOWN = 8  # of what is refused


class Published(msgspec.Struct, frozen=True):
    """A list as it was read, and its signature; empty: it has none."""

    content: bytes
    signature: bytes = UNSIGNED


class StoredList(msgspec.Struct, frozen=True):
    """A list that is whole, and its publisher's. `by_id`: logs whose SCTs a certificate may hold (C-129)."""

    sha256: bytes
    logs: LogList
    by_id: Mapping[bytes, Log]
    read_at: datetime


@dataclass
class LogLists:
    """The list that counts, as this process knows it. `refused`: why the newest in the database do not.

    `publisher` None: nobody's signature is asked for.
    """

    publisher: Publisher | None
    newest: StoredList | None = None
    refused: tuple[str, ...] = ()

    async def refresh(self, conn: Conn | Pool) -> StoredList | None:
        """The newest list that is whole and the publisher's, None: no such; never an older one than was known."""
        refused: list[str] = []
        for head in await conn.fetch(SQL["heads"], self.newest.logs.listed_at if self.newest else EARLIEST):
            try:
                if (row := await conn.fetchrow(SQL["log_list"], head["sha256"], head["signature"])) is None:
                    continue
                self._count(stored(row, self.publisher))
                break
            except (ListRefused, OverflowError) as fault:
                refused.append(f"list {head['sha256'].hex()[:16]} of {head['listed_at']:%FT%TZ}: {fault}")
        shown = tuple(refused[:SHOWN])
        if shown and shown != self.refused:
            LOG.error("log_list_refused", reasons=shown, lists=len(refused))
        self.refused = shown
        return self.newest

    def _count(self, found: StoredList) -> None:
        """It counts, unless a newer one was found while it was loaded."""
        if self.newest is None or found.logs.listed_at > self.newest.logs.listed_at:
            self.newest = found


def stored(row: asyncpg.Record, publisher: Publisher | None) -> StoredList:
    """The list of a row. Raises ListRefused when it is not what was stored there."""
    if sha256(row["content"]).digest() != row["sha256"]:
        raise ListRefused("it was changed in the database")
    logs = checked(Published(row["content"], row["signature"]), publisher)
    if logs.listed_at != row["listed_at"]:
        raise ListRefused(f"its date was changed in the database: it says {logs.listed_at:%FT%TZ}")
    return StoredList(row["sha256"], logs, logs.by_id(), row["read_at"])


def checked(found: Published, publisher: Publisher | None) -> LogList:
    """The logs of a list that is its publisher's. Raises ListRefused; nothing of an unsigned one is looked into."""
    if publisher is not None and found.signature == UNSIGNED:
        raise ListRefused("it is not signed")
    if publisher is not None and not publisher.signed(found.content, found.signature):
        raise ListRefused("its signature is not its publisher's, or not of this list")
    return ct_logs.parse(found.content)


async def insert(conn: Conn | Pool, lists: LogLists, found: Published, source: str, actor: str, now: datetime) -> bool:
    """The list counts from now on; False: it is in the database. Raises ListRefused.

    An older list is refused, and so is one that is dated ahead: it would keep out all that come after it.
    """
    logs, digest = checked(found, lists.publisher), sha256(found.content).digest()
    if logs.listed_at > now + AHEAD:
        raise ListRefused(f"this list of logs is dated in the future: {logs.listed_at:%FT%TZ}")
    known = await lists.refresh(conn)
    if known is not None and known.sha256 == digest:
        return False
    if known is not None and logs.listed_at <= known.logs.listed_at:
        raise ListRefused(
            f"this list of logs is of {logs.listed_at:%FT%TZ}, no newer than the one that counts, "
            f"of {known.logs.listed_at:%FT%TZ}"
        )
    proof = evidence.entry(
        "ct.list_read", actor, now, sha256=digest.hex(), listed_at=logs.listed_at, logs=len(logs.logs), source=source,
        signed=lists.publisher is not None,
    )  # fmt: skip
    added = await conn.fetchval(
        SQL["insert_log_list"], digest, found.content, logs.listed_at, source, now, proof.id, proof.kind, proof.actor,
        proof.content, found.signature,
    )  # fmt: skip
    return added is not None
