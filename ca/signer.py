"""The signer process (`keiyaku sign`). Design §8.

A Unix socket that only its owner may open takes ids, one a line (`signer_lines.py`), and answers in any order.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import structlog

from ca.keys import SigningKey
from ca.signer_lines import LINE_MAX, CrlAnswer, Key, SignAnswer, SignerAway, SignRefused, line_of, name_of, parse
from ca.signing import Signer

BATCH_MAX = 128
WAITING_MAX = 4096
Request: TypeAlias = tuple[Key, asyncio.StreamWriter]
log = structlog.get_logger()


async def serve(
    socket_path: Path, dsn: str, keys: Mapping[int, SigningKey], stop: asyncio.Event, now: Callable[[], datetime]
) -> None:
    """Signs what is asked for until `stop` is set; what was asked before is answered then. `keys` are by issuer id."""
    waiting: asyncio.Queue[Request | None] = asyncio.Queue(WAITING_MAX)
    signer = Signer(dsn, keys, now)
    open_writers: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_unix_server(
        lambda reader, writer: converse(reader, writer, waiting, open_writers), sock=bound(socket_path), limit=LINE_MAX
    )
    work = asyncio.create_task(answer_all(waiting, signer))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        server.close()
        socket_path.unlink(missing_ok=True)
        if not work.done():
            await waiting.put(None)
        await work
        for writer in list(open_writers):
            writer.close()
        await signer.close()


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


async def answer_all(waiting: "asyncio.Queue[Request | None]", signer: Signer) -> None:
    """Batch after batch of all that waits, until None came."""
    while True:
        batch = [await waiting.get()]
        while len(batch) < BATCH_MAX and not waiting.empty():
            batch.append(waiting.get_nowait())
        requests = [request for request in batch if request is not None]
        await answer_batch(requests, signer)
        if len(requests) < len(batch):
            return


async def answer_batch(requests: Sequence[Request], signer: Signer) -> None:
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
