"""The signer's door: a Unix socket that only its owner may open, and batches of what waits there.

Ids come in, one a line (`signer_lines.py`); answers go out in any order.
"""

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias
from uuid import UUID

import structlog

from ca.signer_lines import CrlAnswer, Key, SignAnswer, SignerAway, SignRefused, line_of, name_of, parse

BATCH_MAX = 128
WAITING_MAX = 4096
Request: TypeAlias = tuple[Key, asyncio.StreamWriter]
log = structlog.get_logger()


class Engine(Protocol):
    """Who answers."""

    @property
    def batch_max(self) -> int:
        """How many requests are answered together; at most BATCH_MAX."""

    async def sign(self, ids: Sequence[UUID]) -> Mapping[UUID, SignAnswer]:
        """An answer for every id."""

    async def make_crl(self, issuer_id: int, shard: int) -> CrlAnswer:
        """Whether the next CRL of the shard is stored."""


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
    writer: asyncio.StreamWriter,
    waiting: "asyncio.Queue[Request | None]",
    open_writers: set[asyncio.StreamWriter],
) -> None:
    """Every line of a connection waits for its answer. A client that does not read answers is not read either."""
    open_writers.add(writer)
    try:
        while line := await reader.readline():
            await waiting.put((parse(line), writer))
            await writer.drain()
    except ValueError as fault:  # also a line longer than LINE_MAX
        writer.write(f"error {fault}\n".encode())
    except ConnectionError:
        pass
    finally:
        open_writers.discard(writer)
        writer.close()


async def answer_all(waiting: "asyncio.Queue[Request | None]", signer: Engine) -> None:
    """Batch after batch of all that waits, until None came."""
    while True:
        batch = [await waiting.get()]
        while len(batch) < signer.batch_max and not waiting.empty():
            batch.append(waiting.get_nowait())
        requests = [request for request in batch if request is not None]
        await answer_batch(requests, signer)
        if len(requests) < len(batch):
            return


async def answer_batch(requests: Sequence[Request], signer: Engine) -> None:
    """Every request of the batch has its answer; the same question twice is asked once."""
    asked: dict[Key, list[asyncio.StreamWriter]] = {}
    for key, writer in requests:
        asked.setdefault(key, []).append(writer)
    answers: dict[Key, SignAnswer | CrlAnswer] = {}
    if ids := [key for key in asked if isinstance(key, UUID)]:
        answers |= dict((await signer.sign(ids)).items())
    for key in asked:
        if isinstance(key, tuple):
            answers[key] = await signer.make_crl(*key)
    for key, writers in asked.items():
        if isinstance(answers[key], SignRefused | SignerAway):
            log.warning("not signed", subject=name_of(key), answer=answers[key])
        for writer in writers:
            if not writer.is_closing():
                writer.write(line_of(key, answers[key]))
