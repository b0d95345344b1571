"""One running server for many tests: it lives in a loop of its own, in a thread, so that plain functions can ask it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from acme_server.dev.postgres import EmbeddedPostgres
from tests.acme_server.client import Answer, Client, Json
from tests.acme_server.conftest import BASE, Served, serving
from tests.acme_server.edge.hostile import SECONDS, Raw, acme_listening, converse, stored
from tests.conftest import fresh_database

T = TypeVar("T")


@dataclass
class InItsLoop:
    """What lives in a loop of its own."""

    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[object, object, T]) -> T:
        """What the work gives; TimeoutError when it hangs."""
        return asyncio.run_coroutine_threadsafe(in_time(work), self.loop).result()


Lives = TypeVar("Lives", bound=InItsLoop)


@dataclass
class House(InItsLoop):
    """The server behind the listener of `keiyaku serve`, and a client with an account."""

    served: Served
    reach: str
    client: Client

    def post(self, url: str, payload: Json | str | bytes | None, /, **changes: Any) -> Answer:
        """The client's signed POST."""
        return self.run(self.client.post(url, payload, **changes))

    def send(self, octets: bytes, *, end: bool = False) -> list[Raw]:
        """Every answer to octets on a socket of their own."""
        return self.run(converse(self.reach, octets, end=end))

    def stored(self) -> list[str]:
        """Every row that a client can make."""
        return self.run(stored(self.served.owner))


async def in_time(work: Awaitable[T]) -> T:
    """What the work gives; TimeoutError when it hangs."""
    async with asyncio.timeout(SECONDS):
        return await work


@asynccontextmanager
async def opened(postgres: EmbeddedPostgres, folder: Path) -> AsyncIterator[House]:
    """A house on a database of its own."""
    async with (
        fresh_database(postgres) as database,
        asyncpg.create_pool(postgres.dsn(database=database), min_size=1, max_size=4) as owner,
        serving(postgres, database, owner, folder) as served,
        acme_listening(served) as reach,
    ):
        client = Client(served.session, BASE, reach)
        assert (await client.register((served.demo.admitted.kid, served.demo.admitted.hmac_key))).status == 201
        yield House(asyncio.get_running_loop(), served, reach, client)


@contextmanager
def house(postgres: EmbeddedPostgres, folder: Path) -> Iterator[House]:
    """The house, while its thread runs."""
    with lived_in(opened(postgres, folder)) as made:
        yield made


@contextmanager
def lived_in(opening: AbstractAsyncContextManager[Lives]) -> Iterator[Lives]:
    """What opens in a loop of its own, while that loop's thread runs."""
    moved_in: Future[Lives] = Future()
    ended = asyncio.Event()

    async def live() -> None:
        try:
            async with opening as made:
                moved_in.set_result(made)
                await ended.wait()
        except BaseException as error:
            if not moved_in.done():
                moved_in.set_exception(error)
            raise

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        made = moved_in.result()
        yield made
    finally:
        if moved_in.exception() is None:
            made.loop.call_soon_threadsafe(ended.set)
        thread.join()
