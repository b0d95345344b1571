"""What auditors ask for. Everything is read as keiyaku_auditor; only the quarterly review is written, by two people."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Literal, get_args
from uuid import UUID

import msgspec

from contract_gate.articles.article_16_secrecy import pseudonym
from office.storage import audit, vouched
from office.storage.audit import Access, Leaver, ReadingChange, Review
from office.use_cases import asked, cursors
from office.use_cases.asked import MOST, Unfit, actor, checked_text
from sql import Conn
from sql.evidence import append, entry

Population = Literal["certificates", "contracts", "deadlines"]
POPULATIONS: tuple[Population, ...] = get_args(Population)
WHO: Mapping[str, str] = MappingProxyType(
    {"customer_id": "customer", "accepted_by_first": "person", "accepted_by_second": "person"}
)


async def access(conn: Conn, now: datetime) -> list[Access]:
    """Who may do what: database roles, people, tokens, requesters, and who left with something still open."""
    async with conn.transaction(readonly=True):
        return [each async for each, _ in audit.access(conn, now)]


async def access_page(conn: Conn, now: datetime, cursor: str | None, most: int) -> tuple[list[Access], str | None]:
    """So many of them behind a place, and the place of the last, if more follow. Raises Unfit."""
    behind = audit.NOBODY if cursor is None else cursors.texts(cursor, len(audit.NOBODY))
    async with conn.transaction(readonly=True):
        rows = [each async for each in audit.access(conn, now, most + 1, behind)]
    listed = rows[:most]
    last, key = listed[-1] if listed else (None, "")
    if last is None or len(rows) <= most:
        return [each for each, _ in listed], None
    return [each for each, _ in listed], cursors.of_texts(last.kind, last.holder, last.may, key)


class Digest(msgspec.Struct, frozen=True):
    """How many entries the list of who may do what has, and its digest."""

    entries: int
    list_sha256: str


async def as_reviewed(conn: Conn, digest: str, now: datetime) -> int:
    """How many entries the list of that digest has. Raises Unfit when it is another one."""
    listed = await access(conn, now)
    if digest != (found := digest_of(listed)):
        raise Unfit(f"the list is another one now, {found}: look at `keiyaku audit access` again")
    return len(listed)


async def review(
    conn: Conn, first: str, second: str, digest: str, findings: str, now: datetime, proposal: UUID | None = None
) -> UUID:
    """Two people looked at the list with that digest, each at what the other may do (C-176). Raises Unfit.

    Evidence holds the digest of the list; the list itself names people (T16-3).
    """
    one, two = await asked.two_persons(conn, first, second)
    checked_text("findings", findings)
    entries = await as_reviewed(conn, digest, now)
    async with conn.transaction():
        if proposal:
            made = await vouched.close_access_review(conn, proposal, entries, now)
        else:
            made = await audit.insert_review(conn, one.id, two.id, entries, bytes.fromhex(digest), findings, now)
        row = entry(
            "access.reviewed", actor(one), now, rule="T17-1", review=made, second=actor(two), entries=entries,
            list_sha256=digest,
        )  # fmt: skip
        await append(conn, row)
    return made


def digest_of(listed: list[Access]) -> str:
    """SHA-256 of who may do what; on which day something was used last is left out, it changes by itself."""
    lines = [msgspec.structs.replace(each, last_used_on=None) for each in listed]
    return sha256(msgspec.json.encode(lines)).hexdigest()


async def reviews(conn: Conn, before: UUID | None = None, most: int = MOST) -> list[Review]:
    """Reviews of who may do what, newest first."""
    return await audit.reviews(conn, most, before)


async def leavers(conn: Conn, now: datetime, cursor: str | None = None, most: int = MOST) -> list[Leaver]:
    """People who left, and whether their access was gone within 24 hours. Raises Unfit."""
    return await audit.leavers(conn, most, cursors.instant_and_name(cursor) if cursor else None, now)


async def readings(conn: Conn, cursor: str | None = None, most: int = MOST) -> list[ReadingChange]:
    """Changes of readings, newest first, with the people who decided them. Raises Unfit."""
    return await audit.readings(conn, most, cursors.instant_and_name(cursor) if cursor else None)


async def population(
    conn: Conn, which: Population, since: datetime, until: datetime, key: bytes | None, now: datetime
) -> AsyncIterator[dict[str, object]]:
    """Every item of the period, one at a time, people and customers by pseudonyms under this key (T16-3).

    None: by their ids. Raises Unfit.
    """
    if not since < until:
        raise Unfit("the period ends after it begins: --until is the first instant that is not of it")
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        streams = {
            "certificates": audit.certificates(conn, since, until),
            "contracts": audit.contracts(conn, since, until),
            "deadlines": audit.deadlines(conn, since, until, now),
        }
        async for row in streams[which]:
            yield row if key is None else pseudonymous(row, key)


async def titles(conn: Conn, which: Population) -> list[str]:
    """The fields of each item of a population, in their order."""
    return await audit.titles(conn, which)


def pseudonymous(row: dict[str, object], key: bytes) -> dict[str, object]:
    """The row with a pseudonym for each id of a person or customer."""
    hidden = {name: pseudonym(key, WHO[name], id) for name, id in row.items() if name in WHO and isinstance(id, UUID)}
    return row | hidden
