"""The customers' mail server, played: it takes every letter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ANSWERS = {"EHLO": "250 mx.story.test", "DATA": "354 go on", "QUIT": "221 goodbye"}


@asynccontextmanager
async def mailbox() -> AsyncIterator[int]:
    """The port, on loopback, at which it takes letters until the end (RFC 5321)."""
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One session."""
    word = "greeting"
    writer.write(b"220 mx.story.test\r\n")
    while word != "QUIT" and (line := await reader.readline()):
        word = line[:4].decode(errors="replace").upper()
        writer.write(f"{ANSWERS.get(word, '250 OK')}\r\n".encode())
        if word == "DATA":
            await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 OK\r\n")
    writer.close()
