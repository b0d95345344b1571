"""Tokens of the JSON API: made, listed and withdrawn by operators, asked for at each call (T17-1)."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args
from uuid import UUID

import msgspec

from contract_gate.calendar import jst_date
from office.storage import people, tokens
from office.storage.people import Customer, Person
from office.storage.tokens import Caller as Caller
from office.storage.tokens import NewToken, Token
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, Unfit, checked_handle, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

Role = Literal["applicant", "requester", "officer", "approver", "compliance", "operator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
OF_CUSTOMERS = frozenset({"applicant", "requester"})
LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
PART = 43  # characters of 256 bits
PREFIX = "kyt_"  # so that a token in a log or a repository is known for what it is


class Wanted(msgspec.Struct, frozen=True):
    """A token of a person, or of a service of that name, which cannot decide anything."""

    holder: str
    role: str
    customer: str | None = None
    service: bool = False
    expires_at: datetime | None = None


class Made(msgspec.Struct, frozen=True):
    """A token as it is handed over; its secret is shown once."""

    id: UUID
    token: str
    role: Role
    expires_at: datetime


async def new(conn: Conn, wanted: Wanted, first: str | None, second: str | None, now: datetime) -> Made:
    """The token. Two different people give a role with the CA, and anybody another role than they ever had (§0.3).

    The first role that somebody has of a customer needs none. Raises Unfit.
    """
    role, until, who, service, of = await checked(conn, wanted, now)
    secret, holder = PREFIX + secrets.token_urlsafe(32), (who.id if who else None, service)
    async with conn.transaction():
        await tokens.hold(conn, *holder)  # two made at once are made one after the other: the second is another role
        one, two = await granting(conn, role, await tokens.held_another(conn, *holder, role), first, second)
        row = NewToken(
            *holder, role, of.id if of else None, until, one.id if one else None, two.id if two else None
        )  # fmt: skip
        made = await tokens.insert(conn, digest(secret), row, now)
        proof = entry(
            "token.made", asked.actor(one) if one else OPERATOR, now, rule="T17-1", token=made, role=role,
            person=row.person_id, service=service, customer=row.customer_id, expires_at=until, second=row.second,
        )  # fmt: skip
        await append(conn, proof)
    return Made(made, secret, role, until)


async def checked(
    conn: Conn, wanted: Wanted, now: datetime
) -> tuple[Role, datetime, Person | None, str | None, Customer | None]:
    """Role and end of a token that may be made, its person or service, and the customer. Raises Unfit."""
    role: Role = one_of("role", wanted.role, ROLES)  # type: ignore[assignment]
    until = wanted.expires_at or now + USUAL
    if not now < until <= now + LONGEST:
        raise Unfit(f"a token lives at most {LONGEST.days} days from now: choose --expires within them")
    if (role in OF_CUSTOMERS) != (wanted.customer is not None):
        raise Unfit("the roles applicant and requester, and they alone, name their --customer")
    who = None if wanted.service else await asked.person(conn, wanted.holder)
    of = await people.customer_of(conn, wanted.customer) if wanted.customer is not None else None
    if wanted.customer is not None and of is None:
        raise Unfit(f"there is no customer '{wanted.customer}': `keiyaku customer list` shows them")
    return role, until, who, checked_handle(wanted.holder) if wanted.service else None, of


async def granting(
    conn: Conn, role: str, another: bool, first: str | None, second: str | None
) -> tuple[Person, Person] | tuple[None, None]:
    """The two who grant the role, where it needs them; `another`: the holder had another one before. Raises Unfit."""
    if first is not None and second is not None:
        return await asked.two_persons(conn, first, second)
    if role not in OF_CUSTOMERS or another or first is not None or second is not None:
        raise Unfit(f"two people give somebody the role {role}: name them with --by and --and")
    return None, None


async def withdraw(conn: Conn, token: str, now: datetime) -> None:
    """No call is answered with it from now on. Raises Unfit."""
    token_id = id_of("token", token)
    async with conn.transaction():
        if not await tokens.withdraw(conn, token_id, now):
            raise Unfit("there is no such token, or it was withdrawn before: `keiyaku token list` shows them")
        await append(conn, entry("token.withdrawn", OPERATOR, now, rule="T17-1", token=token_id))


async def listed(
    conn: Conn, dead: bool, now: datetime, before: UUID | None = None, most: int = MOST
) -> list[Token]:  # fmt: skip
    """Tokens without their secrets, newest first."""
    return await tokens.tokens(conn, dead, now, before, most)


async def caller_of(conn: Conn, secret: str, now: datetime) -> Caller | None:
    """Who calls with this secret; None: nobody we know, or not any more."""
    return await tokens.caller(conn, digest(secret), now, jst_date(now))


def digest(secret: str) -> bytes:
    """What is stored: 256 random bits need no salt and no slow hash."""
    return sha256(proof_of(secret)).digest()


def proof_of(secret: str) -> bytes:
    """What the database wants to see where it writes for the holder of a token alone: that of which it has the hash.

    Of a secret in two parts these are the hashes of both: who knows one part, and of the other the hash, cannot call.
    """
    if len(secret) == len(PREFIX) + 2 * PART:
        middle = len(PREFIX) + PART
        return sha256(secret[:middle].encode()).digest() + sha256(secret[middle:].encode()).digest()
    return secret.encode()
