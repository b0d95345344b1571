"""Tokens that two people give through the API, and that one stops (T17-1).

The secret has two parts: who proposes the token is shown one and who confirms it the other, so that neither can call
with it; its holder gets both.
"""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from office.storage import tokens, vouched
from office.storage.tokens import NewToken
from office.use_cases import asked
from office.use_cases.asked import Deciders, Unfit, id_of
from office.use_cases.tokens import PREFIX, Wanted, checked
from sql import Conn
from sql.evidence import append, entry


def first_part() -> tuple[str, str]:
    """The part of a secret that who proposes the token is shown, and its hash."""
    part = PREFIX + secrets.token_urlsafe(32)
    return part, sha256(part.encode()).hexdigest()


async def issue(conn: Conn, wanted: Wanted, first_sha256: str, by: Deciders, now: datetime) -> str:
    """The part of the new token's secret that who confirms it is shown. Nobody confirms a token of their own.

    Raises Unfit.
    """
    role, until, who, service, of = await checked(conn, wanted, now)
    if who and who.id == by.second.id:
        raise Unfit("this token would be your own: somebody else confirms it")
    part = secrets.token_urlsafe(32)
    hashes = bytes.fromhex(first_sha256), sha256(part.encode()).digest()
    row = NewToken(who.id if who else None, service, role, of.id if of else None, until, by.first.id, by.second.id)
    async with conn.transaction():
        made = await insert(conn, row, hashes, by.proposal, now)
        proof = entry(
            "token.made", asked.actor(by.first), now, rule="T17-1", token=made, role=role, person=row.person_id,
            service=service, customer=row.customer_id, expires_at=until, second=row.second,
        )  # fmt: skip
        await append(conn, proof)
    return part


async def insert(
    conn: Conn, row: NewToken, hashes: tuple[bytes, bytes], proposal: UUID | None, now: datetime
) -> UUID:  # fmt: skip
    """The id of the token whose secret has parts of these hashes. Raises Unfit."""
    if proposal is None:
        return await tokens.insert(conn, sha256(b"".join(hashes)).digest(), row, now)
    if made := await vouched.make_token(conn, proposal, hashes[1], now):
        return made
    raise Unfit("the token cannot be made as it was proposed: propose it anew")


async def stop(conn: Conn, token: str, person: str, proof: bytes, now: datetime) -> None:
    """No call is answered with it from now on: any token, for who works for the CA; else one's own. Raises Unfit."""
    token_id, who = id_of("token", token), await asked.person(conn, person)
    async with conn.transaction():
        if not await vouched.withdraw_token(conn, token_id, proof, now):
            raise Unfit("there is no such token, it was withdrawn before, or it is not yours to withdraw")
        await append(conn, entry("token.withdrawn", asked.actor(who), now, rule="T17-1", token=token_id))
