"""What auditors ask for. Everything is read as keiyaku_auditor; only the quarterly review is written, by two people."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Literal, get_args
from uuid import UUID

import msgspec

from contract_gate.articles.article_16_secrecy import pseudonym
from office.storage import audit
from office.storage.audit import Access, Leaver, ReadingChange, Review
from office.use_cases import asked
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
        return [each async for each in audit.access(conn, now)]


async def review(conn: Conn, first: str, second: str, digest: str, findings: str, now: datetime) -> UUID:
    """Two people looked at the list with that digest, each at what the other may do (C-176). Raises Unfit.

    Evidence holds the digest of the list; the list itself names people (T16-3).
    """
    one, two = await asked.two_persons(conn, first, second)
    checked_text("findings", findings)
    listed = await access(conn, now)
    if digest != (found := digest_of(listed)):
        raise Unfit(f"the list is another one now, {found}: look at `keiyaku audit access` again")
    async with conn.transaction():
        made = await audit.insert_review(conn, one.id, two.id, len(listed), bytes.fromhex(found), findings, now)
        row = entry(
            "access.reviewed", actor(one), now, rule="T17-1", review=made, second=actor(two), entries=len(listed),
            list_sha256=found,
        )  # fmt: skip
        await append(conn, row)
    return made


def digest_of(listed: list[Access]) -> str:
    """SHA-256 of who may do what; on which day something was used last is left out, it changes by itself."""
    lines = [msgspec.structs.replace(each, last_used_on=None) for each in listed]
    return sha256(msgspec.json.encode(lines)).hexdigest()


async def reviews(conn: Conn) -> list[Review]:
    """Reviews of who may do what, newest first."""
    return await audit.reviews(conn, MOST)


async def leavers(conn: Conn) -> list[Leaver]:
    """People who left, and whether their access was gone within 24 hours."""
    return await audit.leavers(conn, MOST)


async def readings(conn: Conn) -> list[ReadingChange]:
    """Changes of readings, newest first, with the people who decided them."""
    return await audit.readings(conn, MOST)


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


def pseudonymous(row: dict[str, object], key: bytes) -> dict[str, object]:
    """The row with a pseudonym for each id of a person or customer."""
    hidden = {name: pseudonym(key, WHO[name], id) for name, id in row.items() if name in WHO and isinstance(id, UUID)}
    return row | hidden
