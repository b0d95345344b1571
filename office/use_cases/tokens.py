"""Tokens of the JSON API: made, listed and withdrawn by operators, asked for at each call (T17-1)."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args
from uuid import UUID

import msgspec

from contract_gate.calendar import jst_date
from office.storage import people, tokens
from office.storage.tokens import Caller as Caller
from office.storage.tokens import Token
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, Unfit, checked_handle, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

Role = Literal["applicant", "requester", "officer", "approver", "compliance", "operator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
OF_CUSTOMERS = frozenset({"applicant", "requester"})
LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
PREFIX = "kyt_"  # so that a token in a log or a repository is known for what it is


class NewToken(msgspec.Struct, frozen=True):
    """A token as it is handed over; its secret is shown once."""

    id: UUID
    token: str
    role: Role
    expires_at: datetime


async def new(
    conn: Conn, holder: str, role: str, customer: str | None, service: bool, expires_at: datetime | None, now: datetime
) -> NewToken:
    """A token of a person, or of a service of that name, which cannot decide anything. Raises Unfit."""
    one_of("role", role, ROLES)
    until = expires_at or now + USUAL
    if not now < until <= now + LONGEST:
        raise Unfit(f"a token lives at most {LONGEST.days} days from now: choose --expires within them")
    if (role in OF_CUSTOMERS) != (customer is not None):
        raise Unfit("the roles applicant and requester, and they alone, name their --customer")
    who = None if service else await asked.person(conn, holder)
    of = await people.customer_of(conn, customer) if customer else None
    if customer and of is None:
        raise Unfit(f"there is no customer '{customer}': `keiyaku customer list` shows them")
    secret = PREFIX + secrets.token_urlsafe(32)
    async with conn.transaction():
        made = await tokens.insert(
            conn, digest(secret), who.id if who else None, checked_handle(holder) if service else None, role,
            of.id if of else None, until, now,
        )  # fmt: skip
        row = entry(
            "token.made", OPERATOR, now, rule="T17-1", token=made, role=role, person=who.id if who else None,
            service=holder if service else None, customer=of.id if of else None, expires_at=until,
        )  # fmt: skip
        await append(conn, row)
    return NewToken(made, secret, role, until)  # type: ignore[arg-type]  # one_of


async def withdraw(conn: Conn, token: str, now: datetime) -> None:
    """No call is answered with it from now on. Raises Unfit."""
    token_id = id_of("token", token)
    async with conn.transaction():
        if not await tokens.withdraw(conn, token_id, now):
            raise Unfit("there is no such token, or it was withdrawn before: `keiyaku token list` shows them")
        await append(conn, entry("token.withdrawn", OPERATOR, now, rule="T17-1", token=token_id))


async def listed(conn: Conn, dead: bool, now: datetime) -> list[Token]:
    """Tokens without their secrets, newest first."""
    return await tokens.tokens(conn, dead, now, MOST)


async def caller_of(conn: Conn, secret: str, now: datetime) -> Caller | None:
    """Who calls with this secret; None: nobody we know, or not any more."""
    return await tokens.caller(conn, digest(secret), now, jst_date(now))


def digest(secret: str) -> bytes:
    """What is stored: 256 random bits need no salt and no slow hash."""
    return sha256(secret.encode()).digest()
