"""Answers http-01 look-ups of the load with the key authorizations that its clients set."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class Responder:
    """Key authorizations by token, served over plain HTTP on one port, shared by all load processes."""

    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def start(cls, port: int) -> "Responder":
        """A responder that listens on loopback."""
        made = cls()
        await asyncio.start_server(made.answer, "127.0.0.1", port)
        return made

    def set(self, token: str, key_authorization: str) -> None:
        """The token is answered from now on."""
        self.known[token] = key_authorization

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, then the connection is closed."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            token = head.split(b" ", 2)[1].rpartition(b"/")[2].decode()
            body = self.known.pop(token, "").encode()
            status = b"200 OK" if body else b"404 Not Found"
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()
