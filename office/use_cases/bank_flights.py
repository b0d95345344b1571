"""The lines of a bank file are booked batch by batch, several at a time where none can matter to another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

import asyncpg

from contract_gate.matching import Matched, Shared
from office.storage import bank_files, bank_lines
from office.storage.bank_lines import Line
from office.use_cases.bank_booking import Seen, Tally, book_batch, cancel_by, look
from sql import Conn

BATCH = 1000  # lines, and so contracts held at once
TRIES = 3


class Flights:
    """Batches that are being booked, each on a connection of its own; none is about a customer of another."""

    def __init__(self, conns: Sequence[Conn], now: datetime) -> None:
        self.free: asyncio.Queue[Conn] = asyncio.Queue()
        for each in conns:
            self.free.put_nowait(each)
        self.under_way: dict[asyncio.Task[Tally], Seen] = {}
        self.tally, self.booked, self.now = Tally(), 0, now

    async def look(self, conn: Conn, lines: Sequence[Line]) -> Seen:
        """What the lines pay: the same as if every batch before them were booked already."""
        while True:
            before = {task: each for task, each in self.under_way.items() if not task.done()}
            seen = await look(conn, lines)
            in_the_way = [task for task, each in before.items() if each.customers & seen.customers]
            if not in_the_way:
                return seen
            await asyncio.wait(in_the_way)

    async def book(self, seen: Seen) -> None:
        """The batch is being booked, once a connection is free. Raises what became of one before it."""
        conn = await self.free.get()
        self.count()
        self.under_way[asyncio.create_task(self._fly(conn, seen))] = seen

    async def _fly(self, conn: Conn, seen: Seen) -> Tally:
        """Booked; anew when somebody and it waited for each other, and PostgreSQL undid it."""
        try:
            for _ in range(TRIES - 1):
                with suppress(asyncpg.DeadlockDetectedError):
                    return await book_batch(conn, seen, self.now)
            return await book_batch(conn, seen, self.now)
        finally:
            self.free.put_nowait(conn)

    def count(self) -> None:
        """What is booked is counted. Raises what became of one that is not."""
        for task in [each for each in self.under_way if each.done()]:
            seen = self.under_way.pop(task)
            self.tally += task.result()
            self.booked += len(seen.found)

    async def land(self) -> None:
        """All are booked. Raises what became of one that is not."""
        while self.under_way:
            await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
            self.count()

    async def __aenter__(self) -> "Flights":
        return self

    async def __aexit__(self, *fault: object) -> None:
        """None is under way any more: what is not booked by now is undone."""
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)


async def book(conn: Conn, beside: Sequence[Conn], file_id: UUID, said: Callable[[int], None], now: datetime) -> Tally:
    """Every line of the file is booked; those that are already stay as they are.

    While the connections `beside` book, `conn` looks at what comes next; without them it does both in turn.
    """
    after = 0
    async with joined(beside), Flights(beside or [conn], now) as flights:
        while lines := await bank_lines.staged(conn, file_id, BATCH, after):
            after = lines[-1].id
            await flights.book(await flights.look(conn, lines))
            if not beside:
                await flights.land()
            said(flights.booked)
        await flights.land()
    return await take_back(conn, file_id, flights, said, now)


@asynccontextmanager
async def joined(beside: Sequence[Conn]) -> AsyncIterator[None]:
    """Nobody else imports while one of these may book, even if the connection that imports is lost."""
    for each in beside:
        await bank_files.join_import(each)
    try:
        yield
    finally:
        for each in beside:
            if not each.is_closed():
                await bank_files.part_import(each)


async def take_back(conn: Conn, file_id: UUID, booked: Flights, said: Callable[[int], None], now: datetime) -> Tally:
    """Then the lines that cancel others, one by one; all that became of the file."""
    tally, done = booked.tally, booked.booked
    said(done)
    while lines := await bank_lines.cancelling(conn, file_id, 1):
        tally += await cancel_by(conn, lines[0], now)
        done += 1
        said(done)
    return tally


async def look_at(conn: Conn, file_id: UUID) -> Tally:
    """What `book` would make of the file as things stand: nothing is written."""
    tally, after = Tally(), 0
    while lines := await bank_lines.staged(conn, file_id, BATCH, after):
        matched = sum(isinstance(each, Matched | Shared) for _, each in (await look(conn, lines)).found)
        tally += Tally(matched, len(lines) - matched)
        after = lines[-1].id
    return tally + Tally(cancelled=await bank_lines.count_cancelling(conn, file_id))
