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
    """What is answered to a call; in office/edge/api everything becomes one. `next`: where a part's file goes on."""

    status: int
    body: bytes
    content_type: str = "application/json"
    next: str | None = None


class Keyed(msgspec.Struct, frozen=True):
    """A call under a key: whose token, the token itself, and what is asked."""

    token_id: UUID
    secret: str
    key: str
    request_sha256: bytes


class Open(msgspec.Struct, frozen=True):
    """A call of an open door under a key: no token binds it, so its own content does, and nothing of it is kept.

    Who guesses a key and sends something else learns that it was used; the answer opens for who sends the same alone.
    """

    path: str
    key: str
    body: bytes

    def digest(self, use: bytes, *, content: bool) -> bytes:
        """SHA-256 for that use over the path and the key, and the content too."""
        parts = (use, self.path.encode(), self.key.encode(), *([self.body] if content else []))
        return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


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


async def answered(conn: Conn, call: Open) -> Answer | None:
    """What was answered to the same call of an open door. Raises Reused."""
    name = call.digest(b"key", content=False)
    kept = await idempotency.open_answer(conn, name)
    if kept is None:
        return None
    if kept.request_sha256 != call.digest(b"request", content=True):
        raise Reused
    return msgspec.json.decode(unseal(call.digest(b"answer", content=True), kept.sealed, name), type=Answer)


async def once_open(
    conn: Conn, call: Open, do: Callable[[], Awaitable[Answer]], now: datetime
) -> tuple[Answer, bool]:  # fmt: skip
    """As `once`, for a call of an open door."""
    name = call.digest(b"key", content=False)
    async with conn.transaction():
        if not await idempotency.alone_open(conn, name):
            raise Busy
        if kept := await answered(conn, call):
            return kept, True
        made = await do()
        sealed = seal(call.digest(b"answer", content=True), msgspec.json.encode(made), name)
        await idempotency.insert_open(conn, name, call.digest(b"request", content=True), sealed, now)
    return made, False


def sealing_key(secret: str) -> bytes:
    """The key of a token's answers, which only who holds the token can make: the store has another hash of it."""
    return sha256(b"keiyaku answers " + secret.encode()).digest()


async def sweep(pool: Pool, now: datetime) -> None:
    """Answers older than a day are forgotten; twice is once, on many nodes."""
    while await idempotency.forget(pool, now - KEPT):
        pass
    while await idempotency.forget_open(pool, now - KEPT):
        pass
