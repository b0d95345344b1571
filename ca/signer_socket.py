"""The signer's door: a Unix socket that only its owner may open, and batches of what waits there.

Ids come in, one a line (`signer_lines.py`); answers go out in any order.
"""

import asyncio
import os
import socket
from asyncio import StreamWriter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias
from uuid import UUID

import structlog

from ca.signer_lines import CrlAnswer, Key, SignAnswer, SignerAway, SignRefused, line_of, name_of, parse

BATCH_MAX = 128
WAITING_MAX = 4096
Request: TypeAlias = tuple[Key, StreamWriter]
log = structlog.get_logger()


class Signs(Protocol):
    """Who signs records."""

    @property
    def batch_max(self) -> int:
        """How many requests are answered together; at most BATCH_MAX."""

    async def sign(self, ids: Sequence[UUID]) -> Mapping[UUID, SignAnswer]:
        """An answer for every id."""


class MakesCrls(Protocol):
    """Who makes CRLs."""

    async def make(self, issuer_id: int, shard: int) -> CrlAnswer:
        """Whether the next CRL of the shard is stored."""


@dataclass
class Waiting:
    """What was asked and is not answered: records do not wait for CRLs. None: there will be no more."""

    records: "asyncio.Queue[Request | None]" = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))
    crls: "asyncio.Queue[Request | None]" = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))

    async def put(self, key: Key, writer: StreamWriter) -> None:
        """The request waits for its answer, as soon as there is room."""
        await (self.records if isinstance(key, UUID) else self.crls).put((key, writer))

    async def end(self) -> None:
        """Nothing comes after what waits now."""
        await self.records.put(None)
        await self.crls.put(None)


def bound(path: Path) -> socket.socket:
    """A Unix socket at `path`, which nobody but its owner can ever connect to; the socket of a dead signer goes."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        made.bind(str(path))
    finally:
        os.umask(mask)
    return made


async def converse(
    reader: asyncio.StreamReader,
    writer: StreamWriter,
    waiting: Waiting,
    open_writers: set[StreamWriter],
) -> None:
    """Every line of a connection waits for its answer. A client that does not read answers is not read either."""
    open_writers.add(writer)
    try:
        while line := await reader.readline():
            await waiting.put(parse(line), writer)
            await writer.drain()
    except ValueError as fault:  # also a line longer than LINE_MAX
        writer.write(f"error {fault}\n".encode())
    except ConnectionError:
        pass
    finally:
        open_writers.discard(writer)
        writer.close()


async def answer_all(waiting: Waiting, signer: Signs, maker: MakesCrls) -> None:
    """Until all that was asked is answered, once there is no more."""
    await asyncio.gather(answer_records(waiting.records, signer), answer_crls(waiting.crls, maker))


async def answer_records(waiting: "asyncio.Queue[Request | None]", signer: Signs) -> None:
    """Batch after batch of all that waits, until None came."""
    more = True
    while more:
        asked, more = await taken(waiting, signer.batch_max)
        ids = [key for key in asked if isinstance(key, UUID)]
        for key, answer in (await signer.sign(ids)).items() if ids else ():
            tell(key, answer, asked[key])


async def answer_crls(waiting: "asyncio.Queue[Request | None]", maker: MakesCrls) -> None:
    """One CRL after the other, each answered when it is made, until None came."""
    more = True
    while more:
        asked, more = await taken(waiting, WAITING_MAX)
        for key in asked:
            if isinstance(key, tuple):
                tell(key, await maker.make(*key), asked[key])


async def taken(waiting: "asyncio.Queue[Request | None]", most: int) -> tuple[dict[Key, list[StreamWriter]], bool]:
    """What waits, or comes next, and who asked; the same question twice is asked once. And whether more may come."""
    batch = [await waiting.get()]
    while len(batch) < most and not waiting.empty():
        batch.append(waiting.get_nowait())
    asked: dict[Key, list[StreamWriter]] = {}
    for request in batch:
        if request is not None:
            asked.setdefault(request[0], []).append(request[1])
    return asked, None not in batch


def tell(key: Key, answer: SignAnswer | CrlAnswer, writers: Sequence[StreamWriter]) -> None:
    """Whoever asked has the answer."""
    if isinstance(answer, SignRefused | SignerAway):
        log.warning("not signed", subject=name_of(key), answer=answer)
    for writer in writers:
        if not writer.is_closing():
            writer.write(line_of(key, answer))
