"""A call repeated under its Idempotency-Key is answered as before and not done again.

Answer and deed commit together. What was refused did nothing and is not kept: the same key may be tried again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from office.storage import idempotency
from office.use_cases.documents import seal, unseal
from sql import Conn, Pool

KEPT = timedelta(hours=24)


class Answer(msgspec.Struct, frozen=True):
    """What is answered to a call; in office/edge/api everything becomes one."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Keyed(msgspec.Struct, frozen=True):
    """A call under a key: whose token, the token itself, and what is asked."""

    token_id: UUID
    secret: str
    key: str
    request_sha256: bytes


class Busy(Exception):
    """The same key is being answered right now."""


class Reused(Exception):
    """The key was used for another request."""


async def once(conn: Conn, call: Keyed, do: Callable[[], Awaitable[Answer]], now: datetime) -> tuple[Answer, bool]:
    """The answer, and whether it was given before. Raises Busy and Reused, and whatever `do` raises.

    `do` runs inside the transaction that keeps its answer; use cases take their contracts' locks in it.
    """
    bound = sha256(call.token_id.bytes + call.key.encode()).digest()
    async with conn.transaction():
        if not await idempotency.alone(conn, call.token_id, call.key):
            raise Busy
        if kept := await idempotency.answer(conn, call.token_id, call.key):
            if kept.request_sha256 != call.request_sha256:
                raise Reused
            return msgspec.json.decode(unseal(sealing_key(call.secret), kept.sealed, bound), type=Answer), True
        made = await do()
        sealed = seal(sealing_key(call.secret), msgspec.json.encode(made), bound)
        await idempotency.insert(conn, call.token_id, call.key, call.request_sha256, sealed, now)
    return made, False


def sealing_key(secret: str) -> bytes:
    """The key of a token's answers, which only who holds the token can make: the store has another hash of it."""
    return sha256(b"keiyaku answers " + secret.encode()).digest()


async def sweep(pool: Pool, now: datetime) -> None:
    """Answers older than a day are forgotten; twice is once, on many nodes."""
    while await idempotency.forget(pool, now - KEPT):
        pass
