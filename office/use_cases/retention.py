"""What is past its retention is destroyed or has a pseudonym, and its record stays (T16-2)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_16_secrecy import RETENTION, Since
from office.storage import retention
from office.storage.retention import Destruction, Gone
from office.use_cases.asked import MOST, Unfit
from office.use_cases.notify import ACTOR
from office.use_cases.tenants import instant, instant_after
from sql import Conn, Pool
from sql.evidence import Entry, append_all, entry

AT_ONCE = 5000  # each turn asks anew which contracts and customers are past
PEOPLE_AT_ONCE = 2000  # each turn looks through every record that may name them


class Row(msgspec.Struct, frozen=True):
    """Why a field is kept and how long, and what of it was destroyed so far."""

    field: str
    columns: tuple[str, ...]
    purpose: str
    years: int
    since: Since
    destroyed: int
    last_destroyed_at: datetime | None


async def sweep(pool: Pool, now: datetime) -> int:
    """Every field past its retention is destroyed, with a record of each; says how many were."""
    return sum([await destroy(pool, field, now) for field in RETENTION])


async def destroy(pool: Pool, field: str, now: datetime) -> int:
    """How many rows lost this field by now. Each turn is a transaction, so that a sweep cut short goes on later."""
    done, after = 0, retention.NOBODY
    while True:
        async with pool.acquire() as conn, conn.transaction():
            await retention.alone(conn)
            gone, following = await turn(conn, field, now, after)
            if gone:
                await append_all(conn, list(proofs(field, gone, now)))
                await retention.tally(conn, field, now, len(gone))
        done += len(gone)
        if following is None:
            return done
        after = following


async def turn(conn: Conn, field: str, now: datetime, after: UUID) -> tuple[list[Gone], UUID | None]:
    """What one turn destroyed, and after whom the next one looks; None: nothing is left."""
    if field not in retention.PEOPLE:
        gone = await retention.destroy(conn, field, now, AT_ONCE)
        return gone, after if len(gone) >= AT_ONCE else None
    looked = await retention.pseudonymise(conn, field, now, after, PEOPLE_AT_ONCE)
    more = looked.last if looked.looked_at >= PEOPLE_AT_ONCE else None
    return [Gone(each, None) for each in looked.gone], more


def proofs(field: str, gone: Sequence[Gone], now: datetime) -> Iterator[Entry]:
    """Evidence of what one turn destroyed, by ids: a row for each contract, and one for what is of none."""
    of_contract: dict[UUID | None, list[UUID | int]] = {}
    for each in gone:
        of_contract.setdefault(each.contract_id, []).append(each.id)
    for contract_id, rows in of_contract.items():
        yield entry(
            "personal_data.destroyed", ACTOR, now, contract_id=contract_id, rule="T16-2", clause="A16.3", field=field,
            rows=rows,
        )  # fmt: skip


async def table(conn: Conn) -> list[Row]:
    """Purpose and retention of every field, and what was destroyed."""
    found = {each.field: each for each in await retention.tallies(conn)}
    rows = []
    for each in RETENTION.values():
        so_far = found.get(each.field)
        destroyed, last = (so_far.rows, so_far.last_at) if so_far else (0, None)
        rows.append(Row(each.field, each.columns, each.purpose, each.years, each.since, destroyed, last))
    return rows


async def behind(conn: Conn, cursor: str | None) -> list[Row]:
    """Those behind a field. Raises Unfit."""
    rows = await table(conn)
    fields = [each.field for each in rows]
    if cursor is not None and cursor not in fields:
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return rows[fields.index(cursor) + 1 :] if cursor is not None else rows


async def destructions(conn: Conn, cursor: str | None = None, most: int = MOST) -> list[Destruction]:
    """What was destroyed when, newest first; what is behind a cursor. Raises Unfit."""
    at, _, field = (cursor or "").partition("~")
    return await retention.destructions(conn, most, instant_after(at) if cursor is not None else None, field)


def cursor_of(destroyed: Destruction) -> str:
    """Its place in the listing, which never changes."""
    return f"{instant(destroyed.destroyed_at)}~{destroyed.field}"
