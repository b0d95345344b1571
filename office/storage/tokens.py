"""Tokens of the JSON API; of their secrets the hash alone."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/tokens")


class Caller(msgspec.Struct, frozen=True):
    """Who calls: a natural person, or a service; and whose customer they are, in a customer's role."""

    id: UUID
    person_id: UUID | None
    handle: str | None
    service: str | None
    role: str
    customer_id: UUID | None
    customer: str | None
    expires_at: datetime


class Token(msgspec.Struct, frozen=True):
    """A token without its secret; `first` and `second` granted it."""

    id: UUID
    person: str | None
    service: str | None
    role: str
    customer: str | None
    created_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    last_used_on: date | None
    first: str | None
    second: str | None


class NewToken(msgspec.Struct, frozen=True):
    """Of a person or a service of that name; the two who grant it, for a role with the CA."""

    person_id: UUID | None
    service: str | None
    role: str
    customer_id: UUID | None
    expires_at: datetime
    first: UUID | None
    second: UUID | None


async def insert(conn: Conn, sha256: bytes, new: NewToken, now: datetime) -> UUID:
    """The id of the new token."""
    token_id = uuid7(now)
    await conn.execute(
        SQL["insert"], token_id, sha256, new.person_id, new.service, new.role, new.customer_id, now, new.expires_at,
        new.first, new.second,
    )  # fmt: skip
    return token_id


async def hold(conn: Conn, person_id: UUID | None, service: str | None) -> None:
    """Nobody else makes a token of that person or service until the transaction ends."""
    await conn.execute(SQL["hold"], person_id, service)


async def held_another(conn: Conn, person_id: UUID | None, service: str | None, role: str) -> bool:
    """Whether the person or the service ever had a token of another role."""
    return bool(await conn.fetchval(SQL["held_another"], person_id, service, role))


async def roles(conn: Conn, person_id: UUID, now: datetime) -> set[str]:
    """Roles of the person's tokens that live."""
    return {row["role"] for row in await conn.fetch(SQL["roles"], person_id, now)}


async def caller(conn: Conn, sha256: bytes, now: datetime, today: date) -> Caller | None:
    """Who holds the token, if it lives."""
    return one(Caller, await conn.fetchrow(SQL["caller"], sha256, now, today))


async def tokens(conn: Conn, dead: bool, now: datetime, before: UUID | None, most: int) -> list[Token]:
    """Tokens that live, or all; newest first, older than that one, at most so many."""
    return many(Token, await conn.fetch(SQL["tokens"], dead, now, before, most))


async def withdraw(conn: Conn, token_id: UUID, now: datetime) -> bool:
    """Whether it was not withdrawn until now."""
    return await conn.fetchval(SQL["withdraw"], token_id, now) is not None
