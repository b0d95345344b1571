"""Evidence: one row per thing decided, in the transaction of the thing decided (design §6)."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from sql import Conn
from sql.ids import uuid7s

COLUMNS = "INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content) "
INSERT = COLUMNS + "VALUES ($1, $2, $3, $4, $5, $6)"
INSERT_CITING = COLUMNS + "VALUES ($1, $2, $3, $4, $5, evidence.cited($6, $7, evidence.citation($5)))"
INSERT_ALL = (
    COLUMNS + "SELECT r.id, $2::text, r.contract_id, $4::text, $5::timestamptz, r.content "
    "FROM unnest($1::uuid[], $3::uuid[], $6::bytea[]) AS r(id, contract_id, content)"
)
INSERT_ALL_CITING = (
    COLUMNS + "SELECT r.id, $2::text, r.contract_id, $4::text, $5::timestamptz, "
    "evidence.cited(r.content, r.place, said.citation) "
    "FROM unnest($1::uuid[], $3::uuid[], $6::bytea[], $7::integer[]) AS r(id, contract_id, content, place), "
    "(SELECT evidence.citation($5::timestamptz) AS citation OFFSET 0) AS said"
)
VERSION = "terms_version"
CANONICAL = msgspec.json.Encoder(order="deterministic").encode

_through: ContextVar[UUID | None] = ContextVar("through", default=None)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What one evidence row says. `content` is canonical JSON; personal data only by reference (T16-3).

    `place`: where in it the version of the Terms in force belongs, which the statement that writes the row puts
    there, for what stands on a rule of the Terms; None: for anything else (T20-3).
    """

    id: UUID
    kind: str
    contract_id: UUID | None
    actor: str
    recorded_at: datetime
    content: bytes
    place: int | None = None


def entry(kind: str, actor: str, at: datetime, *, contract_id: UUID | None = None, **content: Any) -> Entry:
    """An evidence row of `kind` (`object.verb`, past tense) by `actor` (`account:…`, `person:…`, `process:…`).

    By convention `content` holds rule, clause, outcome and inputs_sha256 where they apply (articles.md §0.3); what was
    asked for with a token of the API names it (`through`); what gives a rule cites the Terms (T20-3).
    """
    [made] = entries(kind, actor, at, [(contract_id, content)])
    return made


def entries(kind: str, actor: str, at: datetime, about: Sequence[tuple[UUID | None, dict[str, Any]]]) -> list[Entry]:
    """Evidence rows alike: the contract of each, or None, and its content."""
    said = {} if (token := _through.get()) is None else {"through": f"token:{token}"}
    return [
        Entry(made, kind, contract_id, actor, at, *_written(content | said))
        for made, (contract_id, content) in zip(uuid7s(at, len(about)), about, strict=True)
    ]


def _written(content: dict[str, Any]) -> tuple[bytes, int | None]:
    """Canonical JSON, and where the version of the Terms belongs in it; one that is there already stays."""
    if "rule" not in content or VERSION in content:
        return CANONICAL(content), None
    before, after = _around(tuple(content))
    said = CANONICAL({name: content[name] for name in before})
    if not after:
        return said, len(said) - 1
    return said[:-1] + b"," + CANONICAL({name: content[name] for name in after})[1:], len(said) - 1


@lru_cache(maxsize=1024)
def _around(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names before and behind the version of the Terms."""
    return tuple(each for each in names if each < VERSION), tuple(each for each in names if each > VERSION)


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
    columns = (row.id, row.kind, row.contract_id, row.actor, row.recorded_at, row.content)
    if row.place is None:
        await conn.execute(INSERT, *columns)
    else:
        await conn.execute(INSERT_CITING, *columns, row.place)


async def append_all(conn: Conn, rows: Collection[Entry]) -> None:
    """The same for many rows, in one statement for those that are alike."""
    alike: dict[tuple[str, str, datetime, bool], list[Entry]] = {}
    for row in rows:
        alike.setdefault((row.kind, row.actor, row.recorded_at, row.place is not None), []).append(row)
    for (kind, actor, at, cites), of_kind in alike.items():
        ids, contracts, contents, places = (
            [*each] for each in zip(*((r.id, r.contract_id, r.content, r.place) for r in of_kind), strict=True)
        )
        columns = (ids, kind, contracts, actor, at, contents)
        await (conn.execute(INSERT_ALL_CITING, *columns, places) if cites else conn.execute(INSERT_ALL, *columns))
