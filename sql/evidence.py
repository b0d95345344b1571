"""Evidence: one row per thing decided, in the transaction of the thing decided (design §6)."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from sql import Conn
from sql.ids import uuid7

COLUMNS = "INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content) "
INSERT = COLUMNS + "VALUES ($1, $2, $3, $4, $5, $6)"
INSERT_ALL = (
    COLUMNS + "SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bytea[])"
)


_through: ContextVar[UUID | None] = ContextVar("through", default=None)


class Entry(msgspec.Struct, frozen=True):
    """What one evidence row says. `content` is canonical JSON; personal data only by reference (T16-3)."""

    id: UUID
    kind: str
    contract_id: UUID | None
    actor: str
    recorded_at: datetime
    content: bytes


def entry(kind: str, actor: str, at: datetime, *, contract_id: UUID | None = None, **content: Any) -> Entry:
    """An evidence row of `kind` (`object.verb`, past tense) by `actor` (`account:…`, `person:…`, `process:…`).

    By convention `content` holds rule, clause, outcome and inputs_sha256 where they apply (articles.md §0.3); what was
    asked for with a token of the API names it (`through`).
    """
    if (token := _through.get()) is not None:
        content["through"] = f"token:{token}"
    return Entry(uuid7(at), kind, contract_id, actor, at, msgspec.json.encode(content, order="deterministic"))


@contextmanager
def through(token: UUID) -> Iterator[None]:
    """Every entry made meanwhile, in this task and those it starts, names the token."""
    before = _through.set(token)
    try:
        yield
    finally:
        _through.reset(before)


async def append(conn: Conn, row: Entry) -> None:
    """The row exists when the surrounding transaction commits; single-statement commits insert it themselves."""
    await conn.execute(INSERT, row.id, row.kind, row.contract_id, row.actor, row.recorded_at, row.content)


async def append_all(conn: Conn, rows: Collection[Entry]) -> None:
    """The same for many rows, in one statement."""
    if rows:
        columns = zip(*((r.id, r.kind, r.contract_id, r.actor, r.recorded_at, r.content) for r in rows), strict=True)
        await conn.execute(INSERT_ALL, *(list(column) for column in columns))
