"""Evidence: one row per thing decided, in the transaction of the thing decided (design §6)."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from sql import Conn
from sql.ids import uuid7s

COLUMNS = "INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content) "
INSERT = COLUMNS + "VALUES ($1, $2, $3, $4, $5, $6)"
INSERT_ALL = (
    COLUMNS + "SELECT r.id, $2::text, r.contract_id, $4::text, $5::timestamptz, r.content "
    "FROM unnest($1::uuid[], $3::uuid[], $6::bytea[]) AS r(id, contract_id, content)"
)


_through: ContextVar[UUID | None] = ContextVar("through", default=None)


class Entry(msgspec.Struct, frozen=True, gc=False):
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
    [made] = entries(kind, actor, at, [(contract_id, content)])
    return made


def entries(kind: str, actor: str, at: datetime, about: Sequence[tuple[UUID | None, dict[str, Any]]]) -> list[Entry]:
    """Evidence rows alike: the contract of each, or None, and its content."""
    said = {} if (token := _through.get()) is None else {"through": f"token:{token}"}
    return [
        Entry(made, kind, contract_id, actor, at, msgspec.json.encode(content | said, order="deterministic"))
        for made, (contract_id, content) in zip(uuid7s(at, len(about)), about, strict=True)
    ]


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
    """The same for many rows, in one statement for those that are alike."""
    alike: dict[tuple[str, str, datetime], list[Entry]] = {}
    for row in rows:
        alike.setdefault((row.kind, row.actor, row.recorded_at), []).append(row)
    for (kind, actor, at), of_kind in alike.items():
        ids, contracts, contents = (
            [*each] for each in zip(*((r.id, r.contract_id, r.content) for r in of_kind), strict=True)
        )
        await conn.execute(INSERT_ALL, ids, kind, contracts, actor, at, contents)
