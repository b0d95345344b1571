"""Relays between processes that stop exactly where a test wants them to.

A relay stands on a Unix socket of one process and passes on what it says to PostgreSQL or to the signer. A `Trip` names
a statement (or a line to the signer) and a moment: `before` it was sent, or `after` it took effect and before its
answer came back. There the relay holds, so that the process can be killed at exactly that point.
"""

import asyncio
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Moment = Literal["before", "after"]
PATIENCE = 30.0
STORE = b"INSERT INTO ca.certificates"


class Cut(Exception):
    """One side has ended; the other one is to end too."""


@dataclass
class Trip:
    """Where to stop, once: at the first message of `link` that contains `text`."""

    link: str
    text: bytes
    moment: Moment
    hit: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    taken: bool = False
    cut: bool = True  # when released: the connection ends; else the message goes on its way

    async def reached(self) -> None:
        """The link stands still there. Fails the test when it does not come to it."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.hit.wait()
        except TimeoutError:
            raise AssertionError(f"{self.link} never came to {self.text!r}") from None

    async def passed(self) -> None:
        """Returns when the message may go on. Raises Cut."""
        self.hit.set()
        await self.released.wait()
        if self.cut:
            raise Cut

    def takes(self, link: str, text: bytes) -> bool:
        """Whether this message is the one; it is only once."""
        if self.taken or link != self.link or self.text not in text:
            return False
        self.taken = True
        return True


@dataclass
class Relay:
    """The relay of one link, `process/postgres` or `process/signer`."""

    link: str
    inlet: Path
    outlet: Path
    trip: Trip | None = None
    signed: list[bytes] = field(default_factory=list)  # every certificate that passed on its way to the store
    server: asyncio.Server | None = None
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def start(self) -> None:
        """Takes connections."""
        self.inlet.parent.mkdir(mode=0o700, exist_ok=True)
        self.server = await asyncio.start_unix_server(self.relay, self.inlet)

    async def stop(self) -> None:
        """Every connection is cut."""
        assert self.server is not None
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.outlet)
        except OSError:
            writer.close()
            self.tasks.discard(task)
            return
        conversation = (
            Postgres(self, writer, far_writer) if "postgres" in self.link else Signer(self, writer, far_writer)
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(conversation.up(reader))
                group.create_task(conversation.down(far_reader))
        except* (OSError, asyncio.IncompleteReadError, Cut):
            pass
        finally:
            for each in (writer, far_writer):
                each.close()
            self.tasks.discard(task)


@dataclass
class Conversation:
    """One connection. While `holding` is a trip, nothing goes back to the process."""

    relay: Relay
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    holding: Trip | None = None

    def trips(self, text: bytes) -> Trip | None:
        """The trip, if this message is the one."""
        trip = self.relay.trip
        return trip if trip is not None and trip.takes(self.relay.link, text) else None

    async def send(self, message: bytes, trip: Trip | None) -> None:
        """To the far side: held back before it, or with its answer held back."""
        if trip is not None and trip.moment == "before":
            await trip.passed()
        elif trip is not None:
            self.holding = trip
        self.far.write(message)
        await self.far.drain()

    async def give_back(self, message: bytes, complete: bool) -> None:
        """To the process; held back while a trip holds, which is hit when the answer is complete."""
        if (trip := self.holding) is not None and complete:
            await trip.passed()
            self.holding = None
        self.near.write(message)
        await self.near.drain()


class Signer(Conversation):
    """Lines."""

    async def up(self, reader: asyncio.StreamReader) -> None:
        """Questions."""
        while line := await reader.readline():
            await self.send(line, self.trips(line))
        raise Cut

    async def down(self, reader: asyncio.StreamReader) -> None:
        """Answers; a held one is complete at once."""
        while line := await reader.readline():
            await self.give_back(line, complete=True)
        raise Cut


class Postgres(Conversation):
    """Messages of the protocol of PostgreSQL, version 3."""

    is_office = False

    def trips(self, text: bytes) -> Trip | None:
        """As any, but not what the office's jobs do beside it in the same process."""
        return None if self.is_office else super().trips(text)

    async def up(self, reader: asyncio.StreamReader) -> None:
        """What the process asks: statements are told by their text, prepared ones too."""
        head = await reader.readexactly(4)
        size = struct.unpack("!i", head)[0]
        hello = await reader.readexactly(size - 4)
        self.is_office = b"keiyaku_office" in hello
        await self.send(head + hello, None)
        texts: dict[bytes, bytes] = {}
        while kind := await reader.read(1):
            head = await reader.readexactly(4)
            body = await reader.readexactly(struct.unpack("!i", head)[0] - 4)
            trip = None
            if kind == b"P":
                name, text, _ = body.split(b"\0", 2)
                texts[name] = text
            elif kind == b"Q":
                trip = self.trips(body[:-1])
            elif kind == b"B":
                text = texts.get(body.split(b"\0", 2)[1], b"")
                if STORE in text:
                    self.relay.signed += certificates(body)
                trip = self.trips(text)
            await self.send(kind + head + body, trip)
        raise Cut

    async def down(self, reader: asyncio.StreamReader) -> None:
        """What PostgreSQL answers: complete when it is ready for the next query."""
        held = b""
        while kind := await reader.read(1):
            head = await reader.readexactly(4)
            message = kind + head + await reader.readexactly(struct.unpack("!i", head)[0] - 4)
            if self.holding is not None and kind != b"Z":
                held += message
                continue
            await self.give_back(held + message, complete=kind == b"Z")
            held = b""
        raise Cut


def certificates(bind: bytes) -> list[bytes]:
    """The second parameter, an array of certificates, of a Bind message of the signer's store."""
    at = bind.index(b"\0", bind.index(b"\0") + 1) + 1
    formats = struct.unpack_from("!h", bind, at)[0]
    at += 2 + 2 * formats + 2
    first = struct.unpack_from("!i", bind, at)[0]
    at += 4 + first
    array = bind[at + 4 : at + 4 + struct.unpack_from("!i", bind, at)[0]]
    found, place = [], 20
    for _ in range(struct.unpack_from("!i", array, 12)[0]):
        size = struct.unpack_from("!i", array, place)[0]
        found.append(array[place + 4 : place + 4 + size])
        place += 4 + size
    return found
